//! An estimate of the database's clock. The order of a mail and its withdrawal is decided by this one clock,
//! independently of the clock of each machine.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};

pub(super) struct DatabaseClock {
    since: Instant,
    /// Database time at `since`, in microseconds since 1970; 0 until it has been read.
    then_us: AtomicI64,
}

impl DatabaseClock {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            then_us: AtomicI64::new(0),
        }
    }

    /// Sets the clock from a query sent at `asked`. Because the time is counted from then, this clock tends to be
    /// ahead of the database's rather than behind.
    pub(super) fn set(&self, database_now: DateTime<Utc>, asked: Instant) {
        let then_us = database_now.timestamp_micros() - self.elapsed_us(asked);
        self.then_us.store(then_us, Ordering::Relaxed);
    }

    /// The current database time; `None` until it has been read.
    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        let then_us = self.then_us.load(Ordering::Relaxed);
        let now_us = then_us + self.elapsed_us(Instant::now());
        (then_us != 0)
            .then(|| DateTime::from_timestamp_micros(now_us))
            .flatten()
    }

    fn elapsed_us(&self, at: Instant) -> i64 {
        let elapsed = at.saturating_duration_since(self.since);
        i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX)
    }
}
