//! Due mailings: started in batches, each by one process. A mailing that cannot be started does not block the others.

mod batch;
mod queue;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

pub use self::queue::next_due;
use super::catch_up::Due;
use super::model::MailingRow;
use super::recurrence::Occurrence;
use super::start::{begin, refresh_state};
use super::status::PutOff;
use super::store;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::quotas::model::{Quotas, Room};
use crate::accounts::quotas::store::room_for_mails;
use crate::delivery::deliveries::store as deliveries;
use crate::delivery::runs::finish;
use crate::delivery::runs::model::{RunStatus, Trigger};
use crate::delivery::runs::{scheduled, store as runs};

/// Mailings started in one transaction: few enough that each batch is sent while the next one is being started.
const BATCH: usize = 100;

/// How long a due mailing waits for retries of the run before that are just being sent: until the next pass.
const NOT_YET: TimeDelta = TimeDelta::seconds(1);
/// How long one waits whose start failed.
const START_FAILED: TimeDelta = TimeDelta::minutes(1);
/// How long one waits at most that is beyond its owner's quota, before it is measured again: there may be room earlier,
/// after a run was cancelled.
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
        batch::Batch::of_others(&due)
    });
    let mut mailing_ids = batch.begun;
    for (id, put) in batch.put_off {
        store::put_off(conn, id, put.until, put.why)?;
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
    let put = match conn.transaction(|conn| start_due(conn, mailing, quotas, now)) {
        Ok(Dealt::With) => return Ok(true),
        Ok(Dealt::Not(put)) => put,
        Err(error) => {
            tracing::error!(
                mailing.id = mailing.id,
                %error,
                "due mailing could not be started; retrying in a minute"
            );
            Put {
                until: now + START_FAILED,
                why: None,
            }
        }
    };
    store::put_off(conn, mailing.id, put.until, put.why)?;
    Ok(false)
}

enum Dealt {
    With,
    Not(Put),
}

/// When it is retried, and the reason if the owner should see it.
struct Put {
    until: DateTime<Utc>,
    why: Option<PutOff>,
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
) -> QueryResult<Dealt> {
    let due = due_of(mailing, now);
    if let Some(occurrence) = due.run {
        match carry_out(conn, mailing, (occurrence, quotas), now)? {
            Dealt::With => {}
            not_yet @ Dealt::Not(_) => return Ok(not_yet),
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
    Ok(Dealt::With)
}

/// Begins the occurrence's run, unless the one before is still in its first pass. When only retries are left of that,
/// their time ends now; those that are just being sent are waited for.
fn carry_out(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    (occurrence, quotas): (Occurrence, Quotas),
    now: DateTime<Utc>,
) -> QueryResult<Dealt> {
    if let Some(open) = runs::open_run(conn, mailing.id)? {
        if runs::has_untried(conn, open.id)? {
            let skipped = [(mailing.id, occurrence.at)];
            scheduled::record_unrun(conn, &skipped, RunStatus::SkippedOverlap, now)?;
            return Ok(Dealt::With);
        }
        deliveries::end_retries(conn, open.id)?;
        if !finish::finish_if_done(conn, open.id, now)? {
            return Ok(Dealt::Not(Put {
                until: now + NOT_YET,
                why: None,
            }));
        }
    }
    let room = room_for_mails(
        conn,
        quotas,
        (mailing.owner_id, mailing.recipients_count),
        now,
    )?;
    let dealt = dealt(room, mailing, now);
    if matches!(dealt, Dealt::With) {
        let why = (Trigger::Schedule, Origin::service(now));
        begin(conn, mailing, why, (occurrence.at, now))?;
    }
    Ok(dealt)
}

/// Starts it if its owner's quota allows, otherwise postpones it.
fn dealt(room: Room, mailing: &MailingRow, now: DateTime<Utc>) -> Dealt {
    let measured = now + OVER_QUOTA;
    let until = match room {
        Room::Now => return Dealt::With,
        Room::At(free_at) => measured.min(free_at),
        Room::Never => measured,
    };
    Dealt::Not(Put {
        until: mailing.ends_at.map_or(until, |end| until.min(end)),
        why: Some(PutOff::QuotaUsedUp),
    })
}
