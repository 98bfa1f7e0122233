//! What sessions ask: what is next, whether a mail may be begun and go on, and what came of it.

use super::{Coordinator, EgressQueue};
use crate::engine::breaker::Breaker;
use crate::engine::fair_queue::Batch;
use crate::mail::verdict::Verdict;

impl Coordinator {
    /// The next batch for this queue, if there is one.
    pub(in crate::engine) fn next(&self, queue: &EgressQueue) -> Option<Batch> {
        let (batch, wants_more) = queue.next()?;
        // Once for each chunk: the claimer asks the database whenever it is woken.
        if wants_more {
            self.wake_claimer();
        }
        Some(batch)
    }

    /// Waits for the next batch for the session of this number; `None` when there will be no more.
    pub(in crate::engine) async fn next_ever(
        &self,
        queue: &EgressQueue,
        session: usize,
    ) -> Option<Batch> {
        queue
            .until(|| {
                // What is to be given back needs no session.
                let next = (queue.has_room_for(session) || self.is_stopping())
                    .then(|| self.next(queue))
                    .flatten();
                match next {
                    Some(batch) => Some(Some(batch)),
                    None => (self.is_closed() || queue.is_retired()).then_some(None),
                }
            })
            .await
    }

    /// Whether a mail that was begun may go on.
    pub(in crate::engine) fn may_go_on(&self, queue: &EgressQueue) -> bool {
        !self.is_stopping() && queue.may_go_on()
    }

    /// Waits for leave to begin a mail that `may_leave`, as long as it may; whether there is leave now.
    pub(in crate::engine) async fn leave_to_begin(
        &self,
        queue: &EgressQueue,
        may_leave: impl Fn() -> bool,
    ) -> bool {
        queue
            .until(|| {
                let may_go_on = self.may_go_on(queue) && may_leave();
                (!may_go_on || queue.may_begin()).then_some(may_go_on)
            })
            .await
    }

    pub(in crate::engine) fn worked(&self, queue: &EgressQueue) {
        if queue.worked() {
            self.wake_claimer();
            self.wake_control_loop();
            queue.tell_sessions();
        }
    }

    pub(in crate::engine) fn failed(&self, queue: &EgressQueue, verdict: Verdict, words: &str) {
        if queue.failed(verdict, words) {
            self.wake_control_loop();
            queue.tell_sessions();
        }
    }

    /// Something about a queue's breaker, which is the control loop's to know.
    pub(in crate::engine) fn breaker<T>(
        &self,
        queue: &EgressQueue,
        ask: impl FnOnce(&mut Breaker) -> T,
    ) -> T {
        let (answer, opens) = queue.breaker(ask);
        if opens {
            self.wake_claimer();
        }
        queue.tell_sessions();
        answer
    }
}
