//! Counters in Redis. It is asked for a tenth of a second and no longer; who gets no answer counts by himself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_redis::redis::{ConnectionInfo, RedisError, pipe};
use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};

const PATIENCE: Duration = Duration::from_millis(100);

pub(super) struct SharedCounters {
    pool: Pool,
    /// Only the first failure and the first success after it are logged.
    away: AtomicBool,
}

#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no answer within 100 ms")]
    TimedOut(#[from] tokio::time::error::Elapsed),
}

impl SharedCounters {
    pub(super) fn new(redis: ConnectionInfo) -> Self {
        let manager = Manager::new(redis)
            .unwrap_or_else(|_never| unreachable!("the address has been read already"));
        let pool = Pool::builder(manager)
            .max_size(8)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: Some(PATIENCE),
                recycle: Some(PATIENCE),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .unwrap_or_else(|_never| unreachable!("time-outs have their runtime"));
        Self {
            pool,
            away: AtomicBool::new(false),
        }
    }

    /// How often `key` has been counted, `more` times just now; `None` when Redis does not say.
    pub(super) async fn count(&self, key: &str, more: u32, lifetime_s: i64) -> Option<u32> {
        match self.ask(key, more, lifetime_s).await {
            Ok(count) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is back; limits are counted together again");
                }
                Some(count)
            }
            Err(error) => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "Redis is away; this process counts limits by itself");
                }
                None
            }
        }
    }

    async fn ask(&self, key: &str, more: u32, lifetime_s: i64) -> Result<u32, NoAnswer> {
        let mut conn = self.pool.get().await?;
        let mut count = pipe();
        count
            .atomic()
            .incr(key, more)
            .expire(key, lifetime_s)
            .ignore();
        let (count,): (u32,) =
            tokio::time::timeout(PATIENCE, count.query_async(&mut conn)).await??;
        Ok(count)
    }
}
