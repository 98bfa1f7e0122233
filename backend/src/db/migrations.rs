//! The migrations, compiled in, so that the program needs no files beside it.

use diesel::{Connection, ConnectionError, PgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Why the database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nobody answers at the address, or refuses us.
    #[error("the database cannot be reached: {0}")]
    Connect(#[from] ConnectionError),
    /// A migration failed; those before it stay applied.
    #[error("a migration failed: {0}")]
    Run(Box<dyn std::error::Error + Send + Sync>),
}

/// Applies what is missing, one process at a time, and names what was applied.
pub fn migrate(database_url: &str) -> Result<Vec<String>, MigrateError> {
    let mut conn = PgConnection::establish(database_url)?;
    // Two processes that start together must not migrate at once; the lock goes with the connection.
    diesel::sql_query("SELECT pg_advisory_lock(7205759403)")
        .execute(&mut conn)
        .map_err(|e| MigrateError::Run(e.into()))?;
    let applied = conn
        .run_pending_migrations(MIGRATIONS)
        .map_err(MigrateError::Run)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Whether the database lacks a migration this program knows.
pub fn pending(conn: &mut PgConnection) -> Result<bool, MigrateError> {
    conn.has_pending_migration(MIGRATIONS)
        .map_err(MigrateError::Run)
}

/// Takes every migration back: the data are gone.
pub fn revert_all(conn: &mut PgConnection) -> Result<(), MigrateError> {
    conn.revert_all_migrations(MIGRATIONS)
        .map(drop)
        .map_err(MigrateError::Run)
}
