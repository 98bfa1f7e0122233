//! Permits: how many mails may be sent now, where the server's rate is limited.

use std::sync::atomic::Ordering;

use super::EgressQueue;

impl EgressQueue {
    /// Whether permits run out while deliveries are waiting.
    pub(in crate::engine) fn is_paced(&self) -> bool {
        self.permits.is_some() && self.chunks() > 0
    }

    /// The number of permits to request now: enough for the waiting deliveries, at most one step's worth at a time.
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
