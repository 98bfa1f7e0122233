//! The coordinator: the state shared by the threads of a sender. A chunk passes through it as follows: the claimer
//! checks the capacity and adds the chunk, workers take its mails from the egress queue of their server and report the
//! outcomes, the control loop takes back what may not be sent, the result writer releases it. How the threads wait
//! for each other and how the sender shuts down is in `signals.rs`.

pub(super) mod in_flight;
mod signals;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use smtp::failure::Failure;

use self::in_flight::{ClaimCapacity, InFlight};
use super::breaker::Breaker;
use super::chunk::Chunk;
use super::egress_queue::EgressQueue;
use super::egress_queue::dequeue::Dequeued;
use super::egress_queue::slots::SessionSlot;
use super::fair_queue::{ChunkBatch, QueuedMail};
use super::job::Job;
use super::smtp_target::SmtpTarget;
use crate::delivery::deliveries::claims::ClaimableRun;
use crate::delivery::smtp_server_health::model::SmtpServerKey;

pub(super) struct Coordinator {
    state: Mutex<CoordinatorState>,
    /// The queue of the installation's server.
    installation: Arc<EgressQueue>,
    /// Wakes the claimer: there may be capacity, or new work.
    for_claimer: Condvar,
    /// Wakes the control loop: there may be a change to persist.
    for_control_loop: Condvar,
    /// No further body may be sent.
    stopping: AtomicBool,
    /// No further chunks are claimed.
    closing: AtomicBool,
    /// No further mails will arrive, so idle workers may end. Set only after claims that were under way at shutdown
    /// have finished.
    closed: AtomicBool,
}

#[derive(Default)]
struct CoordinatorState {
    in_flight: InFlight,
    /// There is work for the claimer.
    claimer_woken: bool,
    /// The set of runs may have changed: some were prepared, or are paused.
    runs_outdated: bool,
    /// There is work for the control loop.
    control_loop_woken: bool,
}

/// A mail taken from the queue, or why there is none.
pub(super) enum NextMail {
    Send(QueuedMail),
    CloseSession,
    End,
}

