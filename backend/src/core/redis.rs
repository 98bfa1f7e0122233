//! Redis, with a short timeout and a pause after failures. Callers must be able to continue without it.

pub mod settings;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{ConnectionInfo, FromRedisValue, Pipeline, RedisError};
use deadpool_redis::{Manager, Pool, PoolError, Runtime, Timeouts};

use crate::core::metrics::metrics;

const COMMAND_TIMEOUT: Duration = Duration::from_millis(100);
/// Pause after a failure, so that other callers do not wait for the timeout, too.
const BACKOFF: Duration = Duration::from_secs(1);

/// The connection pool to Redis, which all processes of an installation share.
pub struct Redis {
    pool: Pool,
    /// Part of every key, to separate installations that share a Redis server.
    installation: String,
    /// Only the first failure and the first success after it are logged.
    unavailable: AtomicBool,
    paused_until: Mutex<Option<Instant>>,
}

#[derive(Debug, thiserror::Error)]
enum RedisFailure {
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("no response within 100 ms")]
    TimedOut(#[from] tokio::time::error::Elapsed),
}

impl Redis {
    /// Connects on first use.
    pub fn new(redis: ConnectionInfo, installation: String) -> Self {
        metrics().redis_configured.set(1);
        let manager =
            Manager::new(redis).unwrap_or_else(|_never| unreachable!("the URL has been validated"));
        let pool = Pool::builder(manager)
            .max_size(8)
            .timeouts(Timeouts {
                wait: Some(COMMAND_TIMEOUT),
                create: Some(COMMAND_TIMEOUT),
                recycle: Some(COMMAND_TIMEOUT),
            })
            .runtime(Runtime::Tokio1)
            .build()
            .unwrap_or_else(|_never| unreachable!("timeouts have a runtime"));
        Self {
            pool,
            installation,
            unavailable: AtomicBool::new(false),
            paused_until: Mutex::new(None),
        }
    }

    /// The key with this name.
    pub fn key(&self, name: impl Display) -> String {
        format!("dispatch:{}:{name}", self.installation)
    }

    /// Executes these commands; `None` if Redis does not respond.
    pub async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Option<T> {
        if self.is_paused() {
            return None;
        }
        match self.answer(commands).await {
            Ok(answer) => {
                if self.unavailable.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is available again; limits and caches are shared");
                }
                Some(answer)
            }
            Err(error) => {
                self.pause();
                if !self.unavailable.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "Redis is unavailable; limits and caches are local to this process");
                }
                None
            }
        }
    }

    async fn answer<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisFailure> {
        let mut conn = self.pool.get().await?;
        let response = tokio::time::timeout(COMMAND_TIMEOUT, commands.query_async(&mut conn));
        Ok(response.await??)
    }

    fn is_paused(&self) -> bool {
        let until = self.paused_until.lock();
        let until = *until.unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self) {
        let until = self.paused_until.lock();
        *until.unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + BACKOFF);
    }
}
