//! Whether sessions with the server work: in this process, and in others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{EgressQueue, EgressQueueState};

/// Sessions without an answer for this long are not considered working.
const MAX_SILENCE: Duration = Duration::from_mins(2);
/// A server that has accepted a mail within this time works, although sessions may have been closed since.
const RECENT: Duration = Duration::from_secs(5);

impl EgressQueue {
    /// Records that the server has answered.
    pub(in crate::engine) fn answered(&self) {
        self.answered_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    /// Records that the server has accepted a mail.
    pub(in crate::engine) fn accepted(&self) {
        self.answered();
        self.accepted_ms.store(self.age_ms(), Ordering::Relaxed);
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether this event happened within this time. At 0 it has not happened yet.
    fn is_within(&self, limit: Duration, event_ms: &AtomicU64) -> bool {
        let at_ms = event_ms.load(Ordering::Relaxed);
        at_ms > 0 && Duration::from_millis(self.age_ms().saturating_sub(at_ms)) <= limit
    }

    /// Whether a session is open and the server has answered lately.
    pub(super) fn is_connected(&self) -> bool {
        self.is_within(MAX_SILENCE, &self.answered_ms) && self.lock().sessions.connected > 0
    }

    /// Whether sessions of this process work, for the other processes to know.
    pub(in crate::engine) fn works(&self) -> bool {
        self.is_connected() || self.is_within(RECENT, &self.accepted_ms)
    }

    /// Whether the sessions of other processes matter, because this one fails to open its own.
    pub(in crate::engine) fn asks_others(&self) -> bool {
        let EgressQueueState {
            breaker, sessions, ..
        } = &*self.lock();
        let is_failing = breaker.has_failures() && !breaker.is_open();
        sessions.refused > 0 || is_failing || breaker.is_left_to_others()
    }

    /// Whether sessions of another process work, as of the last time that this mattered.
    pub(in crate::engine) fn works_elsewhere(&self) -> bool {
        self.works_elsewhere.load(Ordering::Relaxed)
    }

    pub(in crate::engine) fn set_works_elsewhere(&self, works: bool) {
        self.works_elsewhere.store(works, Ordering::Relaxed);
    }
}
