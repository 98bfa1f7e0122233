//! What time it is: the system's clock, kept in step with the database's, or one that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The one source of "now". Cheap to clone; clones share their time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    /// The machine's clock plus how far the database's is ahead of it, in microseconds: several processes then agree.
    System { ahead_us: AtomicI64 },
    /// Microseconds since 1970, set by a test.
    Fixed { now_us: AtomicI64 },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System {
            ahead_us: AtomicI64::new(0),
        }))
    }

    /// A clock that stands at `now` until it is moved.
    pub fn fixed(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Source::Fixed {
            now_us: AtomicI64::new(now.timestamp_micros()),
        }))
    }

    /// The present moment, to the microsecond (what PostgreSQL keeps).
    pub fn now(&self) -> DateTime<Utc> {
        let us = match &*self.0 {
            Source::System { ahead_us } => machine_us() + ahead_us.load(Ordering::Relaxed),
            Source::Fixed { now_us } => now_us.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp_micros(us).unwrap_or_default()
    }

    /// Follows the database's clock from now on. A fixed clock stays where it is.
    pub fn follow(&self, database_now: DateTime<Utc>) {
        if let Source::System { ahead_us } = &*self.0 {
            ahead_us.store(
                database_now.timestamp_micros() - machine_us(),
                Ordering::Relaxed,
            );
        }
    }

    /// Moves a fixed clock; the system's cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed { now_us } = &*self.0 {
            now_us.fetch_add(by.num_microseconds().unwrap_or_default(), Ordering::Relaxed);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine"
)]
fn machine_us() -> i64 {
    Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_by_hand() {
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
