//! Whether the mail server may be asked: its breaker, and the permits of its pace.

use std::sync::atomic::Ordering;

use super::{Breaker, Desk};
use crate::mail::verdict::Verdict;

impl Desk {
    /// Whether a mail may be begun now, as far as the server's troubles and its pace go.
    pub(in crate::engine) fn may_begin(&self) -> bool {
        let Some(permits) = &self.permits else {
            return self.lock().breaker.may_begin();
        };
        let mut in_hand = self.lock();
        if permits.load(Ordering::Relaxed) <= 0 || !in_hand.breaker.may_begin() {
            return false;
        }
        permits.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Whether a mail that was begun may go on.
    pub(in crate::engine) fn may_go_on(&self) -> bool {
        !self.is_stopping() && self.lock().breaker.may_go_on()
    }

    /// A mail that was begun was not tried after all.
    pub(in crate::engine) fn not_tried(&self) {
        if let Some(permits) = &self.permits {
            permits.fetch_add(1, Ordering::Relaxed);
        }
        self.lock().breaker.not_tried();
    }

    pub(in crate::engine) fn worked(&self) {
        let mut in_hand = self.lock();
        if in_hand.breaker.worked() {
            in_hand.woken = true;
            drop(in_hand);
            self.tell_everybody();
        }
    }

    pub(in crate::engine) fn failed(&self, verdict: Verdict, words: &str) {
        if self.lock().breaker.failed(verdict, words) {
            self.tell_everybody();
        }
    }

    /// Whether the mail server is left alone.
    pub(in crate::engine) fn is_shut(&self) -> bool {
        self.lock().breaker.is_shut()
    }

    /// Something about the breaker, which is the keeper's to know.
    pub(in crate::engine) fn breaker<T>(&self, ask: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut in_hand = self.lock();
        let was_shut = in_hand.breaker.is_shut();
        let answer = ask(&mut in_hand.breaker);
        in_hand.woken |= was_shut && !in_hand.breaker.is_shut();
        drop(in_hand);
        self.tell_everybody();
        answer
    }

    /// Permits that are wanted now: enough for what waits, no more than a second's worth at a time.
    pub(in crate::engine) fn permits_wanted(&self, most: i64) -> i64 {
        let Some(permits) = &self.permits else {
            return 0;
        };
        let has_work = !self.lock().chunks.is_empty();
        if has_work {
            most - permits.load(Ordering::Relaxed)
        } else {
            0
        }
    }

    pub(in crate::engine) fn grant(&self, permits: i64) {
        if let Some(held) = &self.permits
            && permits > 0
        {
            held.fetch_add(permits, Ordering::Relaxed);
            self.work.notify_waiters();
        }
    }

    /// Whether the session of this number is among those that may be open.
    pub(in crate::engine) fn has_room_for(&self, session: usize) -> bool {
        session < self.sessions.load(Ordering::Relaxed)
    }

    /// So many sessions may be open from now on.
    pub(in crate::engine) fn open_sessions(&self, sessions: usize) {
        if self.sessions.swap(sessions, Ordering::Relaxed) != sessions {
            self.tell_everybody();
        }
    }
}
