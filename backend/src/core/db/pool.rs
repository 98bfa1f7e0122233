//! The pool of connections and the one way to use it.

use std::time::{Duration, Instant};

use actix_web::web;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, Pool};
use tokio::sync::oneshot;

use crate::core::metrics::metrics;

/// How long anybody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// No connection was free in time, or the database is away. The caller may try again soon.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the database is not available")]
pub struct Unavailable;

/// The door to the database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Pool<ConnectionManager<PgConnection>>);

impl Db {
    /// Prepares a pool of at most `size` connections; they are made when they are needed, so this never fails
    /// because the database is away.
    pub fn new(url: &str, size: u32) -> Self {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            // A check per checkout costs a quarter of the throughput; a broken connection shows at its first use.
            .test_on_check_out(false)
            .connection_customizer(Box::new(Bounded))
            .build_unchecked(ConnectionManager::new(url));
        Self(pool)
    }

    /// Runs `work` on a blocking thread with a connection of its own. Waits at most two seconds for both together: the
    /// threads are few, and where each waits for a connection in vain, the last in the queue would wait for all of them.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let (pool, asked) = (self.0.clone(), Instant::now());
        let (here, mut begun) = oneshot::channel();
        let done = web::block(move || {
            let left = PATIENCE.saturating_sub(asked.elapsed());
            let mut conn = pool.get_timeout(left).map_err(|error| {
                tracing::warn!(%error, "no database connection");
                metrics().db_timeouts.inc();
                Unavailable
            })?;
            // Nobody waits any more: what is not begun is not done.
            here.send(()).map_err(|()| Unavailable)?;
            metrics().db_wait.observe(asked.elapsed().as_secs_f64());
            work(&mut conn)
        });
        if tokio::time::timeout(PATIENCE, &mut begun).await.is_err() {
            begun.close();
            if begun.try_recv().is_err() {
                return Err(Unavailable.into());
            }
        }
        done.await
            .unwrap_or_else(|_cancelled| Err(Unavailable.into()))
    }

    /// The same on the calling thread: for commands and for the tests, never for a handler.
    pub fn run_here<T, E: From<Unavailable>>(
        &self,
        work: impl FnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = self.0.get().map_err(|_busy| Unavailable)?;
        work(&mut conn)
    }

    /// How many connections are in use, how many idle, and how many there may be.
    pub fn connections(&self) -> (u32, u32, u32) {
        let state = self.0.state();
        let in_use = state.connections.saturating_sub(state.idle_connections);
        (in_use, state.idle_connections, self.0.max_size())
    }
}

/// No request may keep a connection longer than its client waits.
#[derive(Debug)]
struct Bounded;

impl CustomizeConnection<PgConnection, Error> for Bounded {
    fn on_acquire(&self, conn: &mut PgConnection) -> Result<(), Error> {
        conn.batch_execute("SET statement_timeout = '10s'")
            .map_err(Error::QueryError)
    }
}
