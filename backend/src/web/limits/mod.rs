//! Limits on how often something may be tried. Counted in Redis, so that all processes count together; in this process
//! where there is no Redis or it is away: a limit that is a little too wide is better than nobody signing in.

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

/// How often something may be tried within a window; windows follow each other by the clock.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Keeps the counters of different rules apart.
    pub name: &'static str,
    /// Maximum number of requests in a window.
    pub max: u32,
    pub window_s: i64,
}

/// The limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too often; free again in {retry_after_s} s")]
pub struct TooMany {
    pub retry_after_s: u64,
}

impl From<TooMany> for ApiError {
    fn from(error: TooMany) -> Self {
        Self::too_many_requests(error.retry_after_s)
    }
}

/// Counts. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Limits {
    clock: Clock,
    /// Multiplies every limit; 0 means none.
    factor: u32,
    shared: Option<Arc<SharedCounters>>,
    own: Cache<String, u32>,
    /// Of windows that last seconds: there are many, and none is of use for long.
    brief: Cache<String, u32>,
}

impl Limits {
    /// Limits times `factor`, counted in Redis where there is one. Connects at the first use.
    pub fn new(redis: Option<Arc<Redis>>, factor: u32, clock: Clock) -> Self {
        Self {
            clock,
            factor,
            shared: redis.map(SharedCounters::new).map(Arc::new),
            // No window is longer; a counter of a window that has passed is never asked for again.
            own: counters(Duration::from_hours(1)),
            brief: counters(Duration::from_secs(10)),
        }
    }

    /// Counts one more try by `subject` (an address, an account), or refuses it.
    pub async fn take(&self, rule: Rule, subject: &str) -> Result<(), TooMany> {
        if self.factor == 0 {
            return Ok(());
        }
        let window = Window::of(rule, subject, self.clock.now().timestamp());
        let shared = match &self.shared {
            Some(redis) => redis.count(&window.key, 1, rule.window_s).await,
            None => None,
        };
        let count = shared.unwrap_or_else(|| count_in(&self.own, window.key));
        self.judge(rule, count, window.left_s)
    }

    /// The same for what happens all the time. Redis is asked only about those who come often: the first quarter of what a
    /// window allows is counted here, and told to it with the rest.
    pub async fn take_often(&self, rule: Rule, subject: &str) -> Result<(), TooMany> {
        if self.factor == 0 {
            return Ok(());
        }
        let window = Window::of(rule, subject, self.clock.now().timestamp());
        let own = count_in(&self.brief, window.key.clone());
        let unasked = rule.max.saturating_mul(self.factor) / 4;
        let count = match &self.shared {
            Some(redis) if own > unasked => {
                let news = if own == unasked + 1 { own } else { 1 };
                let told = redis.count(&window.key, news, rule.window_s).await;
                // What Redis has not heard while it was slow is not forgiven.
                told.unwrap_or(own).max(own)
            }
            _ => own,
        };
        self.judge(rule, count, window.left_s)
    }

    fn judge(&self, rule: Rule, count: u32, retry_after_s: u64) -> Result<(), TooMany> {
        if count <= rule.max.saturating_mul(self.factor) {
            Ok(())
        } else {
            Err(TooMany { retry_after_s })
        }
    }
}

/// The stretch of time in which a subject's tries are counted together.
struct Window {
    key: String,
    left_s: u64,
}

impl Window {
    fn of(rule: Rule, subject: &str, now: i64) -> Self {
        let number = now.div_euclid(rule.window_s);
        // Hashed: neither Redis nor a memory dump is to hold a list of who tried to come in.
        let subject = URL_SAFE_NO_PAD.encode(Sha256::digest(subject.as_bytes()));
        Self {
            key: format!("limit:{}:{number}:{subject}", rule.name),
            left_s: ((number + 1) * rule.window_s - now).unsigned_abs(),
        }
    }
}

/// The oldest make room: whoever comes under ever new names would otherwise have their own counters turned away.
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
            count_in(&limits.own, n.to_string());
        }
        limits.own.run_pending_tasks();
        for _ in 0..2 {
            assert!(limits.take(RULE, "a").await.is_ok());
            limits.own.run_pending_tasks();
        }
        assert!(limits.take(RULE, "a").await.is_err());
    }
}
