//! Due mailings: started in batches, each by one process. A mailing that cannot be started does not block the others.

mod batch;
mod queue;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

pub use self::queue::next_due;
use super::catch_up::Due;
use super::model::MailingRow;
use super::recurrence::Occurrence;
use super::start::{StartCause, begin, refresh_state};
use super::status::PostponeReason;
use super::store::{self, Postponement};
use crate::accounts::identity::Origin;
use crate::accounts::quotas::model::{Quotas, Room};
use crate::accounts::quotas::store::room_for_mails;
use crate::delivery::deliveries::store as deliveries;
use crate::delivery::runs::finish;
use crate::delivery::runs::model::Trigger;
use crate::delivery::runs::status::RunStatus;
use crate::delivery::runs::{scheduled, store as runs};

/// Mailings started in one transaction: few enough that each batch is sent while the next one is being started.
const BATCH: usize = 100;

/// How long a due mailing is postponed while retries of its previous run are being sent: until the next pass.
const NOT_YET: TimeDelta = TimeDelta::seconds(1);
/// How long a mailing is postponed after its start failed.
const START_FAILED: TimeDelta = TimeDelta::minutes(1);
/// Maximum time for which a mailing is postponed that exceeds its owner's quota: there may be room earlier, after a run
/// was cancelled.
const OVER_QUOTA: TimeDelta = TimeDelta::minutes(10);

/// Handles some due mailings that no other process has locked, fairly among their owners; returns their ids. The
/// caller repeats it until none is returned, each time in its own transaction. Mailings that cannot be started are
/// postponed, so that they do not block the others.
pub fn start_some_due(
    conn: &mut PgConnection,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<Started> {
    let due = queue::lock_some(conn, i64::try_from(BATCH).unwrap_or(i64::MAX), now)?;
    let more = due.len() == BATCH;
    let together = conn.transaction(|conn| batch::begin(conn, &due, quotas, now));
    let batch = together.unwrap_or_else(|error| {
        tracing::warn!(%error, "due mailings could not be started in a batch; starting them one by one");
        batch::StartedBatch::of_others(&due)
    });
    let mut mailing_ids = batch.begun;
    for (id, postponement) in batch.postponed {
        store::postpone(conn, id, postponement)?;
    }
    for mailing in batch.others {
        if start_one(conn, mailing, quotas, now)? {
            mailing_ids.push(mailing.id);
        }
    }
    Ok(Started { mailing_ids, more })
}

/// The outcome of a batch of due mailings.
#[derive(Debug)]
pub struct Started {
    /// Mailings whose due occurrences were handled.
    pub mailing_ids: Vec<i64>,
    /// More mailings may be due.
    pub more: bool,
}

/// Handles one mailing, or postpones it.
fn start_one(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let postponement = match conn.transaction(|conn| start_due(conn, mailing, quotas, now)) {
        Ok(DueOutcome::Handled) => return Ok(true),
        Ok(DueOutcome::Postponed(postponement)) => postponement,
        Err(error) => {
            tracing::error!(
                mailing.id = mailing.id,
                %error,
                "due mailing could not be started; retrying in a minute"
            );
            Postponement {
                until: now + START_FAILED,
                reason: None,
            }
        }
    };
    store::postpone(conn, mailing.id, postponement)?;
    Ok(false)
}

/// What was done with the due occurrences of a mailing.
enum DueOutcome {
    Handled,
    Postponed(Postponement),
}

/// Handles the due occurrences of the mailing.
fn due_of(mailing: &MailingRow, now: DateTime<Utc>) -> Due {
    let first = mailing
        .next_occurrence
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or_default();
    mailing
        .schedule()
        .catch_up(first, mailing.schedule_set_at, now)
}

fn start_due(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<DueOutcome> {
    let due = due_of(mailing, now);
    if let Some(occurrence) = due.run {
        match start_occurrence(conn, mailing, occurrence, quotas, now)? {
            DueOutcome::Handled => {}
            postponed @ DueOutcome::Postponed(_) => return Ok(postponed),
        }
    }
    let missed: Vec<_> = due
        .missed
        .iter()
        .map(|missed| (mailing.id, missed.at))
        .collect();
    scheduled::record_unrun(conn, &missed, RunStatus::Missed, now)?;
    store::wait_for(conn, mailing.id, due.next)?;
    refresh_state(conn, mailing.id)?;
    Ok(DueOutcome::Handled)
}

/// Starts the run of the occurrence, unless the previous run still has deliveries that were never attempted. If it has
/// only retries left, these end now, and retries that are being sent are waited for.
fn start_occurrence(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    occurrence: Occurrence,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<DueOutcome> {
    if let Some(open) = runs::open_run(conn, mailing.id)? {
        if runs::has_untried(conn, open.id)? {
            let skipped = [(mailing.id, occurrence.at)];
            scheduled::record_unrun(conn, &skipped, RunStatus::SkippedOverlap, now)?;
            return Ok(DueOutcome::Handled);
        }
        deliveries::end_retries(conn, open.id)?;
        if !finish::finish_if_done(conn, open.id, now)? {
            return Ok(DueOutcome::Postponed(Postponement {
                until: now + NOT_YET,
                reason: None,
            }));
        }
    }
    let room = room_for_mails(
        conn,
        quotas,
        mailing.owner_id,
        mailing.recipients_count,
        now,
    )?;
    let outcome = within_quota(room, mailing, now);
    if matches!(outcome, DueOutcome::Handled) {
        let cause = StartCause {
            trigger: Trigger::Schedule,
            origin: Origin::service(now),
        };
        begin(conn, mailing, cause, occurrence.at)?;
    }
    Ok(outcome)
}

/// Whether the owner's quota permits a run now, or until when the mailing is postponed.
fn within_quota(room: Room, mailing: &MailingRow, now: DateTime<Utc>) -> DueOutcome {
    let measured = now + OVER_QUOTA;
    let until = match room {
        Room::Now => return DueOutcome::Handled,
        Room::At(free_at) => measured.min(free_at),
        Room::Never => measured,
    };
    DueOutcome::Postponed(Postponement {
        until: mailing.ends_at.map_or(until, |end| until.min(end)),
        reason: Some(PostponeReason::QuotaUsedUp),
    })
}
