//! The claimer: leases chunks, round robin over owners and their runs, so that the sessions always have mails to send.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use tokio::sync::mpsc::UnboundedSender;

use super::attempt_event::AttemptEvent;
use super::chunk::{Chunk, ClaimedChunk, LEASE_SECONDS};
use super::coordinator::in_flight::ClaimCapacity;
use super::egress_queue::EgressQueue;
use super::fair_queue::{ChunkBatch, in_turn};
use super::job::Job;
use super::journal::{Journal, JournalLine, unusable};
use super::prepare::prepare;
use super::recovery;
use super::sender_context::SenderContext;
use super::smtp_target::SmtpTarget;
use super::until::Until;
use crate::delivery::deliveries::claims::{self, ClaimableRun};
use crate::delivery::deliveries::leases;
use crate::delivery::smtp_servers;

/// Retry interval after a failure of the database or the journal.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Interval of the search for journals of dead workers.
const REPLAY_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Claimer<'a> {
    context: &'a SenderContext,
    events: mpsc::Sender<AttemptEvent>,
    /// Receives new queues, which need workers.
    new_queues: UnboundedSender<Arc<EgressQueue>>,
    journal: Option<Journal>,
    replayed: Option<Instant>,
    conn: Option<PgConnection>,
    /// The claimable runs of the last query, and the time of that query.
    runs: Vec<ClaimableRun>,
    asked_at: Option<Instant>,
    /// The remaining runs of the current round.
    turns: VecDeque<ClaimableRun>,
    /// Leases that may or may not have been committed: the connection failed meanwhile.
    doubtful: Vec<i64>,
}

/// The result of looking for a chunk.
enum ClaimStep {
    Claimed,
    /// There is work, but enough is in flight.
    Enough,
    Nothing,
}

impl<'a> Claimer<'a> {
    pub(super) fn new(
        context: &'a SenderContext,
        events: mpsc::Sender<AttemptEvent>,
        new_queues: UnboundedSender<Arc<EgressQueue>>,
    ) -> Self {
        Self {
            context,
            events,
            new_queues,
            journal: None,
            replayed: None,
            conn: None,
            runs: Vec::new(),
            asked_at: None,
            turns: VecDeque::new(),
            doubtful: Vec::new(),
        }
    }

    /// Claims until the sender ends, then closes the coordinator.
    pub(super) fn run(mut self, until: Until) {
        let coordinator = &self.context.coordinator;
        while !coordinator.is_closing() {
            let in_flight = coordinator.chunks_in_flight();
            match self.step() {
                Ok(ClaimStep::Claimed) => {}
                Ok(ClaimStep::Nothing) if until == Until::Idle && in_flight == 0 => break,
                Ok(ClaimStep::Nothing | ClaimStep::Enough) => {
                    coordinator.wait_for_capacity(self.context.settings.engine.poll_interval);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot claim deliveries: the database or the journal failed");
                    self.conn = None;
                    if until == Until::Idle {
                        break;
                    }
                    coordinator.wait_for_capacity(RETRY_INTERVAL);
                }
            }
        }
        coordinator.close();
        self.wait_for_releases();
    }

    /// Waits until all chunks are released: the journal must outlive them.
    fn wait_for_releases(self) {
        while self.context.coordinator.chunks_in_flight() > 0 {
            self.context.coordinator.wait_for_releases(RETRY_INTERVAL);
        }
    }

    fn step(&mut self) -> Result<ClaimStep, Box<dyn Error>> {
        self.recover()?;
        if self.context.coordinator.take_outdated() {
            self.asked_at = None;
            self.turns.clear();
        }
        if self.turns.is_empty() {
            self.take_turns()?;
        }
        let mut step = ClaimStep::Nothing;
        while let Some(run) = self.turns.pop_front() {
            let Some(queue) = self.queue(&run)? else {
                (self.asked_at, step) = (None, ClaimStep::Enough);
                continue;
            };
            match self.context.coordinator.capacity_for(&queue, run.id) {
                ClaimCapacity::None => {}
                ClaimCapacity::Later => step = ClaimStep::Enough,
                ClaimCapacity::Available if self.claim(&run, &queue)? => {
                    return Ok(ClaimStep::Claimed);
                }
                // The run has no more chunks: the database is queried before concluding that nothing is due.
                ClaimCapacity::Available => self.asked_at = None,
            }
        }
        Ok(step)
    }

