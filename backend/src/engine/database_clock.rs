//! What time it is for the database, as far as this process knows: the order of a mail and its withdrawal is told by one clock,
//! whoever's machine is ahead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use chrono::{DateTime, Utc};

pub(super) struct DatabaseClock {
    since: Instant,
    /// The database's time at `since`, in microseconds since 1970; 0 before it has been asked.
    then_us: AtomicI64,
}

impl DatabaseClock {
    pub(super) fn new() -> Self {
        Self {
            since: Instant::now(),
            then_us: AtomicI64::new(0),
        }
    }

    /// The database's answer to a question that was asked at `asked`. Counted from then on, this clock is rather ahead of the
    /// database's than behind.
    pub(super) fn set(&self, database_now: DateTime<Utc>, asked: Instant) {
        let then_us = database_now.timestamp_micros() - self.elapsed_us(asked);
        self.then_us.store(then_us, Ordering::Relaxed);
    }

    /// `None` before the database has been asked.
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
