//! Trying the failed deliveries of a run again: the run is reopened and goes on.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Timestamptz};

use super::model::{RunRow, RunStatus};
use super::store;
use crate::accounts::quotas::model::{DAY, Quotas, Room};
use crate::accounts::quotas::store::Allowance;
use crate::core::db::schema::{chunks, runs};
use crate::delivery::deliveries::model::RetryDeliveries;
use crate::delivery::deliveries::retries;
use crate::delivery::mailings::model::MailingRow;
use crate::delivery::mailings::{hold, start};

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
    #[error("its owner has sent as many mails as they may in a day")]
    QuotaUsedUp {
        free_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    #[error("these are more mails than its owner may send in a day")]
    OverQuota,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Tries these failed deliveries of the run again, as soon as the engine comes to it. After an error the caller rolls back.
pub fn retry(
    conn: &mut PgConnection,
    run: &RunRow,
    (which, quotas): (&RetryDeliveries, Quotas),
    now: DateTime<Utc>,
) -> Result<(), RetryError> {
    let mailing = hold::lock(conn, run.mailing_id)
        .optional()?
        .ok_or(RetryError::MailingDeleted)?;
    let before = Allowance::of(conn, quotas, mailing.owner_id, now)?;
    check(conn, run, &mailing, now)?;
    if let Some(ids) = &which.recipient_ids
        && !retries::has_all(conn, run.id, ids)?
    {
        return Err(RetryError::UnknownRecipients);
    }
    let retried = retries::retry(conn, run.id, which, now)?;
    if retried == 0 {
        return Err(RetryError::NothingToRetry);
    }
    reopen(conn, run.id, &mailing, now)?;
    count_retried(conn, run.id, retried, now)?;
    let after = Allowance::of(conn, quotas, mailing.owner_id, now)?;
    match after.room_since(&before) {
        Room::Now => {}
        Room::At(free_at) => return Err(RetryError::QuotaUsedUp { free_at, now }),
        Room::Never => return Err(RetryError::OverQuota),
    }
    Ok(start::refresh_state(conn, mailing.id)?)
}

/// Adds these to the retries of the last 24 hours.
fn count_retried(
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
