//! The egress queue of one mail server in this process: the deliveries waiting for it, and whether a session may take
//! the next mail now. The installation's server has one; each server of a user has one while deliveries are due for
//! it. A changed server gets a new queue, because the state of the old one does not apply to it.

pub(super) mod dequeue;
mod permits;
mod session_counts;
mod session_limits;
pub(super) mod slots;
mod working;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use smtp::failure::Failure;
use tokio::sync::Notify;

use self::session_counts::SessionCounts;
use super::breaker::Breaker;
use super::fair_queue::{ChunkBatch, FairQueue, QueuedMail};
use super::smtp_target::SmtpTarget;
use crate::delivery::smtp_server_health::store::name_of;

/// A run with this many deliveries waiting for a session gets no further chunk.
const MAX_WAITING_PER_RUN: usize = 1000;

pub(super) struct EgressQueue {
    pub(super) target: SmtpTarget,
    /// Its row in `mail_servers`.
    pub(super) name: String,
    state: Mutex<EgressQueueState>,
    /// Wakes workers: there may be work, or there will be none.
    changed: Notify,
    /// Permits for mails that may be sent now, where the rate is limited.
    permits: Option<AtomicI64>,
    /// Maximum number of sessions in this process.
    granted: AtomicUsize,
    /// The number of sessions that the server accepts, as far as known.
    limit: AtomicUsize,
    /// The limit known to all processes.
    limit_heard: AtomicUsize,
    /// Whether sessions of another process work.
    works_elsewhere: AtomicBool,
    created: Instant,
    /// When the server last answered, in milliseconds after `created`.
    answered_ms: AtomicU64,
    /// When it last accepted a mail.
    accepted_ms: AtomicU64,
    /// Number of chunks in flight.
    chunks: AtomicUsize,
    /// A copy of the breaker's state for readers, so that a successful mail takes no lock.
    is_open: AtomicBool,
    has_failures: AtomicBool,
    /// Whether the control loop has loaded the shared state of the server: until then nothing is claimed for it.
    known: AtomicBool,
    /// No further mails will arrive.
    retired: AtomicBool,
}

#[derive(Default)]
struct EgressQueueState {
    waiting: FairQueue,
    breaker: Breaker,
    sessions: SessionCounts,
}

impl EgressQueue {
    pub(super) fn new(target: SmtpTarget) -> Self {
        let granted = match target.sessions_in_all {
            None => target.sessions,
            Some(_) => 0,
        };
        Self {
            name: name_of(target.server_key.smtp_server_id),
            state: Mutex::default(),
            changed: Notify::new(),
            permits: target.pace.is_limited().then(AtomicI64::default),
            granted: AtomicUsize::new(granted),
            limit: AtomicUsize::new(usize::MAX),
            limit_heard: AtomicUsize::new(usize::MAX),
            works_elsewhere: AtomicBool::new(false),
            created: Instant::now(),
            answered_ms: AtomicU64::new(0),
            accepted_ms: AtomicU64::new(0),
            chunks: AtomicUsize::new(0),
            is_open: AtomicBool::new(false),
            has_failures: AtomicBool::new(false),
            known: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            target,
        }
    }

    fn lock(&self) -> MutexGuard<'_, EgressQueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server was configured by a user.
    pub(super) fn is_own(&self) -> bool {
        self.target.server_key.smtp_server_id.is_some()
    }

    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    pub(super) fn set_known(&self) {
        self.known.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Closes the sessions of the queue.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.wake_workers();
    }

    /// Signals a change that affects what may be sent.
    pub(super) fn wake_workers(&self) {
        self.changed.notify_waiters();
    }

    /// Adds the deliveries of a leased chunk.
    pub(super) fn push(&self, batch: ChunkBatch) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.lock().waiting.push(batch);
        self.wake_workers();
    }

    /// Counts a chunk as released.
    pub(super) fn release(&self) {
        self.chunks.fetch_sub(1, Ordering::Relaxed);
    }

    /// Number of chunks in flight through this queue.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Whether enough deliveries of this run are waiting for a session.
    pub(super) fn has_enough_of(&self, run_id: i64) -> bool {
        self.lock().waiting.len_of(run_id) >= MAX_WAITING_PER_RUN
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.len() == 0
    }

    /// Returns a mail that was taken but not attempted.
    pub(super) fn not_tried(&self) {
        self.lock().breaker.not_tried();
        self.grant(1);
        if self.has_failures.load(Ordering::Relaxed) {
            // Another mail may probe the server instead.
            self.wake_workers();
        }
    }

    /// As above, for a mail that is to be sent through another session.
    pub(super) fn put_back(&self, mail: QueuedMail) {
        self.lock().waiting.put_back(mail);
        self.not_tried();
        self.wake_workers();
    }

    /// Removes what may not be sent at `now`: deliveries of stopped runs and lost chunks, and everything while the breaker
    /// is open or if `now` is `None`.
    pub(super) fn remove_blocked(&self, now: Option<DateTime<Utc>>) -> Vec<ChunkBatch> {
        let mut state = self.lock();
        let now = now.filter(|_| !state.breaker.is_open());
        state.waiting.remove_if(|chunk| {
            let may_leave = now.is_some_and(|now| chunk.job.may_send(now));
            !may_leave || !chunk.is_held()
        })
    }

    /// Stops the queue, leaving everything as it is.
    pub(super) fn abandon(&self) {
        self.lock().waiting = FairQueue::default();
    }

    /// Whether the breaker is open. Started mails then go no further.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Records an answer of the server; returns whether that closes the breaker.
    pub(super) fn worked(&self) -> bool {
        if !self.has_failures.load(Ordering::Relaxed) {
            return false;
        }
        self.breaker(Breaker::worked).0
    }

    /// Records a failed attempt; returns whether that changes the breaker.
    pub(super) fn failed(&self, failure: &Failure) -> bool {
        let (disposition, response) = (failure.disposition(), failure.to_string());
        self.breaker(|breaker| breaker.failed(disposition, failure.stage, &response))
            .0
    }

    /// Reads or changes the breaker; also returns whether this closed it.
    pub(super) fn breaker<T>(&self, ask: impl FnOnce(&mut Breaker) -> T) -> (T, bool) {
        let mut state = self.lock();
        let was_open = state.breaker.is_open();
        let answer = ask(&mut state.breaker);
        let is_open = state.breaker.is_open();
        self.is_open.store(is_open, Ordering::Relaxed);
        self.has_failures
            .store(state.breaker.has_failures(), Ordering::Relaxed);
        (answer, was_open && !is_open)
    }
}
