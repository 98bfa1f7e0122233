//! The clock: that of the system, synchronized with the database, or one that a test controls.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The source of the current time. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockSource>);

#[derive(Debug)]
enum ClockSource {
    /// The clock of the machine plus the offset of the database in microseconds, so that several processes agree.
    System { ahead_us: AtomicI64 },
    /// Microseconds since the epoch, set by a test.
    Fixed { now_us: AtomicI64 },
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Arc::new(ClockSource::System {
            ahead_us: AtomicI64::new(0),
        }))
    }

    /// A clock that shows `now` until it is advanced.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Arc::new(ClockSource::Fixed {
            now_us: AtomicI64::new(now.timestamp_micros()),
        }))
    }

    /// The current time in microseconds, the resolution of PostgreSQL.
    pub fn now(&self) -> DateTime<Utc> {
        let us = match &*self.0 {
            ClockSource::System { ahead_us } => machine_us() + ahead_us.load(Ordering::Relaxed),
            ClockSource::Fixed { now_us } => now_us.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp_micros(us).unwrap_or_default()
    }

    /// Synchronizes with the clock of the database. Has no effect on a fixed clock.
    pub fn follow(&self, database_now: DateTime<Utc>) {
        if let ClockSource::System { ahead_us } = &*self.0 {
            ahead_us.store(
                database_now.timestamp_micros() - machine_us(),
                Ordering::Relaxed,
            );
        }
    }

    /// Advances a fixed clock. Has no effect on the clock of the system.
    pub fn advance(&self, by: TimeDelta) {
        if let ClockSource::Fixed { now_us } = &*self.0 {
            now_us.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock of the machine"
)]
fn machine_us() -> i64 {
    Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_only_advances_explicitly() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        clock.follow(DateTime::UNIX_EPOCH + TimeDelta::days(1));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH);
        clock.advance(TimeDelta::seconds(90));
        assert_eq!(clock.now().timestamp(), 90);
    }

    #[test]
    fn the_system_clock_follows_the_database() {
        let clock = Clock::system();
        let ahead = clock.now() + TimeDelta::hours(1);
        clock.follow(ahead);
        assert!(clock.now() >= ahead);
    }
}
