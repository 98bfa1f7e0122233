//! What every command that works on the tables looks at first: whether they are as new as the program.

use super::Failure;
use crate::app::Services;
use crate::core::db::{self, Differences, Unavailable};

/// Fails when the database lacks a migration. On the tables of a newer release the program works and says so: in a rolling
/// update the last processes of the old one do. Whether a database that is away is fit shows when it is back.
pub(super) fn check(services: &Services) -> Result<(), Failure> {
    let found = services
        .db
        .run_here::<_, Failure>(|conn| Ok(db::differences(conn)?));
    match found {
        Ok(Differences { pending, unknown }) => {
            if let Some(newest) = unknown.last() {
                tracing::info!(%newest, "the tables are those of a newer release, which this one works on");
            }
            lacking(&pending)
        }
        Err(error) if error.is::<Unavailable>() => {
            tracing::warn!("the database is away: its tables are not looked at");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn lacking(pending: &[String]) -> Result<(), Failure> {
    match pending {
        [] => Ok(()),
        [first, ..] => Err(format!(
            "the database lacks {} of this program's migrations, the first being {first}: run `dispatch migrate`",
            pending.len()
        )
        .into()),
    }
}
