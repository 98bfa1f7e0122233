//! Redis: asked for a tenth of a second and no longer, then left alone for a second. Whoever gets no answer goes on without.

pub mod settings;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{ConnectionInfo, FromRedisValue, Pipeline, RedisError};
use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};

use crate::core::metrics::metrics;

const PATIENCE: Duration = Duration::from_millis(100);
/// After a failure: the next in the queue would only wait as long for nothing.
const REST: Duration = Duration::from_secs(1);

/// What all processes of an installation share.
pub struct Redis {
    pool: Pool,
    /// Begins every key: two installations that share a Redis have nothing else in common.
    installation: String,
    /// Only the first failure and the first success after it are logged.
    away: AtomicBool,
    resting_until: Mutex<Option<Instant>>,
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

impl Redis {
    /// Connects at the first use.
    pub fn new(redis: ConnectionInfo, installation: String) -> Self {
        metrics().redis_configured.set(1);
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
            installation,
            away: AtomicBool::new(false),
            resting_until: Mutex::new(None),
        }
    }

    /// The key of this installation.
    pub fn key(&self, name: impl Display) -> String {
        format!("dispatch:{}:{name}", self.installation)
    }

    /// What Redis answers to these commands; `None` when it does not.
    pub async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Option<T> {
        if self.rests() {
            return None;
        }
        match self.answer(commands).await {
            Ok(answer) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is back; limits and caches are shared again");
                }
                Some(answer)
            }
            Err(error) => {
                self.rest();
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "Redis is away; this process counts by itself and asks the database");
                }
                None
            }
        }
    }

    async fn answer<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, NoAnswer> {
        let mut conn = self.pool.get().await?;
        let asked = tokio::time::timeout(PATIENCE, commands.query_async(&mut conn));
        Ok(asked.await??)
    }

    fn rests(&self) -> bool {
        let until = self.resting_until.lock();
        let until = *until.unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self) {
        let until = self.resting_until.lock();
        *until.unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }
}
