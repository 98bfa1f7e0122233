//! Retries failed deliveries of a run: the run is reopened within the bounds of its mailing's schedule.

pub(super) mod api;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::MailingRow;
use super::{pause, start};
use crate::accounts::quotas::model::{Quotas, Room};
use crate::accounts::quotas::store::Allowance;
use crate::delivery::deliveries::model::RetryDeliveries;
use crate::delivery::deliveries::retries;
use crate::delivery::runs::model::RunRow;
use crate::delivery::runs::status::RunStatus;
use crate::delivery::runs::{reopening, store as runs};

/// Why a run cannot be retried.
#[derive(Debug, thiserror::Error)]
pub(super) enum RetryError {
    #[error("the mailing has been deleted")]
    MailingDeleted,
    #[error("the mailing is disabled")]
    Disabled,
    #[error("the mailing has ended")]
    OutsideWindow,
    #[error("another run of the mailing is open")]
    RunOpen,
    #[error("the cancellation of the run has not completed")]
    Closing,
    #[error("some recipients have no delivery of this run")]
    UnknownRecipients,
    #[error("no failed delivery is selected")]
    NothingToRetry,
    #[error("the owner's daily quota is used up")]
    QuotaUsedUp {
        free_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    #[error("the deliveries exceed the owner's daily quota")]
    OverQuota,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Schedules the selected failed deliveries of the run for another attempt. After an error the caller rolls back.
pub(super) fn retry(
    conn: &mut PgConnection,
    run: &RunRow,
    which: &RetryDeliveries,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> Result<(), RetryError> {
    let mailing = pause::store::lock(conn, run.mailing_id)
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
    reopening::reopen(conn, run.id, start::bounds(&mailing, now), now)?;
    reopening::count_retried(conn, run.id, retried, now)?;
    let after = Allowance::of(conn, quotas, mailing.owner_id, now)?;
    match after.room_since(&before) {
        Room::Now => {}
        Room::At(free_at) => return Err(RetryError::QuotaUsedUp { free_at, now }),
        Room::Never => return Err(RetryError::OverQuota),
    }
    Ok(start::refresh_state(conn, mailing.id)?)
}

/// Locks the run and checks whether it may be reopened.
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
    if runs::open_run(conn, mailing.id)?.is_some_and(|open| open.id != run.id) {
        return Err(RetryError::RunOpen);
    }
    // A reopened run would send the deliveries that the cancellation has still to skip.
    if reopening::lock(conn, run.id)? == RunStatus::Cancelled
        && reopening::has_leftovers(conn, run.id)?
    {
        return Err(RetryError::Closing);
    }
    Ok(())
}
