//! Checks that the database is migrated, before commands that use its tables.

use super::output::CommandError;
use crate::app::Services;
use crate::core::db::{self, Differences, Unavailable};

/// Fails if migrations are pending. Migrations of a newer release are only logged: during a rolling update, processes of
/// both releases run. An unavailable database is not an error here: the processes wait for it.
pub(super) fn check(services: &Services) -> Result<(), CommandError> {
    let found = services
        .db
        .run_here::<_, CommandError>(|conn| Ok(db::differences(conn)?));
    match found {
        Ok(Differences { pending, unknown }) => {
            if let Some(newest) = unknown.last() {
                tracing::info!(%newest, "database was migrated by a newer release; continuing");
            }
            require_none(&pending)
        }
        Err(error) if error.is::<Unavailable>() => {
            tracing::warn!("database unavailable; migrations not checked");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn require_none(pending: &[String]) -> Result<(), CommandError> {
    match pending {
        [] => Ok(()),
        [first, ..] => Err(format!(
            "{} migrations are pending, beginning with {first}: run `dispatch migrate`",
            pending.len()
        )
        .into()),
    }
}
