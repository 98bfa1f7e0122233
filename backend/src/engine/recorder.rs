//! The recorder: writes results in batches, keeps the leases, gives done chunks back, and notices runs that stop.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::job::{Desk, Report};
use super::sender::{LEASE_S, Sender};
use crate::deliveries::claims::{self, AttemptResult, Lease};
use crate::runs;

/// A batch is written when it has this many results …
const FULL: usize = 500;
/// … or when its first has waited this long.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often it is asked which runs go on: well below the two seconds in which a stop must tell.
const LOOK: Duration = Duration::from_millis(500);
/// How often leases are renewed: several tries fit into the time they are good for.
const RENEW: Duration = Duration::from_secs(10);
/// After the database failed.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Recorder<'a> {
    sender: &'a Sender,
    conn: Option<PgConnection>,
    results: Vec<AttemptResult>,
    /// Deliveries dealt with, by lease: those in `results` and those left as they were.
    dealt_with: Vec<(Lease, usize)>,
    looked: Instant,
    renewed: Instant,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(sender: &'a Sender) -> Self {
        let now = Instant::now();
        Self {
            sender,
            conn: None,
            results: Vec::new(),
            dealt_with: Vec::new(),
            looked: now,
            renewed: now,
        }
    }

    fn desk(&self) -> &'a Desk {
        &self.sender.desk
    }

    /// Records until every lane has hung up.
    pub(super) fn run(mut self, reports: &Receiver<Report>) {
        loop {
            let more = self.collect(reports);
            self.write_all();
            if !more {
                return;
            }
            self.look_after_runs();
        }
    }

    /// Fills a batch; `false` when no lane is left.
    fn collect(&mut self, reports: &Receiver<Report>) -> bool {
        let full_at = Instant::now() + PATIENCE;
        while self.results.len() < FULL {
            match reports.recv_timeout(full_at.saturating_duration_since(Instant::now())) {
                Ok(Report::Tried(lease, result)) => {
                    self.results.push(result);
                    self.dealt_with.push((lease, 1));
                }
                Ok(Report::Untouched(lease, count)) => self.dealt_with.push((lease, count)),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }

    /// Writes what has been collected, however long the database is away: results are never given up.
    fn write_all(&mut self) {
        if !self.results.is_empty() {
            self.insist(|recorder, conn| {
                claims::record(conn, &recorder.sender.worker, &recorder.results)
            });
            self.results.clear();
        }
        if self.dealt_with.is_empty() {
            return;
        }
        let done = self.desk().settle(&self.dealt_with);
        self.dealt_with.clear();
        if !done.is_empty() {
            self.insist(|_, conn| claims::give_back(conn, &done));
            self.desk().release(&done);
        }
    }

    fn insist(&mut self, work: impl Fn(&Self, &mut PgConnection) -> QueryResult<usize>) {
        while let Err(error) = self.with_connection(|recorder, conn| work(recorder, conn).map(drop))
        {
            tracing::error!(%error, results = self.results.len(), "results cannot be recorded yet; trying again");
            thread::park_timeout(PAUSE);
        }
    }

    /// Does some work with the connection, which is made anew after a failure.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&Self, &mut PgConnection) -> QueryResult<()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => claims::connect(&self.sender.settings.database_url)?,
        };
        work(self, &mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Every half second: which runs go on and until when. Every ten: the leases are kept.
    fn look_after_runs(&mut self) {
        let jobs = self.desk().jobs();
        if jobs.is_empty() || self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let ids: Vec<i64> = jobs.iter().map(|job| job.run_id).collect();
        let renew = self.renewed.elapsed() >= RENEW;
        let mut going_on = Vec::new();
        let asked_at = Instant::now();
        let asked = self.with_connection(|recorder, conn| {
            going_on = runs::store::still_running(conn, &ids)?;
            if renew {
                claims::renew(conn, &ids, &recorder.sender.worker, LEASE_S)?;
            }
            Ok(())
        });
        if let Err(error) = asked {
            tracing::warn!(%error, "the runs cannot be looked after: the database does not answer");
            return;
        }
        if renew {
            self.renewed = asked_at;
            self.desk().renewed(asked_at);
        }
        for job in jobs {
            match going_on.iter().find(|run| run.id == job.run_id) {
                Some(run) => job.keep(run.deadline_at, run.retries_end_at),
                None => job.stop(),
            }
        }
    }
}