    /// Opens the journal, and replays the journals of dead workers.
    fn recover(&mut self) -> Result<(), Box<dyn Error>> {
        let is_recent = |at: Instant| at.elapsed() < REPLAY_INTERVAL;
        if self.replayed.is_some_and(is_recent) {
            return Ok(());
        }
        let SenderContext {
            settings, worker, ..
        } = self.context;
        let mut conn = self.connection()?;
        if !self.doubtful.is_empty() {
            leases::drop_leases(&mut conn, &self.doubtful)?;
            self.doubtful.clear();
        }
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => {
                Journal::open(&settings.journal, worker).map_err(unusable(&settings.journal))?
            }
        };
        let replayed = recovery::replay(&mut conn, &journal, &settings.clock);
        self.journal = Some(journal);
        replayed?;
        self.conn = Some(conn);
        self.replayed = Some(Instant::now());
        Ok(())
    }

    /// The egress queue of the run, created if necessary; `None` if its server was deleted or changed meanwhile.
    fn queue(&mut self, run: &ClaimableRun) -> Result<Option<Arc<EgressQueue>>, Box<dyn Error>> {
        if let Some(queue) = self.context.coordinator.queue(run.server_key) {
            return Ok(Some(queue));
        }
        let Some(id) = run.server_key.smtp_server_id else {
            return Ok(None);
        };
        let mut conn = self.connection()?;
        let row = smtp_servers::store::any(&mut conn, id)?;
        self.conn = Some(conn);
        let row = row.filter(|row| Some(row.revision) == run.server_key.smtp_server_revision);
        let Some(row) = row else { return Ok(None) };
        let target = SmtpTarget::of_user(&row, &self.context.settings);
        let queue = Arc::new(EgressQueue::new(target));
        if self.new_queues.send(Arc::clone(&queue)).is_err() {
            return Err("the workers for users' servers have ended".into());
        }
        self.context.coordinator.add_queue(Arc::clone(&queue));
        Ok(Some(queue))
    }

    /// Leases the run's next chunk; `false` if there is none.
    fn claim(
        &mut self,
        run: &ClaimableRun,
        queue: &Arc<EgressQueue>,
    ) -> Result<bool, Box<dyn Error>> {
        let context = self.context;
        let Some(journal) = &self.journal else {
            return Ok(false);
        };
        let holder = claims::Holder {
            worker: &context.worker,
            token: rand::random(),
            seconds: LEASE_SECONDS,
        };
        let file = journal
            .begin(holder.token)
            .map_err(unusable(&context.settings.journal))?;
        let (now, asked_at) = (context.settings.clock.now(), Instant::now());
        let held = context.coordinator.chunks_of(run.id);
        let mut conn = self.connection()?;
        // One transaction: no lease may be committed without its deliveries being read.
        let claimed = conn.transaction(|conn| {
            let Some(leased) = claims::lease(conn, run.id, &holder, &held, now)? else {
                return Ok(None);
            };
            let deliveries = claims::claimed(conn, &leased.lease, now)?;
            Ok::<_, diesel::result::Error>(Some((leased, deliveries)))
        });
        let claimed = claimed.inspect_err(|_| {
            self.doubtful.push(holder.token);
            self.replayed = None;
            file.remove();
        })?;
        let Some((leased, deliveries)) = claimed else {
            file.remove();
            self.conn = Some(conn);
            return Ok(false);
        };
        let job = self.job(&mut conn, run, queue);
        self.conn = Some(conn);
        let journaled = job.and_then(|job| {
            let line = JournalLine::Lease(leased.lease, job.place(&leased.lease));
            file.write(&[&line])?;
            Ok(job)
        });
        let job = journaled.inspect_err(|_| {
            self.doubtful.push(holder.token);
            self.replayed = None;
            file.remove();
        })?;
        let claimed = ClaimedChunk {
            leased,
            file,
            deliveries: deliveries.len(),
            asked_at,
        };
        let chunk = Arc::new(Chunk::new(job, claimed));
        let batch = ChunkBatch {
            chunk: Arc::clone(&chunk),
            deliveries: deliveries.into(),
        };
        // A chunk in which nothing is due any more is released at once.
        let is_empty = batch.deliveries.is_empty();
        context.coordinator.add(batch, queue);
        if is_empty {
            self.events.send(AttemptEvent::Untouched(chunk, 0)).ok();
        }
        Ok(true)
    }

    /// The run's job, created with its first chunk.
    fn job(
        &self,
        conn: &mut PgConnection,
        run: &ClaimableRun,
        queue: &Arc<EgressQueue>,
    ) -> Result<Arc<Job>, Box<dyn Error>> {
        if let Some(job) = self.context.coordinator.job(run.id, queue) {
            return Ok(job);
        }
        let target = &queue.target;
        let prepared = prepare(conn, run, &self.context.settings, target)?;
        let job = Arc::new(Job::new(run, target.server_key, prepared));
        self.context.coordinator.add_job(Arc::clone(&job));
        Ok(job)
    }

    /// Starts a new round: the first run of every owner, then the second of every owner, and so on. The runs are queried
    /// once per polling interval, and when one of them has no more chunks; not for every chunk.
    fn take_turns(&mut self) -> Result<(), Box<dyn Error>> {
        let interval = self.context.settings.engine.poll_interval;
        let is_old = self.asked_at.is_none_or(|at| at.elapsed() >= interval);
        if is_old || self.runs.is_empty() {
            let now = self.context.settings.clock.now();
            let mut conn = self.connection()?;
            let runs = claims::claimable_runs(&mut conn, now)?;
            self.conn = Some(conn);
            self.asked_at = Some(Instant::now());
            self.context.coordinator.keep_only(&runs);
            self.runs = in_turn(runs);
        }
        self.turns = self.runs.iter().cloned().collect();
        Ok(())
    }

    /// The connection, which the caller puts back after use: one that has failed is not reused.
    fn connection(&mut self) -> ConnectionResult<PgConnection> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => claims::connect(&self.context.settings.database_url),
        }
    }
}
