//! A queue: one mail server as this process sees it, and what waits to leave through it. The installation's server has one;
//! so has each that a user has brought, for as long as something is to leave through it. One that was changed is another
//! queue: what is known of the old one says nothing about it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::breaker::Breaker;
use super::fair_queue::{Batch, FairQueue};
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
    /// For sessions: there may be something to do, or nothing more ever.
    work: Notify,
    /// Mails that may leave at once, where the server's pace is limited.
    permits: Option<AtomicI64>,
    /// Sessions that may be open.
    open: AtomicUsize,
    /// Chunks in hand.
    leases: AtomicUsize,
    /// The control loop has asked the others about it: until then nothing is claimed for it.
    known: AtomicBool,
    /// Nothing more comes.
    retired: AtomicBool,
}

#[derive(Default)]
struct State {
    turns: FairQueue,
    breaker: Breaker,
}

impl EgressQueue {
    pub(super) fn new(target: SmtpTarget) -> Self {
        let open = match target.sessions_in_all {
            None => target.sessions,
            Some(_) => 0,
        };
        Self {
            name: name_of(target.server_key.smtp_server_id),
            state: Mutex::default(),
            work: Notify::new(),
            permits: target.pace.is_limited().then(AtomicI64::default),
            open: AtomicUsize::new(open),
            leases: AtomicUsize::new(0),
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
        self.tell_sessions();
    }

    /// Something has changed that decides what may be done.
    pub(super) fn tell_sessions(&self) {
        self.work.notify_waiters();
    }

    /// Looks again whenever something has changed. Listens before it looks, so that nothing is missed in between.
    pub(super) async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.work.notified());
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }

    /// Chunks in hand that leave through it.
    pub(super) fn leases(&self) -> usize {
        self.leases.load(Ordering::Relaxed)
    }

    /// A chunk has been leased.
    pub(super) fn add(&self, batch: Batch) {
        self.leases.fetch_add(1, Ordering::Relaxed);
        self.lock().turns.push_back(batch);
        self.tell_sessions();
    }

    /// One has been given back.
    pub(super) fn release(&self) {
        self.leases.fetch_sub(1, Ordering::Relaxed);
    }

    /// Everything is left as it stands.
    pub(super) fn abandon(&self) {
        self.lock().turns = FairQueue::default();
    }

    /// What a session could not send after all.
    pub(super) fn put_back(&self, rest: Batch) {
        self.lock().turns.put_back(rest);
        self.work.notify_one();
    }

    /// The next batch, if there is one, and whether its run could do with another chunk: so it says once for each.
    pub(super) fn next(&self) -> Option<(Batch, bool)> {
        let mut state = self.lock();
        let batch = state.turns.next()?;
        let left = state.turns.waiting(batch.chunk.job.run_id);
        let wants_more = left < ENOUGH && left + batch.left.len() >= ENOUGH;
        Some((batch, wants_more))
    }

    /// Slices of runs that have stopped, and all while the server is left alone: whatever sessions are waiting for, these
    /// are not kept.
    pub(super) fn take_idle(&self) -> Vec<Batch> {
        let mut state = self.lock();
        let is_shut = state.breaker.is_shut();
        state
            .turns
            .take_if(|chunk| is_shut || chunk.job.is_stopped())
    }

    /// Whether enough of this run waits for a session.
    pub(super) fn has_enough_of(&self, run_id: i64) -> bool {
        self.lock().turns.waiting(run_id) >= ENOUGH
    }

    /// Whether a mail may be begun now, as far as the server's troubles and its pace go.
    pub(super) fn may_begin(&self) -> bool {
        let Some(permits) = &self.permits else {
            return self.lock().breaker.may_begin();
        };
        let mut state = self.lock();
        if permits.load(Ordering::Relaxed) <= 0 || !state.breaker.may_begin() {
            return false;
        }
        permits.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Whether a mail that was begun may go on.
    pub(super) fn may_go_on(&self) -> bool {
        self.lock().breaker.may_go_on()
    }

    /// A mail that was begun was not tried after all.
    pub(super) fn not_tried(&self) {
        if let Some(permits) = &self.permits {
            permits.fetch_add(1, Ordering::Relaxed);
        }
        self.lock().breaker.not_tried();
    }

    /// The server has answered; whether that opens the way.
    pub(super) fn worked(&self) -> bool {
        self.lock().breaker.worked()
    }

    /// An attempt failed; whether that changes the way.
    pub(super) fn failed(&self, verdict: Verdict, words: &str) -> bool {
        self.lock().breaker.failed(verdict, words)
    }

    /// Whether the server is left alone.
    pub(super) fn is_shut(&self) -> bool {
        self.lock().breaker.is_shut()
    }

    /// Something about the breaker; also whether the answer opens the way.
    pub(super) fn breaker<T>(&self, ask: impl FnOnce(&mut Breaker) -> T) -> (T, bool) {
        let mut state = self.lock();
        let was_shut = state.breaker.is_shut();
        let answer = ask(&mut state.breaker);
        (answer, was_shut && !state.breaker.is_shut())
    }

    /// Whether permits run out while there is something to be sent.
    pub(super) fn is_paced(&self) -> bool {
        self.permits.is_some() && self.leases() > 0
    }

    /// Permits that are wanted now: enough for what waits, no more than a step's worth at a time.
    pub(super) fn permits_wanted(&self) -> i64 {
        match &self.permits {
            Some(permits) if self.leases() > 0 => {
                self.target.pace.step() - permits.load(Ordering::Relaxed)
            }
            _ => 0,
        }
    }

    pub(super) fn grant(&self, permits: i64) {
        if let Some(held) = &self.permits
            && permits > 0
        {
            held.fetch_add(permits, Ordering::Relaxed);
            self.tell_sessions();
        }
    }

    /// Whether the session of this number is among those that may be open.
    pub(super) fn has_room_for(&self, session: usize) -> bool {
        session < self.open.load(Ordering::Relaxed)
    }

    /// So many sessions may be open from now on; whether that is news.
    pub(super) fn open_sessions(&self, sessions: usize) -> bool {
        self.open.swap(sessions, Ordering::Relaxed) != sessions
    }
}
