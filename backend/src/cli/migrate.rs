//! `dispatch migrate`: brings the database up to date. Ended half-way, what was applied stays, and the migration under way
//! leaves nothing behind: each is one transaction.

use diesel::{Connection, PgConnection};

use super::{AlreadySaid, Failure, progress::note, say};
use crate::app::Services;
use crate::db::{self, Step};

/// Applies what is missing and names it.
pub(super) fn run(services: &Services) -> Result<(), Failure> {
    let applied = db::migrate_telling(&services.config.database.url, |step| match step {
        Step::Waiting => note("another process migrates this database; waiting for it"),
        Step::Applying(name) => note(format_args!("applying {name}")),
    })?;
    for name in &applied {
        say(format_args!("applied {name}"))?;
    }
    if applied.is_empty() {
        say("the database is up to date")?;
    }
    Ok(())
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
