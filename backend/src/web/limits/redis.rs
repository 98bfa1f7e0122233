//! Counters in Redis.

use std::sync::Arc;

use deadpool_redis::redis::pipe;

use crate::core::redis::Redis;

pub(super) struct SharedCounters(Arc<Redis>);

impl SharedCounters {
    pub(super) fn new(redis: Arc<Redis>) -> Self {
        Self(redis)
    }

    /// Adds `more` to the counter and returns its value; `None` if Redis does not respond.
    pub(super) async fn count(&self, key: &str, more: u32, lifetime_s: i64) -> Option<u32> {
        let key = self.0.key(key);
        let mut count = pipe();
        count
            .atomic()
            .incr(&key, more)
            .expire(&key, lifetime_s)
            .ignore();
        let (count,) = self.0.ask(&count).await?;
        Some(count)
    }
}
