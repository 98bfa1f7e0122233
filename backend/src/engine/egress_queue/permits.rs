//! Permits: the mails that may leave at once, where the server's rate is limited.

use std::sync::atomic::Ordering;

use super::EgressQueue;

impl EgressQueue {
    /// Whether permits run out while there is something to be sent.
    pub(in crate::engine) fn is_paced(&self) -> bool {
        self.permits.is_some() && self.chunks() > 0
    }

    /// Permits that are wanted now: enough for what waits, no more than a step's worth at a time.
    pub(in crate::engine) fn permits_wanted(&self) -> i64 {
        match &self.permits {
            Some(permits) if self.chunks() > 0 => {
                self.target.pace.step() - permits.load(Ordering::Relaxed)
            }
            _ => 0,
        }
    }

    pub(in crate::engine) fn grant(&self, permits: i64) {
        if let Some(held) = &self.permits
            && permits > 0
        {
            held.fetch_add(permits, Ordering::Relaxed);
            self.wake_workers();
        }
    }
}
