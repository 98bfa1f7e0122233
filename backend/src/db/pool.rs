//! The pool of connections and the one way to use it.

use std::time::Duration;

use actix_web::web;
use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Error, Pool};

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
            .connection_timeout(Duration::from_secs(2))
            // A check per checkout costs a quarter of the throughput; a broken connection shows at its first use.
            .test_on_check_out(false)
            .connection_customizer(Box::new(Bounded))
            .build_unchecked(ConnectionManager::new(url));
        Self(pool)
    }

    /// Runs `work` on a blocking thread with a connection of its own; waits for one at most two seconds.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let pool = self.0.clone();
        let result = web::block(move || {
            let mut conn = pool.get().map_err(|error| {
                tracing::warn!(%error, "no database connection");
                Unavailable
            })?;
            work(&mut conn)
        });
        result
            .await
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
