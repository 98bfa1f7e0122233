//! The migrations, compiled into the program.

use std::collections::HashSet;

use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::{
    Connection, ConnectionError, PgConnection, QueryResult, QueryableByName, RunQueryDsl,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Why the migrations could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server does not respond or refuses the connection.
    #[error("the database cannot be reached: {0}")]
    Connect(#[from] ConnectionError),
    /// A migration failed; the previous ones remain applied.
    #[error("a migration failed: {0}")]
    Run(Box<dyn std::error::Error + Send + Sync>),
}

/// A step, for progress reports.
pub enum MigrationStep<'a> {
    /// Waiting for another process that is migrating the database.
    Waiting,
    Applying(&'a str),
}

/// The differences between the migrations of the database and of this program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Names of the migrations to be applied.
    pub pending: Vec<String>,
    /// Versions applied by a newer program.
    pub unknown: Vec<String>,
}

#[derive(QueryableByName)]
struct BoolRow {
    #[diesel(sql_type = Bool)]
    value: bool,
}

#[derive(QueryableByName)]
struct AppliedMigration {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Applies the pending migrations, in one process at a time, and returns their names.
pub fn migrate(database_url: &str) -> Result<Vec<String>, MigrateError> {
    migrate_with_progress(database_url, |_| {})
}

/// Applies the pending migrations, reporting each step before it is taken.
pub fn migrate_with_progress(
    database_url: &str,
    mut report: impl FnMut(MigrationStep<'_>),
) -> Result<Vec<String>, MigrateError> {
    let mut conn = PgConnection::establish(database_url)?;
    lock(&mut conn, &mut report).map_err(|e| MigrateError::Run(e.into()))?;
    let pending = conn
        .pending_migrations(MIGRATIONS)
        .map_err(MigrateError::Run)?;
    let mut applied = Vec::new();
    for migration in pending {
        let name = migration.name().to_string();
        report(MigrationStep::Applying(&name));
        conn.run_migration(&*migration).map_err(MigrateError::Run)?;
        applied.push(name);
    }
    Ok(applied)
}

/// Prevents concurrent migrations. The lock is released with the connection.
fn lock(conn: &mut PgConnection, report: &mut impl FnMut(MigrationStep<'_>)) -> QueryResult<()> {
    let locked: BoolRow =
        diesel::sql_query("SELECT pg_try_advisory_lock(7205759403) AS value").get_result(conn)?;
    if !locked.value {
        report(MigrationStep::Waiting);
        diesel::sql_query("SELECT pg_advisory_lock(7205759403)").execute(conn)?;
    }
    Ok(())
}

/// Whether there are pending migrations.
pub fn pending(conn: &mut PgConnection) -> Result<bool, MigrateError> {
    conn.has_pending_migration(MIGRATIONS)
        .map_err(MigrateError::Run)
}

/// The differences between the migrations of the database and of this program. Does not write; the database may be empty.
pub fn differences(conn: &mut PgConnection) -> Result<Differences, MigrateError> {
    let failed = |error: diesel::result::Error| MigrateError::Run(error.into());
    let applied = applied(conn).map_err(failed)?;
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
    let table_exists: BoolRow =
        diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS value")
            .get_result(conn)?;
    if !table_exists.value {
        return Ok(HashSet::new());
    }
    let rows: Vec<AppliedMigration> =
        diesel::sql_query("SELECT version::text AS version FROM __diesel_schema_migrations")
            .get_results(conn)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

/// Reverts all migrations, which deletes all data.
pub fn revert_all(conn: &mut PgConnection) -> Result<(), MigrateError> {
    conn.revert_all_migrations(MIGRATIONS)
        .map(drop)
        .map_err(MigrateError::Run)
}
