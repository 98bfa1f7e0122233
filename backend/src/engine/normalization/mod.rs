//! Normalizes what earlier releases stored: addresses into the form of `EmailAddress`, names and searched texts into
//! NFC. PostgreSQL does not implement UTS #46, so this cannot be a migration. Passes are idempotent and may run at
//! any time, concurrently with each other and with processes of the previous release.

pub mod leftovers;
mod merge;
mod names;
mod recipients;
pub mod result;
mod rows;
mod senders;
mod suppressions;
mod users;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use self::result::NormalizationPass;

/// Makes one pass over all tables. Each change is a transaction of its own; must not be called in one.
pub fn pass(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<NormalizationPass> {
    let mut done = NormalizationPass::default();
    // Suppressions first, so that a normalized recipient is found to be suppressed.
    suppressions::pass(conn, &mut done)?;
    recipients::pass(conn, now, &mut done)?;
    users::pass(conn, now, &mut done)?;
    senders::pass(conn, now, &mut done)?;
    done.texts = names::pass(conn)?;
    Ok(done)
}
