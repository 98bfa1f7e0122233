//! What sessions ask: what is next, whether a mail may be begun and go on, and what came of it.

use super::{Desk, Gate};
use crate::engine::breaker::Breaker;
use crate::engine::turns::Slice;
use crate::mail::verdict::Verdict;

impl Desk {
    /// The next slice for this gate, if there is one.
    pub(in crate::engine) fn next(&self, gate: &Gate) -> Option<Slice> {
        let (slice, wants_more) = gate.next()?;
        // Once for each chunk: the claimer asks the database whenever it is woken.
        if wants_more {
            self.wake_claimer();
        }
        Some(slice)
    }

    /// Waits for the next slice for the session of this number; `None` when there will be no more.
    pub(in crate::engine) async fn next_ever(&self, gate: &Gate, session: usize) -> Option<Slice> {
        gate.until(|| {
            // What is to be given back needs no session.
            let next = (gate.has_room_for(session) || self.is_stopping())
                .then(|| self.next(gate))
                .flatten();
            match next {
                Some(slice) => Some(Some(slice)),
                None => (self.is_closed() || gate.is_retired()).then_some(None),
            }
        })
        .await
    }

    /// Whether a mail that was begun may go on.
    pub(in crate::engine) fn may_go_on(&self, gate: &Gate) -> bool {
        !self.is_stopping() && gate.may_go_on()
    }

    /// Waits for leave to begin a mail that `may_leave`, as long as it may; whether there is leave now.
    pub(in crate::engine) async fn leave_to_begin(
        &self,
        gate: &Gate,
        may_leave: impl Fn() -> bool,
    ) -> bool {
        gate.until(|| {
            let may_go_on = self.may_go_on(gate) && may_leave();
            (!may_go_on || gate.may_begin()).then_some(may_go_on)
        })
        .await
    }

    pub(in crate::engine) fn worked(&self, gate: &Gate) {
        if gate.worked() {
            self.wake_claimer();
            self.wake_keeper();
            gate.tell_sessions();
        }
    }

    pub(in crate::engine) fn failed(&self, gate: &Gate, verdict: Verdict, words: &str) {
        if gate.failed(verdict, words) {
            self.wake_keeper();
            gate.tell_sessions();
        }
    }

    /// Something about a gate's breaker, which is the keeper's to know.
    pub(in crate::engine) fn breaker<T>(
        &self,
        gate: &Gate,
        ask: impl FnOnce(&mut Breaker) -> T,
    ) -> T {
        let (answer, opens) = gate.breaker(ask);
        if opens {
            self.wake_claimer();
        }
        gate.tell_sessions();
        answer
    }
}
