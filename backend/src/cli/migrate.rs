//! `dispatch migrate`: applies pending migrations, then normalizes stored addresses and names. Each migration and each
//! normalized address is one transaction, so an interrupted command leaves nothing half done.

use diesel::{Connection, PgConnection};

use super::output::{AlreadyReported, CommandError, print_line};
use super::progress::note;
use crate::app::Services;
use crate::core::db::{self, MigrationStep};
use crate::engine::normalization::result::NormalizationPass;
use crate::engine::normalization::{self, leftovers};

/// Applies pending migrations and prints their names.
pub(super) fn run(services: &Services) -> Result<(), CommandError> {
    let applied = db::migrate_with_progress(&services.config.database.url, |step| match step {
        MigrationStep::Waiting => {
            note("another process is migrating this database; waiting for it");
        }
        MigrationStep::Applying(name) => note(format_args!("applying {name}")),
    })?;
    for name in &applied {
        print_line(format_args!("applied {name}"))?;
    }
    let changed = normalize(services)?;
    if applied.is_empty() && !changed {
        print_line("the database is up to date")?;
    }
    Ok(())
}

/// Normalizes what earlier releases stored, and reports what could not be normalized; returns whether anything
/// changed.
fn normalize(services: &Services) -> Result<bool, CommandError> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let done = normalization::pass(&mut conn, services.clock.now())?;
    if done.addresses > 0 {
        print_line(format_args!(
            "normalized {} addresses; merged {} duplicate recipients",
            done.addresses, done.merged
        ))?;
    }
    if done.texts > 0 {
        print_line(format_args!("normalized {} names", done.texts))?;
    }
    let left = leftovers::find(&mut conn)?;
    if !left.is_empty() {
        print_line(&left)?;
    }
    Ok(done != NormalizationPass::default())
}

/// Lists pending migrations without applying them; fails if there are any.
pub(super) fn check(services: &Services) -> Result<(), CommandError> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let differences = db::differences(&mut conn)?;
    for name in &differences.pending {
        print_line(format_args!("pending {name}"))?;
    }
    for version in &differences.unknown {
        print_line(format_args!("applied by a newer release {version}"))?;
    }
    if !differences.pending.is_empty() {
        return Err(AlreadyReported.into());
    }
    Ok(print_line("the database is up to date")?)
}
