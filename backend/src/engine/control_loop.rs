//! The control loop: renews leases, checks which runs may continue, and exchanges the state of the mail servers with
//! the other processes: circuit breakers, rate limits and session limits. It has its own connection, so that a
//! failing result writer does not cost the leases.

mod session_limits;
mod sessions;
mod working;

use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;

use self::sessions::SharedSessions;
use self::working::PublishedServers;
use super::attempt_event::AttemptEvent;
use super::breaker::{Breaker, BreakerChange};
use super::egress_queue::EgressQueue;
use super::lease_renewer::LeaseRenewer;
use super::sender_context::SenderContext;
use crate::delivery::deliveries::claims::{self, Lease};
use crate::delivery::deliveries::withdrawals;
use crate::delivery::smtp_server_health::model::ServerRevision;
use crate::delivery::smtp_server_health::store::{self, BreakerOpening, OpenBreaker};

/// Polling interval: well below the two seconds within which a stop must take effect.
const INTERVAL: Duration = Duration::from_millis(500);
/// Polling interval while a rate is limited: permits are fetched for a tenth of a second at a time.
const PACED_INTERVAL: Duration = Duration::from_millis(100);
/// A failing server is probed after 30 s, 1 min, 2 min, 4 min, then every 5 min.
const PROBE_DELAY: TimeDelta = TimeDelta::seconds(30);
const MAX_PROBE_DELAY: TimeDelta = TimeDelta::minutes(5);

pub(super) struct ControlLoop<'a> {
    context: &'a SenderContext,
    events: mpsc::Sender<AttemptEvent>,
    conn: Option<PgConnection>,
    sessions: SharedSessions,
    published: PublishedServers,
    passed_at: Option<Instant>,
    leases: LeaseRenewer,
}

impl<'a> ControlLoop<'a> {
    pub(super) fn new(context: &'a SenderContext, events: mpsc::Sender<AttemptEvent>) -> Self {
        Self {
            context,
            events,
            conn: None,
            sessions: SharedSessions::default(),
            published: PublishedServers::default(),
            passed_at: None,
            leases: LeaseRenewer::new(),
        }
    }

    /// Runs until nothing is left in flight.
    pub(super) fn run(mut self) {
        let coordinator = &self.context.coordinator;
        while !coordinator.is_done() {
            self.pass_once();
            let is_paced = coordinator.queues().iter().any(|queue| queue.is_paced());
            coordinator.wait_for_changes(if is_paced { PACED_INTERVAL } else { INTERVAL });
        }
        self.pass_once();
    }

    /// One pass, before anything is claimed or when it is due; what fails is retried in the next pass.
    pub(super) fn pass_once(&mut self) {
        let queues = self.context.coordinator.queues();
        let passed = self.with_connection(|this, conn| this.pass(conn, &queues));
        if let Err(error) = passed {
            tracing::warn!(%error, "database unavailable; the state of runs was not refreshed");
            // The advisory locks are lost with the connection.
            for queue in queues
                .iter()
                .filter(|queue| queue.target.sessions_in_all.is_some())
            {
                self.open(queue, 0);
            }
        }
        self.release_blocked();
    }

    fn pass(&mut self, conn: &mut PgConnection, queues: &[Arc<EgressQueue>]) -> QueryResult<()> {
        let new_queues: Vec<_> = queues.iter().filter(|queue| !queue.is_known()).collect();
        for queue in &new_queues {
            store::know(conn, queue.target.server_key.smtp_server_id)?;
        }
        for queue in queues {
            request_permits(conn, queue)?;
            session_limits::persist_refusal(conn, queue, self.context.settings.clock.now())?;
            self.persist_breaker_change(conn, queue)?;
        }
        let is_soon = self.passed_at.is_some_and(|at| at.elapsed() < INTERVAL);
        if is_soon && new_queues.is_empty() {
            return Ok(());
        }
        self.passed_at = Some(Instant::now());
        self.withdraw(conn)?;
        self.published.exchange(conn, queues)?;
        self.follow_breakers(conn, queues)?;
        session_limits::follow(conn, queues, self.context.settings.clock.now())?;
        for (queue, held) in self.sessions.share(conn, queues)? {
            self.open(queue, held);
        }
        self.check_runs(conn)?;
        if !new_queues.is_empty() {
            for queue in new_queues {
                queue.set_known();
            }
            self.context.coordinator.wake_claimer();
        }
        let coordinator = &self.context.coordinator;
        self.leases.renew_if_due(conn, || coordinator.chunks())
    }

    /// Sets the number of sessions that may be open.
    fn open(&self, queue: &EgressQueue, sessions: usize) {
        if queue.grant_sessions(sessions) {
            self.context.coordinator.wake_claimer();
            queue.wake_workers();
        }
    }

