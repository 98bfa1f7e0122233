//! How workers take mails from an egress queue.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::slots::{IdleWorker, SessionSlot};
use super::{EgressQueue, EgressQueueState, MAX_WAITING_PER_RUN};
use crate::engine::fair_queue::QueuedMail;

/// A mail with the permission to send it.
pub(in crate::engine) struct DequeuedMail {
    pub(in crate::engine) mail: QueuedMail,
    /// Whether its run needs another chunk; reported once per chunk.
    pub(in crate::engine) run_wants_more: bool,
}

/// What an idle worker should do next.
pub(in crate::engine) enum Dequeued {
    Send(DequeuedMail),
    /// More sessions are open than allowed: close this one.
    CloseSession,
    /// No further mails will arrive.
    End,
}

impl EgressQueue {
    /// Waits for the next mail, until `is_over`. A worker without a session is granted a slot for one with the mail.
    pub(in crate::engine) async fn next(
        self: &Arc<Self>,
        slot: &mut Option<SessionSlot>,
        is_over: impl Fn() -> bool,
    ) -> Dequeued {
        if let Some(taken) = self.take(slot) {
            return Dequeued::Send(taken);
        }
        let _idle = IdleWorker::counted(self, slot.is_some());
        loop {
            // Registers the waiter before checking, so that no wake-up is missed.
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if slot.is_some() && self.has_too_many_sessions() {
                return Dequeued::CloseSession;
            }
            if let Some(taken) = self.take(slot) {
                return Dequeued::Send(taken);
            }
            if is_over() {
                return Dequeued::End;
            }
            changed.await;
        }
    }

    /// The next mail, if one may be started now.
    fn take(self: &Arc<Self>, slot: &mut Option<SessionSlot>) -> Option<DequeuedMail> {
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

    /// The mail that a busy session should send next, unless an idle one would start it sooner.
    pub(in crate::engine) fn take_ahead(&self) -> Option<DequeuedMail> {
        let mut state = self.lock();
        let idle = state.sessions.idle_workers(self.sessions_allowed());
        let is_enough = state.waiting.len() > idle;
        is_enough.then(|| self.pop(&mut state)).flatten()
    }

    /// Every mail takes a permit; while the breaker is half-open, only a single mail is let through.
    fn pop(&self, state: &mut EgressQueueState) -> Option<DequeuedMail> {
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
        Some(DequeuedMail {
            mail,
            run_wants_more: left == MAX_WAITING_PER_RUN - 1,
        })
    }
}
