//! Limits on how often something may be tried. Counted in Redis, so that all processes count together; in this process
//! where there is no Redis or it is away: a limit that is a little too wide is better than nobody signing in.

mod redis;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deadpool_redis::redis::ConnectionInfo;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use self::redis::SharedCounters;
use crate::clock::Clock;

/// How often something may be tried within a window; windows follow each other by the clock.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Keeps the counters of different rules apart.
    pub name: &'static str,
    pub most: u32,
    pub window_s: i64,
}

/// The limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too often; free again in {retry_after_s} s")]
pub struct TooMany {
    pub retry_after_s: u64,
}

/// Counts. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Limits {
    clock: Clock,
    /// Multiplies every limit; 0 means none.
    factor: u32,
    shared: Option<Arc<SharedCounters>>,
    own: Cache<String, u32>,
}

impl Limits {
    /// Limits times `factor`, counted in Redis where there is one. Connects at the first use.
    pub fn new(redis: Option<ConnectionInfo>, factor: u32, clock: Clock) -> Self {
        let own = Cache::builder()
            .max_capacity(100_000)
            // No window is longer; a counter of a window that has passed is never asked for again.
            .time_to_live(Duration::from_hours(1))
            .build();
        Self {
            clock,
            factor,
            shared: redis.map(SharedCounters::new).map(Arc::new),
            own,
        }
    }

    /// Counts one more try by `subject` (an address, an account), or refuses it.
    pub async fn take(&self, rule: Rule, subject: &str) -> Result<(), TooMany> {
        if self.factor == 0 {
            return Ok(());
        }
        let now = self.clock.now().timestamp();
        let window = now.div_euclid(rule.window_s);
        // Hashed: neither Redis nor a memory dump is to hold a list of who tried to come in.
        let subject = URL_SAFE_NO_PAD.encode(Sha256::digest(subject.as_bytes()));
        let key = format!("dispatch:limit:{}:{window}:{subject}", rule.name);
        if self.count(key, rule.window_s).await <= rule.most.saturating_mul(self.factor) {
            return Ok(());
        }
        let left = (window + 1) * rule.window_s - now;
        Err(TooMany {
            retry_after_s: left.unsigned_abs(),
        })
    }

    async fn count(&self, key: String, window_s: i64) -> u32 {
        let shared = match &self.shared {
            Some(redis) => redis.count(&key, window_s).await,
            None => None,
        };
        shared.unwrap_or_else(|| {
            self.own
                .entry(key)
                .and_upsert_with(|known| {
                    known.map_or(1, |entry| entry.into_value().saturating_add(1))
                })
                .into_value()
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    const RULE: Rule = Rule {
        name: "test",
        most: 2,
        window_s: 60,
    };

    #[tokio::test]
    async fn a_subject_has_its_own_count_and_a_fresh_one_in_the_next_window() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH + TimeDelta::seconds(45));
        let limits = Limits::new(None, 1, clock.clone());
        assert!(limits.take(RULE, "a").await.is_ok() && limits.take(RULE, "a").await.is_ok());
        assert_eq!(
            limits.take(RULE, "a").await,
            Err(TooMany { retry_after_s: 15 })
        );
        assert!(limits.take(RULE, "b").await.is_ok());
        clock.advance(TimeDelta::seconds(15));
        assert!(limits.take(RULE, "a").await.is_ok());
    }

    #[tokio::test]
    async fn a_factor_widens_the_limit_and_zero_lifts_it() {
        for (factor, tries) in [(3, 6), (0, 100)] {
            let limits = Limits::new(None, factor, Clock::fixed(DateTime::UNIX_EPOCH));
            for _ in 0..tries {
                assert!(limits.take(RULE, "a").await.is_ok());
            }
            assert_eq!(limits.take(RULE, "a").await.is_err(), factor > 0);
        }
    }
}
