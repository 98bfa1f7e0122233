//! The keeper: keeps the leases, looks which runs go on, and keeps in step with the other processes about the mail server:
//! whether it may be asked, and how fast. On a connection of its own, so that results that cannot be written do not cost
//! the leases.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::breaker::{Breaker, News};
use super::shared::{LEASE_S, Shared};
use crate::deliveries::claims::{self, Lease};
use crate::mail_servers::store;

/// How often it looks: well below the two seconds in which a stop must tell.
const LOOK: Duration = Duration::from_millis(500);
/// The same while the pace is limited: permits come a tenth of a second at a time.
const STEP: Duration = Duration::from_millis(100);
/// How often leases are renewed: several tries fit into the time they are good for.
const RENEW: Duration = Duration::from_secs(10);
/// A server in trouble is asked again after 30 s, 1 min, 2 min, 4 min, then every 5 min.
const PROBE: TimeDelta = TimeDelta::seconds(30);
const PROBE_LATEST: TimeDelta = TimeDelta::minutes(5);

pub(super) struct Keeper<'a> {
    shared: &'a Shared,
    conn: Option<PgConnection>,
    /// Of the sessions that all processes share, those that are ours as long as the connection lasts.
    sessions: Vec<i32>,
    looked: Option<Instant>,
    renewed: Instant,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            conn: None,
            sessions: Vec::new(),
            looked: None,
            renewed: Instant::now(),
        }
    }

    /// Keeps everything until nothing is left in hand.
    pub(super) fn run(mut self) {
        let desk = &self.shared.desk;
        let step = if self.shared.settings.engine.pace.is_limited() {
            STEP
        } else {
            LOOK
        };
        while !desk.is_done() {
            self.look_once();
            desk.wait_for_news(step);
        }
        self.look_once();
    }

    /// One look, before anything is claimed or when its time has come; what fails is tried again at the next.
    pub(super) fn look_once(&mut self) {
        let looked = self.with_connection(Self::look);
        if let Err(error) = looked {
            tracing::warn!(%error, "the runs cannot be looked after: the database does not answer");
            if self.shared.settings.engine.sessions_in_all.is_some() {
                // With the connection the locks are gone.
                self.shared.desk.open_sessions(0);
            }
        }
    }

    fn look(&mut self, conn: &mut PgConnection) -> QueryResult<()> {
        self.take_permits(conn)?;
        self.tell_news(conn)?;
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        self.hear_news(conn)?;
        self.share_sessions(conn)?;
        self.look_after_runs(conn)?;
        if self.renewed.elapsed() >= RENEW {
            self.renew(conn)?;
        }
        Ok(())
    }

    fn take_permits(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let (desk, pace) = (&self.shared.desk, self.shared.settings.engine.pace);
        let wanted = desk.permits_wanted(pace.step());
        if wanted > 0 {
            desk.grant(store::take_tokens(conn, pace, wanted)?);
        }
        Ok(())
    }

    /// Tells the others what this process has found out.
    fn tell_news(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let desk = &self.shared.desk;
        let Some(news) = desk.breaker(|breaker| breaker.news().cloned()) else {
            return Ok(());
        };
        let now = self.shared.settings.clock.now();
        match &news {
            News::Shut(trouble, words) => {
                tracing::warn!(
                    cause = trouble.as_str(),
                    "the mail server is left alone for a while"
                );
                store::shut(conn, *trouble, words, (now, now + PROBE))?;
            }
            News::Free => {
                tracing::info!("the mail server works again");
                store::free(conn)?;
            }
        }
        desk.breaker(|breaker| breaker.told(&news));
        Ok(())
    }

    /// Hears what the others have found out, and takes its turn to see whether the server works again.
    fn hear_news(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let desk = &self.shared.desk;
        let Some(shut) = store::trouble(conn)? else {
            desk.breaker(Breaker::hear_free);
            return Ok(());
        };
        desk.breaker(Breaker::hear_shut);
        let now = self.shared.settings.clock.now();
        let doubled = u32::try_from(shut.failures).unwrap_or_default().min(4) + 1;
        let next = now + (PROBE * 2_i32.pow(doubled)).min(PROBE_LATEST);
        if shut.probe_at <= now && store::take_probe(conn, &shut, next)? {
            desk.breaker(Breaker::probe);
        }
        Ok(())
    }

    /// Where all processes share so many sessions, each is a lock of this connection: it is free again when we die.
    fn share_sessions(&mut self, conn: &mut PgConnection) -> QueryResult<()> {
        let engine = &self.shared.settings.engine;
        let Some(in_all) = engine.sessions_in_all else {
            return Ok(());
        };
        for number in 0..in_all {
            if self.sessions.len() >= engine.sessions {
                break;
            }
            if !self.sessions.contains(&number) && store::take_session(conn, number)? {
                self.sessions.push(number);
            }
        }
        self.shared.desk.open_sessions(self.sessions.len());
        Ok(())
    }

    fn look_after_runs(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let jobs = self.shared.desk.jobs();
        if jobs.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = jobs.iter().map(|job| job.run_id).collect();
        let going_on = claims::going_on(conn, &ids)?;
        for job in jobs {
            match going_on.iter().find(|run| run.id == job.run_id) {
                Some(run) => job.keep(&run.terms),
                None => job.stop(),
            }
        }
        self.shared.desk.tell_everybody();
        Ok(())
    }

    fn renew(&mut self, conn: &mut PgConnection) -> QueryResult<()> {
        let then = Instant::now();
        let chunks = self.shared.desk.chunks();
        let leases: Vec<Lease> = chunks.iter().map(|chunk| chunk.lease).collect();
        let kept = claims::renew(conn, &leases, LEASE_S)?;
        for chunk in chunks {
            if kept.contains(&chunk.lease.lease_token) {
                chunk.renewed(then);
            } else {
                chunk.lost();
            }
        }
        self.renewed = then;
        Ok(())
    }

    /// Does some work with the connection, which is made anew after a failure.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&mut Self, &mut PgConnection) -> QueryResult<()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            self.sessions.clear();
            let mut conn = claims::connect(&self.shared.settings.database_url)?;
            store::know(&mut conn)?;
            conn
        };
        work(self, &mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }
}