impl Coordinator {
    /// Creates a coordinator with one queue, for the installation's server.
    pub(super) fn new(installation: SmtpTarget) -> Self {
        Self {
            state: Mutex::default(),
            installation: Arc::new(EgressQueue::new(installation)),
            for_claimer: Condvar::new(),
            for_control_loop: Condvar::new(),
            stopping: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, CoordinatorState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The queue of the installation's server.
    pub(super) fn installation(&self) -> &Arc<EgressQueue> {
        &self.installation
    }

    /// All queues.
    pub(super) fn queues(&self) -> Vec<Arc<EgressQueue>> {
        let state = self.lock();
        let own = state.in_flight.queues();
        [&self.installation]
            .into_iter()
            .chain(own)
            .cloned()
            .collect()
    }

    /// The queue of this server, if it exists.
    pub(super) fn queue(&self, server_key: SmtpServerKey) -> Option<Arc<EgressQueue>> {
        if server_key == SmtpServerKey::default() {
            return Some(Arc::clone(&self.installation));
        }
        self.lock().in_flight.queue(server_key)
    }

    /// Opens a queue for a server configured by a user. The control loop checks it immediately.
    pub(super) fn add_queue(&self, queue: Arc<EgressQueue>) {
        self.lock().in_flight.add_queue(queue);
        self.wake_control_loop();
    }

    /// Whether a chunk of this run may be claimed for this queue.
    pub(super) fn capacity_for(&self, queue: &EgressQueue, run_id: i64) -> ClaimCapacity {
        if !queue.is_known() {
            self.wake_control_loop();
            return ClaimCapacity::Later;
        }
        let of_all = self.chunks_in_flight();
        let of_own = of_all.saturating_sub(self.installation.chunks());
        in_flight::capacity_for(queue, run_id, of_own)
    }

    /// Adds a leased chunk with the deliveries to send.
    pub(super) fn add(&self, batch: ChunkBatch, queue: &Arc<EgressQueue>) {
        let chunk = Arc::clone(&batch.chunk);
        self.lock().in_flight.add(chunk, Arc::clone(queue));
        queue.push(batch);
        // This requests permits for it.
        self.wake_control_loop();
    }

    /// Waits for the next mail of this queue; a worker without a session is granted a session slot with it.
    pub(super) async fn next_mail(
        &self,
        queue: &Arc<EgressQueue>,
        slot: &mut Option<SessionSlot>,
    ) -> NextMail {
        let may_end = || self.is_closed() || queue.is_retired();
        let is_over = || may_end() && (self.is_stopping() || queue.is_empty());
        match queue.next(slot, is_over).await {
            Dequeued::CloseSession => NextMail::CloseSession,
            Dequeued::End => NextMail::End,
            Dequeued::Send(taken) => {
                if taken.run_wants_more {
                    self.wake_claimer();
                }
                NextMail::Send(taken.mail)
            }
        }
    }

    /// The mail that a busy session will probably send next.
    pub(super) fn mail_ahead(&self, queue: &EgressQueue) -> Option<QueuedMail> {
        let taken = queue.take_ahead()?;
        if taken.run_wants_more {
            self.wake_claimer();
        }
        Some(taken.mail)
    }

    /// Whether a started mail may proceed.
    pub(super) fn may_go_on(&self, queue: &EgressQueue) -> bool {
        !self.is_stopping() && !queue.is_open()
    }

    /// Records that the server has accepted a mail.
    pub(super) fn worked(&self, queue: &EgressQueue) {
        queue.accepted();
        if queue.worked() {
            self.wake_claimer();
            self.wake_control_loop();
            queue.wake_workers();
        }
    }

    /// Records a refused connection; returns whether the open sessions handle the server's mail from now on.
    pub(super) fn refused_connection(&self, queue: &EgressQueue, response: &str) -> bool {
        let is_limit = queue.refused_connection(response);
        if is_limit {
            self.wake_control_loop();
        }
        is_limit
    }

    /// Records a failed attempt.
    pub(super) fn failed(&self, queue: &EgressQueue, failure: &Failure) {
        if queue.failed(failure) {
            self.wake_control_loop();
            queue.wake_workers();
        }
    }

    /// Reads or changes a queue's breaker, for the control loop.
    pub(super) fn breaker<T>(&self, queue: &EgressQueue, ask: impl FnOnce(&mut Breaker) -> T) -> T {
        let (answer, closes) = queue.breaker(ask);
        if closes {
            self.wake_claimer();
        }
        queue.wake_workers();
        answer
    }

    /// Waiting deliveries that may not be sent now.
    pub(super) fn remove_blocked(&self, now: DateTime<Utc>) -> Vec<ChunkBatch> {
        let now = (!self.is_stopping()).then_some(now);
        let queues = self.queues();
        let blocked = queues.iter().flat_map(|queue| queue.remove_blocked(now));
        blocked.collect()
    }

    /// Removes released chunks.
    pub(super) fn release(&self, chunks: &[Arc<Chunk>]) {
        let mut state = self.lock();
        for chunk in chunks {
            if let Some(queue) = state.in_flight.remove(chunk) {
                // Runs may have been waiting for this capacity.
                state.claimer_woken |= queue.is_own() || in_flight::is_full(&queue);
                state.claimer_woken |= chunk.job.is_stopped();
                queue.release();
                // Otherwise a run paused by now would be leased again, and sent until the next pass of the control
                // loop.
                state.runs_outdated |= chunk.job.is_stopped();
            }
        }
        state.claimer_woken |= state.in_flight.is_empty();
        drop(state);
        self.wake_all();
    }

    /// Number of chunks in flight.
    pub(super) fn chunks_in_flight(&self) -> usize {
        self.lock().in_flight.len()
    }

    pub(super) fn chunks(&self) -> Vec<Arc<Chunk>> {
        self.lock().in_flight.chunks()
    }

    /// The run's chunks in flight. Their results may not be recorded yet, so they must not be leased again.
    pub(super) fn chunks_of(&self, run_id: i64) -> Vec<i32> {
        self.lock().in_flight.chunks_of(run_id)
    }

    /// The run, unless it has been stopped or moved to another queue.
    pub(super) fn job(&self, run_id: i64, queue: &EgressQueue) -> Option<Arc<Job>> {
        self.lock().in_flight.job(run_id, queue)
    }

    pub(super) fn add_job(&self, job: Arc<Job>) {
        self.lock().in_flight.add_job(job);
    }

    /// The runs in flight.
    pub(super) fn jobs(&self) -> Vec<Arc<Job>> {
        self.lock().in_flight.jobs()
    }

    /// Drops runs that have neither a lease nor anything due, and queues without work.
    pub(super) fn keep_only(&self, still_due: &[ClaimableRun]) {
        self.lock().in_flight.keep_only(still_due);
    }
}
