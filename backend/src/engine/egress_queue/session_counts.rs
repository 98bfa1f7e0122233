//! Counters of an egress queue's workers and their sessions. Pure.

use crate::delivery::smtp_server_health::session_limits::RefusedSession;

#[derive(Default)]
pub(super) struct SessionCounts {
    /// Slots taken: sessions that are open or being opened.
    pub(super) taken: usize,
    /// Workers waiting for a mail.
    pub(super) idle: usize,
    /// Those of them with an open session.
    pub(super) idle_open: usize,
    /// Sessions in which the server has answered a mail.
    pub(super) connected: usize,
    /// Workers whose connection was refused, waiting for the outcome of other connections.
    pub(super) refused: usize,
    /// Counts the times such an outcome became known.
    pub(super) settled: u64,
    /// The last connection refused while others worked, for the control loop to persist.
    pub(super) refusal: Option<RefusedSession>,
}

impl SessionCounts {
    /// Whether a worker may send: through the session of its slot, or by opening another.
    pub(super) fn allows(&self, has_slot: bool, allowed: usize) -> bool {
        if has_slot {
            self.taken <= allowed
        } else {
            self.taken < allowed
        }
    }

    /// Whether the outcome of all connection attempts is known, or one of them is known to work.
    pub(super) fn are_settled_since(&mut self, before: u64) -> bool {
        let are_settled = self.connected > 0 || self.taken <= self.refused;
        self.settled += u64::from(are_settled);
        self.settled > before
    }

    /// Waiting workers that could start a mail immediately.
    pub(super) fn idle_workers(&self, allowed: usize) -> usize {
        let at_work = self.taken.saturating_sub(self.idle_open);
        self.idle.min(allowed.saturating_sub(at_work))
    }
}
