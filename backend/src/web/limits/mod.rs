//! Rate limits, counted in Redis for all processes together. Without Redis, or while it is unavailable, each process counts
//! by itself: a limit that is too wide is better than refusing all requests.

mod redis;
pub mod requests;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use self::redis::SharedCounters;
use crate::core::clock::Clock;
use crate::core::redis::Redis;
use crate::web::error::ApiError;

/// A limit per fixed window of time.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Part of the key of the counters.
    pub name: &'static str,
    /// Maximum number of requests in a window.
    pub max: u32,
    pub window_s: i64,
}

/// The limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests; retry after {retry_after_s} s")]
pub struct TooMany {
    pub retry_after_s: u64,
}

impl From<TooMany> for ApiError {
    fn from(error: TooMany) -> Self {
        Self::too_many_requests(error.retry_after_s)
    }
}

/// Counts requests. Cheap to clone; clones share the counters.
#[derive(Clone)]
pub struct Limits {
    clock: Clock,
    /// Multiplies all limits; 0 disables them.
    factor: u32,
    shared: Option<Arc<SharedCounters>>,
    local: Cache<String, u32>,
    /// Counters of windows of a few seconds, of which there are many.
    brief: Cache<String, u32>,
}

impl Limits {
    /// Limits multiplied by `factor`, counted in Redis if configured.
    pub fn new(redis: Option<Arc<Redis>>, factor: u32, clock: Clock) -> Self {
        Self {
            clock,
            factor,
            shared: redis.map(SharedCounters::new).map(Arc::new),
            // No window is longer; counters of past windows are not used.
            local: counters(Duration::from_hours(1)),
            brief: counters(Duration::from_secs(10)),
        }
    }

    /// Counts a request by `subject` (an address, an account), or rejects it.
    pub async fn take(&self, rule: Rule, subject: &str) -> Result<(), TooMany> {
        if self.factor == 0 {
            return Ok(());
        }
        let window = LimitWindow::of(rule, subject, self.clock.now().timestamp());
        let shared = match &self.shared {
            Some(redis) => redis.count(&window.key, 1, rule.window_s).await,
            None => None,
        };
        let count = shared.unwrap_or_else(|| count_in(&self.local, window.key));
        self.check(rule, count, window.left_s)
    }

    /// As above, for frequent requests. To reduce the load on Redis, the first quarter of a limit is counted locally and then
    /// added to the shared counter at once.
    pub async fn take_often(&self, rule: Rule, subject: &str) -> Result<(), TooMany> {
        if self.factor == 0 {
            return Ok(());
        }
        let window = LimitWindow::of(rule, subject, self.clock.now().timestamp());
        let own = count_in(&self.brief, window.key.clone());
        let local_max = rule.max.saturating_mul(self.factor) / 4;
        let count = match &self.shared {
            Some(redis) if own > local_max => {
                let more = if own == local_max + 1 { own } else { 1 };
                let shared = redis.count(&window.key, more, rule.window_s).await;
                // Requests that were not counted by Redis still count locally.
                shared.unwrap_or(own).max(own)
            }
            _ => own,
        };
        self.check(rule, count, window.left_s)
    }

    fn check(&self, rule: Rule, count: u32, retry_after_s: u64) -> Result<(), TooMany> {
        if count <= rule.max.saturating_mul(self.factor) {
            Ok(())
        } else {
            Err(TooMany { retry_after_s })
        }
    }
}

/// The current window of a rule and subject.
struct LimitWindow {
    key: String,
    left_s: u64,
}

impl LimitWindow {
    fn of(rule: Rule, subject: &str, now: i64) -> Self {
        let number = now.div_euclid(rule.window_s);
        // Hashed, so that Redis does not contain the addresses of users.
        let subject = URL_SAFE_NO_PAD.encode(Sha256::digest(subject.as_bytes()));
        Self {
            key: format!("limit:{}:{number}:{subject}", rule.name),
            left_s: ((number + 1) * rule.window_s - now).unsigned_abs(),
        }
    }
}

/// Evicts the least recently used counters. With another policy, a flood of new subjects would prevent new counters.
fn counters(lifetime: Duration) -> Cache<String, u32> {
    Cache::builder()
        .max_capacity(100_000)
        .eviction_policy(EvictionPolicy::lru())
        .time_to_live(lifetime)
        .build()
}

fn count_in(counters: &Cache<String, u32>, key: String) -> u32 {
    let one_more = |known: Option<moka::Entry<String, u32>>| {
        known.map_or(1, |entry| entry.into_value().saturating_add(1))
    };
    counters.entry(key).and_upsert_with(one_more).into_value()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    const RULE: Rule = Rule {
        name: "test",
        max: 2,
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
    #[tokio::test]
    async fn what_happens_often_is_limited_to_the_same_number() {
        for factor in [1, 4] {
            let limits = Limits::new(None, factor, Clock::fixed(DateTime::UNIX_EPOCH));
            for _ in 0..2 * factor {
                assert!(limits.take_often(RULE, "a").await.is_ok());
            }
            assert!(limits.take_often(RULE, "a").await.is_err());
            assert!(limits.take_often(RULE, "b").await.is_ok());
        }
    }

    #[tokio::test]
    async fn a_flood_of_other_names_does_not_keep_one_from_being_counted() {
        let limits = Limits::new(None, 1, Clock::fixed(DateTime::UNIX_EPOCH));
        for n in 0..120_000 {
            count_in(&limits.local, n.to_string());
        }
        limits.local.run_pending_tasks();
        for _ in 0..2 {
            assert!(limits.take(RULE, "a").await.is_ok());
            limits.local.run_pending_tasks();
        }
        assert!(limits.take(RULE, "a").await.is_err());
    }
}