    /// Publishes what this process has learned to the other processes.
    fn persist_breaker_change(
        &self,
        conn: &mut PgConnection,
        queue: &EgressQueue,
    ) -> QueryResult<()> {
        let coordinator = &self.context.coordinator;
        let Some(change) = queue.breaker(|breaker| breaker.change().cloned()).0 else {
            return Ok(());
        };
        let now = self.context.settings.clock.now();
        match &change {
            BreakerChange::Opened(trouble, response) => {
                tracing::warn!(
                    server = queue.name,
                    cause = trouble.as_str(),
                    "circuit breaker opened"
                );
                let server = ServerRevision {
                    name: &queue.name,
                    revision: queue.target.server_key.smtp_server_revision,
                };
                let opening = BreakerOpening {
                    cause: *trouble,
                    response,
                    opened_at: now,
                    probe_at: now + PROBE_DELAY,
                };
                store::open_breaker(conn, server, opening)?;
            }
            BreakerChange::Closed => {
                tracing::info!(server = queue.name, "circuit breaker closed");
                store::close_breaker(conn, &queue.name)?;
            }
        }
        coordinator.breaker(queue, |breaker| breaker.persisted(&change));
        Ok(())
    }

    /// Applies what the other processes have learned, and claims the probe of a server when it is due.
    fn follow_breakers(
        &self,
        conn: &mut PgConnection,
        queues: &[Arc<EgressQueue>],
    ) -> QueryResult<()> {
        let names: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
        let troubles = store::troubles(conn, &names)?;
        for queue in queues {
            match troubles.iter().find(|(name, _)| *name == queue.name) {
                Some((_, shut)) => self.follow_open_breaker(conn, queue, shut)?,
                None => self.context.coordinator.breaker(queue, |breaker| {
                    breaker.close_by_others();
                    breaker.try_again(Instant::now(), queue.works_elsewhere());
                }),
            }
        }
        Ok(())
    }

    fn follow_open_breaker(
        &self,
        conn: &mut PgConnection,
        queue: &EgressQueue,
        breaker: &OpenBreaker,
    ) -> QueryResult<()> {
        let coordinator = &self.context.coordinator;
        coordinator.breaker(queue, Breaker::open_by_others);
        let now = self.context.settings.clock.now();
        let doubled = u32::try_from(breaker.failures).unwrap_or_default().min(4) + 1;
        let next = now + (PROBE_DELAY * 2_i32.pow(doubled)).min(MAX_PROBE_DELAY);
        if breaker.probe_at <= now && store::take_probe(conn, &queue.name, breaker, next)? {
            coordinator.breaker(queue, Breaker::probe);
        }
        Ok(())
    }

    /// Finds deliveries in flight that must no longer be sent because their recipients were deleted, suppressed or
    /// unsubscribed.
    fn withdraw(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let asked = Instant::now();
        let database_now = withdrawals::database_now(conn)?;
        self.context.database_clock.set(database_now, asked);
        let chunks = self.context.coordinator.chunks();
        if chunks.is_empty() {
            return Ok(());
        }
        let leases: Vec<Lease> = chunks.iter().map(|chunk| chunk.lease).collect();
        let numbers: HashMap<i64, i32> = withdrawals::numbers(conn, &leases)?
            .into_iter()
            .map(|chunk| (chunk.lease_token, chunk.withdrawn))
            .collect();
        for chunk in chunks {
            let number = numbers.get(&chunk.lease.lease_token).copied();
            if let Some(number) = number.filter(|number| *number != chunk.withdrawn_number()) {
                chunk.withdraw(withdrawals::recipients(conn, &chunk.lease)?, number);
            }
        }
        Ok(())
    }

    fn check_runs(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let jobs = self.context.coordinator.jobs();
        if jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = jobs.iter().map(|job| job.run_id).collect();
        let going_on = claims::going_on(conn, &ids)?;
        for job in jobs {
            match going_on.iter().find(|run| run.id == job.run_id) {
                // When the server is another one or was changed, the remaining deliveries become another job.
                Some(run) if run.server_key == job.server_key => job.set_terms(&run.terms),
                _ => job.stop(),
            }
        }
        self.context.coordinator.wake_all();
        Ok(())
    }

    /// Releases what cannot be sent now, rather than keeping it waiting for sessions that may be busy for minutes.
    fn release_blocked(&self) {
        let now = self.context.settings.clock.now();
        for batch in self.context.coordinator.remove_blocked(now) {
            let count = batch.deliveries.len();
            if self
                .events
                .send(AttemptEvent::Untouched(batch.chunk, count))
                .is_err()
            {
                tracing::error!("result writer has stopped; results remain in the journal");
            }
        }
    }

    /// Runs an operation on the connection, reconnecting after a failure.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&mut Self, &mut PgConnection) -> QueryResult<()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            self.sessions.clear();
            self.published.clear();
            claims::connect(&self.context.settings.database_url)?
        };
        work(self, &mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }
}

fn request_permits(conn: &mut PgConnection, queue: &EgressQueue) -> QueryResult<()> {
    let wanted = queue.permits_wanted();
    if wanted > 0 {
        queue.grant(store::take_tokens(
            conn,
            &queue.name,
            queue.target.pace,
            wanted,
        )?);
    }
    Ok(())
}
