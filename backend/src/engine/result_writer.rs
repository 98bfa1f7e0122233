//! The result writer: writes results in batches, releases finished chunks, and pauses runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::attempt_event::AttemptEvent;
use super::chunk::Chunk;
use super::job::RunPause;
use super::sender_context::SenderContext;
use crate::core::metrics::metrics;
use crate::delivery::deliveries::claims::{self, Lease};
use crate::delivery::deliveries::leases;
use crate::delivery::deliveries::results::{self, AttemptResult};
use crate::delivery::runs::pauses;

/// How long results are collected before they are written. The thread sleeps meanwhile: a wake-up for each result would
/// cost more than writing it.
const BATCH_INTERVAL: Duration = Duration::from_millis(40);
/// Retry interval after a failure of the database.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long a run is paused when the mail server defers its mails.
const DEFERRAL_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// Results of a chunk since the last batch.
#[derive(Default)]
struct ChunkResults {
    results: Vec<AttemptResult>,
    untouched: usize,
}

pub(super) struct ResultWriter<'a> {
    context: &'a SenderContext,
    conn: Option<PgConnection>,
    /// By lease token.
    collected: HashMap<i64, (Arc<Chunk>, ChunkResults)>,
    pauses: Vec<(i64, RunPause)>,
}

impl<'a> ResultWriter<'a> {
    pub(super) fn new(context: &'a SenderContext) -> Self {
        Self {
            context,
            conn: None,
            collected: HashMap::new(),
            pauses: Vec::new(),
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

    /// Collects a batch; `false` if all senders of the channel have been dropped.
    fn collect(&mut self, events: &Receiver<AttemptEvent>) -> bool {
        let Ok(first) = events.recv() else {
            return false;
        };
        self.add(first);
        thread::park_timeout(BATCH_INTERVAL);
        loop {
            match events.try_recv() {
                Ok(event) => self.add(event),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn add(&mut self, event: AttemptEvent) {
        match event {
            AttemptEvent::Tried(chunk, result) => self.results_of(chunk).results.push(result),
            AttemptEvent::Untouched(chunk, count) => self.results_of(chunk).untouched += count,
            AttemptEvent::Pause(run_id, pause) => self.pauses.push((run_id, pause)),
        }
    }

    fn results_of(&mut self, chunk: Arc<Chunk>) -> &mut ChunkResults {
        let token = chunk.lease.lease_token;
        let entry = self.collected.entry(token);
        &mut entry.or_insert_with(|| (chunk, ChunkResults::default())).1
    }

    /// Writes the collected results, retrying until the database is available: results are never dropped.
    fn write_all(&mut self) {
        // Before the leases are released, so that the run is not claimed in between.
        for (run_id, pause) in std::mem::take(&mut self.pauses) {
            self.retry_until_done(|context, conn| pause_run(conn, run_id, pause, context));
        }
        let mut done = Vec::new();
        for (chunk, mut collected) in std::mem::take(&mut self.collected).into_values() {
            if !collected.results.is_empty() {
                // The global lock order of deliveries: some may be withdrawn concurrently.
                collected.results.sort_by_key(|result| result.recipient_id);
                let place = chunk.place();
                self.retry_until_done(|context, conn| {
                    results::record(conn, &context.worker, &place, &collected.results)
                });
                let recorded = collected.results.len();
                chunk
                    .span
                    .in_scope(|| tracing::debug!(recorded, "results recorded"));
                let counted = collected.results.iter();
                metrics()
                    .count_attempts(counted.map(|result| (result.outcome, result.duration_ms)));
            }
            if chunk.settle(collected.results.len() + collected.untouched) {
                done.push(chunk);
            }
        }
        if done.is_empty() {
            return;
        }
        let leases: Vec<Lease> = done.iter().map(|chunk| chunk.lease).collect();
        self.retry_until_done(|_, conn| leases::give_back(conn, &leases).map(drop));
        for chunk in &done {
            chunk.file.remove();
        }
        self.context.coordinator.release(&done);
    }

    fn retry_until_done(
        &mut self,
        work: impl Fn(&SenderContext, &mut PgConnection) -> QueryResult<()>,
    ) {
        while let Err(error) = self.with_connection(&work) {
            tracing::error!(%error, "cannot record results; retrying");
            thread::park_timeout(RETRY_INTERVAL);
        }
    }

    /// Runs an operation on the connection, reconnecting after a failure.
    fn with_connection(
        &mut self,
        work: impl FnOnce(&SenderContext, &mut PgConnection) -> QueryResult<()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => claims::connect(&self.context.settings.database_url)?,
        };
        work(self.context, &mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }
}

fn pause_run(
    conn: &mut PgConnection,
    run_id: i64,
    pause: RunPause,
    context: &SenderContext,
) -> QueryResult<()> {
    let until = match pause {
        RunPause::ContentRejected | RunPause::RecipientsRefused => None,
        RunPause::ServerDefers => Some(context.settings.clock.now() + DEFERRAL_PAUSE),
    };
    tracing::warn!(run.id = run_id, reason = pause.as_str(), "run paused");
    pauses::begin(conn, run_id, pause.as_str(), until)
}
