//! `dispatch migrate`: brings the database up to date. Ended half-way, what was applied stays, and the migration under way
//! leaves nothing behind: each is one transaction. The same applies to each normalized address.

use diesel::{Connection, PgConnection};

use super::{AlreadySaid, Failure, progress::note, say};
use crate::app::Services;
use crate::core::db::{self, Step};
use crate::engine::normalization::{self, Pass, leftovers};

/// Applies what is missing and names it.
pub(super) fn run(services: &Services) -> Result<(), Failure> {
    let applied = db::migrate_telling(&services.config.database.url, |step| match step {
        Step::Waiting => note("another process migrates this database; waiting for it"),
        Step::Applying(name) => note(format_args!("applying {name}")),
    })?;
    for name in &applied {
        say(format_args!("applied {name}"))?;
    }
    let changed = normalize(services)?;
    if applied.is_empty() && !changed {
        say("the database is up to date")?;
    }
    Ok(())
}

/// Normalizes what earlier releases stored, and reports what could not be normalized; returns whether anything
/// changed.
fn normalize(services: &Services) -> Result<bool, Failure> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let done = normalization::pass(&mut conn, services.clock.now())?;
    if done.addresses > 0 {
        say(format_args!(
            "normalized {} addresses; merged {} duplicate recipients",
            done.addresses, done.merged
        ))?;
    }
    if done.texts > 0 {
        say(format_args!("normalized {} names", done.texts))?;
    }
    let left = leftovers::find(&mut conn)?;
    if !left.is_empty() {
        say(&left)?;
    }
    Ok(done != Pass::default())
}

/// Changes nothing; fails where there is something to apply.
pub(super) fn check(services: &Services) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let differences = db::differences(&mut conn)?;
    for name in &differences.pending {
        say(format_args!("pending {name}"))?;
    }
    for version in &differences.unknown {
        say(format_args!("applied by a newer program {version}"))?;
    }
    if !differences.pending.is_empty() {
        return Err(AlreadySaid.into());
    }
    Ok(say("the database is up to date")?)
}
