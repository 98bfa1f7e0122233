//! The result writer: writes results in batches, releases finished chunks, and pauses runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::chunk::Chunk;
use super::job::Rest;
use super::shared::{AttemptEvent, Shared};
use crate::core::metrics::metrics;
use crate::delivery::deliveries::claims::{self, Lease};
use crate::delivery::deliveries::leases;
use crate::delivery::deliveries::results::{self, AttemptResult};
use crate::delivery::runs::pauses;

/// Results are collected so long before they are written. Nobody is woken for each of them: that would cost more than to
/// write it.
const PATIENCE: Duration = Duration::from_millis(40);
/// After the database failed.
const PAUSE: Duration = Duration::from_secs(1);
/// A run that the mail server puts off rests so long.
const REST: TimeDelta = TimeDelta::minutes(5);

/// What has come of a chunk since the last batch.
#[derive(Default)]
struct News {
    results: Vec<AttemptResult>,
    untouched: usize,
}

pub(super) struct ResultWriter<'a> {
    shared: &'a Shared,
    conn: Option<PgConnection>,
    news: HashMap<i64, (Arc<Chunk>, News)>,
    rests: Vec<(i64, Rest)>,
}

impl<'a> ResultWriter<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            conn: None,
            news: HashMap::new(),
            rests: Vec::new(),
        }
    }

    /// Records events until all senders of the channel have been dropped.
    pub(super) fn run(mut self, events: &Receiver<AttemptEvent>) {
        loop {
            let more = self.collect(events);
            self.write_all();
            if !more {
                return;
            }
        }
    }

    /// Fills a batch; `false` when nobody is left to report.
    fn collect(&mut self, events: &Receiver<AttemptEvent>) -> bool {
        let Ok(first) = events.recv() else {
            return false;
        };
        self.sort(first);
        thread::park_timeout(PATIENCE);
        loop {
            match events.try_recv() {
                Ok(report) => self.sort(report),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn sort(&mut self, report: AttemptEvent) {
        match report {
            AttemptEvent::Tried(chunk, result) => self.news_of(chunk).results.push(result),
            AttemptEvent::Untouched(chunk, count) => self.news_of(chunk).untouched += count,
            AttemptEvent::Rest(run_id, rest) => self.rests.push((run_id, rest)),
        }
    }

    fn news_of(&mut self, chunk: Arc<Chunk>) -> &mut News {
        let token = chunk.lease.lease_token;
        let entry = self.news.entry(token);
        &mut entry.or_insert_with(|| (chunk, News::default())).1
    }

    /// Writes what has been collected, however long the database is away: results are never given up.
    fn write_all(&mut self) {
        // Before the leases are given back: nobody is to take the run up in between.
        for (run_id, rest) in std::mem::take(&mut self.rests) {
            self.insist(|shared, conn| let_rest(conn, run_id, rest, shared));
        }
        let mut done = Vec::new();
        for (chunk, mut news) in std::mem::take(&mut self.news).into_values() {
            if !news.results.is_empty() {
                // The global lock order of deliveries: some may be withdrawn concurrently.
                news.results.sort_by_key(|result| result.recipient_id);
                let place = chunk.place();
                self.insist(|shared, conn| {
                    results::record(conn, &shared.worker, &place, &news.results)
                });
                let counted = news.results.iter();
                metrics()
                    .count_attempts(counted.map(|result| (result.outcome, result.duration_ms)));
            }
            if chunk.settle(news.results.len() + news.untouched) {
                done.push(chunk);
            }
        }
        if done.is_empty() {
            return;
        }
        let leases: Vec<Lease> = done.iter().map(|chunk| chunk.lease).collect();
        self.insist(|_, conn| leases::give_back(conn, &leases).map(drop));
        for chunk in &done {
            chunk.file.remove();
        }
        self.shared.coordinator.release(&done);
    }

    fn insist(&mut self, work: impl Fn(&Shared, &mut PgConnection) -> QueryResult<()>) {
        while let Err(error) = self.with_connection(&work) {
            tracing::error!(%error, "results cannot be recorded yet; trying again");
            thread::park_timeout(PAUSE);
        }
    }

    /// Does some work with the connection, which is made anew after a failure.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&Shared, &mut PgConnection) -> QueryResult<()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => claims::connect(&self.shared.settings.database_url)?,
        };
        work(self.shared, &mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }
}

fn let_rest(conn: &mut PgConnection, run_id: i64, rest: Rest, shared: &Shared) -> QueryResult<()> {
    let until = match rest {
        Rest::ContentRejected | Rest::RecipientsRefused => None,
        Rest::ServerDefers => Some(shared.settings.clock.now() + REST),
    };
    tracing::warn!(run.id = run_id, reason = rest.as_str(), "a run rests");
    pauses::begin(conn, run_id, rest.as_str(), until)
}
