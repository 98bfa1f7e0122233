//! Reopens runs in the database, so that failed deliveries can be retried.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Timestamptz};

use super::model::RunBounds;
use super::status::RunStatus;
use crate::accounts::quotas::model::DAY;
use crate::core::db::schema::{chunks, runs};
use strum::ParseError;

/// Locks the run until the transaction ends; returns its status.
pub fn lock(conn: &mut PgConnection, run_id: i64) -> QueryResult<RunStatus> {
    let status: String = runs::table
        .find(run_id)
        .select(runs::status)
        .for_no_key_update()
        .first(conn)?;
    status
        .parse()
        .map_err(|unknown: ParseError| DieselError::DeserializationError(unknown.into()))
}

/// Whether the run has deliveries that are open, scheduled for another attempt, or leased.
pub fn has_leftovers(conn: &mut PgConnection, run_id: i64) -> QueryResult<bool> {
    let left = chunks::pending
        .gt(0)
        .or(chunks::deferred.gt(0))
        .or(chunks::next_attempt_at.is_not_null())
        .or(chunks::lease_token.is_not_null());
    diesel::select(exists(
        chunks::table.filter(chunks::run_id.eq(run_id)).filter(left),
    ))
    .get_result(conn)
}

/// Reopens a run within new bounds. A run that had ended continues with its existing deliveries only: if it was cancelled
/// while it was being prepared, the preparation does not continue.
pub fn reopen(
    conn: &mut PgConnection,
    run_id: i64,
    bounds: RunBounds,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(runs::table.find(run_id))
        .filter(runs::finished_at.is_not_null())
        .set((
            runs::fanned_out_at.eq(now),
            runs::pause_reason.eq(None::<String>),
            runs::paused_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    diesel::update(runs::table.find(run_id))
        .set((
            runs::status.eq(RunStatus::Running.as_str()),
            runs::finished_at.eq(None::<DateTime<Utc>>),
            runs::deadline_at.eq(bounds.deadline_at),
            runs::retries_end_at.eq(bounds.retries_end_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Adds to the number of retries within the last 24 hours.
pub fn count_retried(
    conn: &mut PgConnection,
    run_id: i64,
    retried: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE runs SET retried_at = $3,
                retried = least(planned, $2 + CASE WHEN retried_at > $4 THEN retried ELSE 0 END)
         WHERE id = $1",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<BigInt, _>(retried)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - DAY)
    .execute(conn)?;
    Ok(())
}
