//! `dispatch migrate`: brings the database up to date.

use super::{Failure, say};
use crate::app::Services;
use crate::db;

/// Applies what is missing and names it.
pub(super) fn run(services: &Services) -> Result<(), Failure> {
    let applied = db::migrate(&services.config.database.url)?;
    for name in &applied {
        say(format_args!("applied {name}"))?;
    }
    if applied.is_empty() {
        say("the database is up to date")?;
    }
    Ok(())
}
