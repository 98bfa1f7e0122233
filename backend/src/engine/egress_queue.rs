//! The egress queue of one mail server, as this process sees it: what waits to leave through it, and whether a session may
//! take the next mail now. The installation's server has one; so has each that a user has brought, for as long as something
//! is to leave through it. A server that was changed gets another queue: what is known of the old one says nothing about it.

mod permits;
mod sessions;

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use self::sessions::IdleWorker;
pub(super) use self::sessions::SessionSlot;
use super::breaker::Breaker;
use super::fair_queue::{Batch, FairQueue, QueuedMail};
use super::smtp_target::SmtpTarget;
use crate::mail::verdict::Verdict;
use crate::mail_servers::store::name_of;

/// A run with so many deliveries waiting for a session gets no further chunk.
const ENOUGH: usize = 1000;

pub(super) struct EgressQueue {
    pub(super) target: SmtpTarget,
    /// Its row in `mail_servers`.
    pub(super) name: String,
    state: Mutex<State>,
    /// For workers: there may be something to do, or nothing more ever.
    changed: Notify,
    /// Mails that may leave at once, where the rate is limited.
    permits: Option<AtomicI64>,
    /// Sessions that this process may have open …
    granted: AtomicUsize,
    /// … and how many the server allows, as far as that is known.
    limit: AtomicUsize,
    /// What all processes know of that.
    limit_heard: AtomicUsize,
    created: Instant,
    /// Milliseconds after `created` at which the server last answered.
    answered_ms: AtomicU64,
    /// Chunks in flight.
    chunks: AtomicUsize,
    /// What the breaker says, for those who need not change it: a mail that goes well takes no lock for it.
    is_open: AtomicBool,
    has_failures: AtomicBool,
    /// The control loop has asked the other processes about it: until then nothing is claimed for it.
    known: AtomicBool,
    /// Nothing more comes.
    retired: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: FairQueue,
    breaker: Breaker,
    sessions: sessions::Sessions,
}

/// A mail with the leave to send it.
pub(super) struct Taken {
    pub(super) mail: QueuedMail,
    /// Its run could do with another chunk; said once for each.
    pub(super) run_wants_more: bool,
}

/// What a worker that has nothing to do is to do next.
pub(super) enum Next {
    Send(Taken),
    /// Fewer sessions are allowed than there are: close this one.
    CloseSession,
    /// Nothing more will come.
    End,
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
            created: Instant::now(),
            answered_ms: AtomicU64::new(0),
            chunks: AtomicUsize::new(0),
            is_open: AtomicBool::new(false),
            has_failures: AtomicBool::new(false),
            known: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            target,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a user has brought it.
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

    /// Its sessions are closed.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.wake_workers();
    }

    /// Something has changed that decides what may be done.
    pub(super) fn wake_workers(&self) {
        self.changed.notify_waiters();
    }

    /// A chunk has been leased.
    pub(super) fn push(&self, batch: Batch) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.lock().waiting.push(batch);
        self.wake_workers();
    }

    /// One has been given back.
    pub(super) fn release(&self) {
        self.chunks.fetch_sub(1, Ordering::Relaxed);
    }

    /// Chunks in flight that leave through it.
    pub(super) fn chunks(&self) -> usize {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Whether enough of this run waits for a session.
    pub(super) fn has_enough_of(&self, run_id: i64) -> bool {
        self.lock().waiting.len_of(run_id) >= ENOUGH
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.len() == 0
    }

    /// Waits for the next mail, until `is_over`. A worker without a session gets a slot for one with the mail.
    pub(super) async fn next(
        self: &Arc<Self>,
        slot: &mut Option<SessionSlot>,
        is_over: impl Fn() -> bool,
    ) -> Next {
        if let Some(taken) = self.take(slot) {
            return Next::Send(taken);
        }
        let _idle = IdleWorker::counted(self, slot.is_some());
        loop {
            // Listens before it looks, so that nothing is missed in between.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if slot.is_some() && self.has_too_many_sessions() {
                return Next::CloseSession;
            }
            if let Some(taken) = self.take(slot) {
                return Next::Send(taken);
            }
            if is_over() {
                return Next::End;
            }
            changed.await;
        }
    }

    /// The next mail, if one may be begun now.
    pub(super) fn take(self: &Arc<Self>, slot: &mut Option<SessionSlot>) -> Option<Taken> {
        let mut state = self.lock();
        let has_session = state
            .sessions
            .allows(slot.is_some(), self.sessions_allowed());
        let taken = has_session.then(|| self.pop(&mut state)).flatten()?;
        if slot.is_none() {
            *slot = Some(SessionSlot::taken(self, &mut state.sessions));
        }
        Some(taken)
    }

    /// The mail that a session at work is to send next, unless another that is idle would begin it sooner.
    pub(super) fn take_ahead(&self) -> Option<Taken> {
        let mut state = self.lock();
        let idle = state.sessions.idle_workers(self.sessions_allowed());
        let is_enough = state.waiting.len() > idle;
        is_enough.then(|| self.pop(&mut state)).flatten()
    }

    /// Every mail costs a permit, and while the breaker tries the server a single one goes.
    fn pop(&self, state: &mut State) -> Option<Taken> {
        let has_permit = |permits: &AtomicI64| permits.load(Ordering::Relaxed) > 0;
        let may_begin = state.waiting.len() > 0
            && self.permits.as_ref().is_none_or(has_permit)
            && state.breaker.may_begin();
        if !may_begin {
            return None;
        }
        let (mail, left) = state.waiting.pop()?;
        if let Some(permits) = &self.permits {
            permits.fetch_sub(1, Ordering::Relaxed);
        }
        Some(Taken {
            mail,
            run_wants_more: left == ENOUGH - 1,
        })
    }

    /// A mail that was taken was not tried after all.
    pub(super) fn not_tried(&self) {
        self.lock().breaker.not_tried();
        self.grant(1);
        if self.has_failures.load(Ordering::Relaxed) {
            // Another may try the server instead.
            self.wake_workers();
        }
    }

    /// The same, and it is to go through another session.
    pub(super) fn put_back(&self, mail: QueuedMail) {
        self.lock().waiting.put_back(mail);
        self.not_tried();
        self.wake_workers();
    }

    /// What may not leave at `now`: of runs that have stopped, and everything while the breaker is open or at no time (`None`).
    /// Whatever sessions are waiting for, it is not kept.
    pub(super) fn remove_blocked(&self, now: Option<DateTime<Utc>>) -> Vec<Batch> {
        let mut state = self.lock();
        let now = now.filter(|_| !state.breaker.is_open());
        state.waiting.remove_if(|chunk| {
            let may_leave = now.is_some_and(|now| chunk.job.may_send(now));
            !may_leave || !chunk.is_held()
        })
    }

    /// Everything is left as it stands.
    pub(super) fn abandon(&self) {
        self.lock().waiting = FairQueue::default();
    }

    /// Whether the server is left alone. What was begun then goes no further.
    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// The server has answered; whether that closes the breaker.
    pub(super) fn worked(&self) -> bool {
        if !self.has_failures.load(Ordering::Relaxed) {
            return false;
        }
        self.breaker(Breaker::worked).0
    }

    /// An attempt failed; whether that changes the breaker.
    pub(super) fn failed(&self, verdict: Verdict, words: &str) -> bool {
        self.breaker(|breaker| breaker.failed(verdict, words)).0
    }

    /// Asks or changes the breaker; also whether it was open and is no longer.
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
