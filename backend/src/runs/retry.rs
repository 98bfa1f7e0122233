//! Trying the failed deliveries of a run again: the run is reopened and goes on.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::{RunRow, RunStatus};
use super::store;
use crate::db::schema::{chunks, runs};
use crate::deliveries::model::RetryDeliveries;
use crate::deliveries::retries;
use crate::mailings::model::MailingRow;
use crate::mailings::{hold, start};

/// Why nothing can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("the mailing has been deleted")]
    MailingDeleted,
    #[error("the mailing is disabled")]
    Disabled,
    #[error("the mailing's end is past")]
    OutsideWindow,
    #[error("another run of the mailing is open")]
    RunOpen,
    #[error("the run was cancelled and is not closed yet")]
    Closing,
    #[error("some recipients have no delivery of this run")]
    UnknownRecipients,
    #[error("no failed delivery is among those asked for")]
    NothingToRetry,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Tries these failed deliveries of the run again, as soon as the engine comes to it.
pub fn retry(
    conn: &mut PgConnection,
    run: &RunRow,
    which: &RetryDeliveries,
    now: DateTime<Utc>,
) -> Result<(), RetryError> {
    let mailing = hold::lock(conn, run.mailing_id)
        .optional()?
        .ok_or(RetryError::MailingDeleted)?;
    check(conn, run, &mailing, now)?;
    if let Some(ids) = &which.recipient_ids
        && !retries::has_all(conn, run.id, ids)?
    {
        return Err(RetryError::UnknownRecipients);
    }
    if retries::retry(conn, run.id, which, now)? == 0 {
        return Err(RetryError::NothingToRetry);
    }
    reopen(conn, run.id, &mailing, now)?;
    Ok(start::refresh_state(conn, mailing.id)?)
}

/// Locks the run and looks whether it may go on.
fn check(
    conn: &mut PgConnection,
    run: &RunRow,
    mailing: &MailingRow,
    now: DateTime<Utc>,
) -> Result<(), RetryError> {
    if mailing.disabled_at.is_some() {
        return Err(RetryError::Disabled);
    }
    if mailing.ends_at.is_some_and(|end| end <= now) {
        return Err(RetryError::OutsideWindow);
    }
    if store::open_run(conn, mailing.id)?.is_some_and(|open| open.id != run.id) {
        return Err(RetryError::RunOpen);
    }
    let status: String = runs::table
        .find(run.id)
        .select(runs::status)
        .for_no_key_update()
        .first(conn)?;
    // Reopened, it would send what its cancelling has left to be skipped.
    if status == RunStatus::Cancelled.as_str() && has_leftovers(conn, run.id)? {
        return Err(RetryError::Closing);
    }
    Ok(())
}

fn has_leftovers(conn: &mut PgConnection, run_id: i64) -> QueryResult<bool> {
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

/// It runs within the bounds that a new run would have. One that had ended goes on with those who have a delivery: had it
/// been cancelled in the middle of its preparation, it is not prepared any further.
fn reopen(
    conn: &mut PgConnection,
    run_id: i64,
    mailing: &MailingRow,
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
    let (deadline_at, retries_end_at) = start::bounds(mailing, now);
    diesel::update(runs::table.find(run_id))
        .set((
            runs::status.eq(RunStatus::Running.as_str()),
            runs::finished_at.eq(None::<DateTime<Utc>>),
            runs::deadline_at.eq(deadline_at),
            runs::retries_end_at.eq(retries_end_at),
        ))
        .execute(conn)?;
    Ok(())
}
