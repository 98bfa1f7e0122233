//! The connection pool.

use std::time::{Duration, Instant};

use actix_web::web;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, Pool};
use tokio::sync::oneshot;

use crate::core::metrics::metrics;
use crate::core::metrics::scrape::PoolConnections;

/// Maximum time to wait for a connection.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// No connection was available in time, or the database is unavailable. The caller should retry.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the database is not available")]
pub struct Unavailable;

/// The connection pool. Cheap to clone.
#[derive(Clone)]
pub struct Db(Pool<ConnectionManager<PgConnection>>);

impl Db {
    /// Creates a pool of at most `size` connections. They are opened on demand, so that this does not fail if the database is
    /// unavailable.
    pub fn new(url: &str, size: u32) -> Self {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(CHECKOUT_TIMEOUT)
            // A test per checkout costs a quarter of the throughput; a broken connection fails on its first use.
            .test_on_check_out(false)
            .connection_customizer(Box::new(StatementTimeout))
            .build_unchecked(ConnectionManager::new(url));
        Self(pool)
    }

    /// Runs `work` on a blocking thread with a connection. Waits at most two seconds for both together: the threads are few,
    /// and if each waited for a connection in vain, the last one in the queue would wait for all of them.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let (pool, queued_at) = (self.0.clone(), Instant::now());
        let (started, mut has_started) = oneshot::channel();
        let done = web::block(move || {
            let left = CHECKOUT_TIMEOUT.saturating_sub(queued_at.elapsed());
            let mut conn = pool.get_timeout(left).map_err(|error| {
                tracing::warn!(%error, "no database connection");
                metrics().db_timeouts.inc();
                Unavailable
            })?;
            // If the caller has timed out, the work is not started.
            started.send(()).map_err(|()| Unavailable)?;
            metrics().db_wait.observe(queued_at.elapsed().as_secs_f64());
            work(&mut conn)
        });
        if tokio::time::timeout(CHECKOUT_TIMEOUT, &mut has_started)
            .await
            .is_err()
        {
            has_started.close();
            if has_started.try_recv().is_err() {
                return Err(Unavailable.into());
            }
        }
        done.await
            .unwrap_or_else(|_cancelled| Err(Unavailable.into()))
    }

    /// Runs `work` on the calling thread; for commands and tests, never for handlers.
    pub fn run_here<T, E: From<Unavailable>>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = self.0.get().map_err(|_busy| Unavailable)?;
        work(&mut conn)
    }

    /// The connections that are in use and idle, and their maximum.
    pub fn connections(&self) -> PoolConnections {
        let state = self.0.state();
        let in_use = state.connections.saturating_sub(state.idle_connections);
        PoolConnections {
            in_use,
            idle: state.idle_connections,
            max: self.0.max_size(),
        }
    }
}

/// Sets a statement timeout, so that no request holds a connection longer than its client waits.
#[derive(Debug)]
struct StatementTimeout;

impl CustomizeConnection<PgConnection, Error> for StatementTimeout {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), Error> {
        conn.batch_execute("SET statement_timeout = '10s'")
            .map_err(Error::QueryError)
    }
}
