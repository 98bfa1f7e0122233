//! The migrations, compiled in, so that the program needs no files beside it.

use std::collections::HashSet;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::{
    Connection, ConnectionError, PgConnection, QueryResult, QueryableByName, RunQueryDsl,
};
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

/// What is being done, for whoever watches.
pub enum Step<'a> {
    /// Another process migrates this database just now.
    Waiting,
    Applying(&'a str),
}

/// What the database has that this program does not know, and the other way round.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Migrations that are to be applied, by their names.
    pub pending: Vec<String>,
    /// Versions that a newer program has applied.
    pub unknown: Vec<String>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Applies what is missing, one process at a time, and names what was applied.
pub fn migrate(database_url: &str) -> Result<Vec<String>, MigrateError> {
    migrate_telling(database_url, |_| {})
}

/// The same, telling each step before it is done.
pub fn migrate_telling(
    database_url: &str,
    mut tell: impl FnMut(Step<'_>),
) -> Result<Vec<String>, MigrateError> {
    let mut conn = PgConnection::establish(database_url)?;
    lock(&mut conn, &mut tell).map_err(|e| MigrateError::Run(e.into()))?;
    let pending = conn
        .pending_migrations(MIGRATIONS)
        .map_err(MigrateError::Run)?;
    let mut applied = Vec::new();
    for migration in pending {
        let name = migration.name().to_string();
        tell(Step::Applying(&name));
        conn.run_migration(&*migration).map_err(MigrateError::Run)?;
        applied.push(name);
    }
    Ok(applied)
}

/// Two processes that start together must not migrate at once; the lock goes with the connection.
fn lock(conn: &mut PgConnection, tell: &mut impl FnMut(Step<'_>)) -> QueryResult<()> {
    let at_once: Answer =
        diesel::sql_query("SELECT pg_try_advisory_lock(7205759403) AS yes").get_result(conn)?;
    if !at_once.yes {
        tell(Step::Waiting);
        diesel::sql_query("SELECT pg_advisory_lock(7205759403)").execute(conn)?;
    }
    Ok(())
}

/// Whether the database lacks a migration this program knows.
pub fn pending(conn: &mut PgConnection) -> Result<bool, MigrateError> {
    conn.has_pending_migration(MIGRATIONS)
        .map_err(MigrateError::Run)
}

/// How the database differs from what this program knows. Only looks, also in a database that is empty yet.
pub fn differences(conn: &mut PgConnection) -> Result<Differences, MigrateError> {
    let wrong = |error: diesel::result::Error| MigrateError::Run(error.into());
    let applied = applied(conn).map_err(wrong)?;
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(MigrateError::Run)?;
    let versions: HashSet<String> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let mut pending: Vec<String> = known
        .iter()
        .filter(|migration| !applied.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect();
    pending.sort();
    let mut unknown: Vec<String> = applied.difference(&versions).cloned().collect();
    unknown.sort();
    Ok(Differences { pending, unknown })
}

fn applied(conn: &mut PgConnection) -> QueryResult<HashSet<String>> {
    let there: Answer =
        diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS yes")
            .get_result(conn)?;
    if !there.yes {
        return Ok(HashSet::new());
    }
    let rows: Vec<Applied> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .get_results(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Takes every migration back: the data are gone.
pub fn revert_all(conn: &mut PgConnection) -> Result<(), MigrateError> {
    conn.revert_all_migrations(MIGRATIONS)
        .map(drop)
        .map_err(MigrateError::Run)
}
