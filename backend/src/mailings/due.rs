//! Mailings that have fallen due: each is started by one process, and one that cannot be started keeps no other from it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::model::MailingRow;
use super::recurrence::Occurrence;
use super::start::{begin, refresh_state};
use super::status::PutOff;
use super::store;
use crate::db::schema::{mailings, users};
use crate::deliveries::store as deliveries;
use crate::events::new::Origin;
use crate::quotas::model::{Quotas, Room};
use crate::quotas::store::room_for_mails;
use crate::runs::finish;
use crate::runs::model::{RunStatus, Trigger};
use crate::runs::store as runs;

/// How long a due mailing waits for retries of the run before that are just being sent: until the next pass.
const NOT_YET: TimeDelta = TimeDelta::seconds(1);
/// How long one waits whose start failed.
const START_FAILED: TimeDelta = TimeDelta::minutes(1);
/// How long one waits at most that is beyond its owner's quota, before it is measured again: there may be room earlier,
/// after a run was cancelled.
const OVER_QUOTA: TimeDelta = TimeDelta::minutes(10);

/// Deals with one due mailing, if there is one that no other process has in hand; gives its id. The caller repeats it,
/// each time in a transaction of its own. One that cannot be started is put off, so that it keeps no other from starting.
pub fn start_one_due(
    conn: &mut PgConnection,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    while let Some(mailing) = lock_first_due(conn, now)? {
        let (until, why) = match conn.transaction(|conn| start_due(conn, &mailing, quotas, now)) {
            Ok(Dealt::With) => return Ok(Some(mailing.id)),
            Ok(Dealt::NotYet) => (now + NOT_YET, None),
            Ok(Dealt::OverQuota(until)) => (until, Some(PutOff::QuotaUsedUp)),
            Err(error) => {
                tracing::error!(
                    mailing.id = mailing.id,
                    %error,
                    "a mailing that fell due could not be started; trying again in a minute"
                );
                (now + START_FAILED, None)
            }
        };
        store::put_off(conn, mailing.id, until, why)?;
    }
    Ok(None)
}

/// Of the mailings that are due the one that waits longest. What is held is left until it is let go, or its end comes:
/// from then on nothing of it will be sent anyway.
fn lock_first_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<MailingRow>> {
    use mailings::{disabled_at, ends_at, next_run_at, owner_id, paused_at, put_off_until};
    let owner_may =
        exists(users::table.filter(users::id.eq(owner_id).and(users::blocked_at.is_null())));
    let free = disabled_at
        .is_null()
        .and(paused_at.is_null())
        .and(owner_may);
    mailings::table
        .filter(next_run_at.le(now))
        .filter(put_off_until.is_null().or(put_off_until.le(now)))
        .filter(free.or(ends_at.le(now)))
        .order((next_run_at, mailings::id))
        .select(MailingRow::as_select())
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()
}

enum Dealt {
    With,
    NotYet,
    OverQuota(DateTime<Utc>),
}

fn start_due(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<Dealt> {
    let first = mailing
        .next_occurrence
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or_default();
    let due = mailing
        .schedule()
        .catch_up(first, mailing.schedule_set_at, now);
    if let Some(occurrence) = due.run {
        match carry_out(conn, mailing, (occurrence, quotas), now)? {
            Dealt::With => {}
            not_yet => return Ok(not_yet),
        }
    }
    for missed in &due.missed {
        runs::record_unrun(conn, mailing.id, missed.at, RunStatus::Missed, now)?;
    }
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
            runs::record_unrun(
                conn,
                mailing.id,
                occurrence.at,
                RunStatus::SkippedOverlap,
                now,
            )?;
            return Ok(Dealt::With);
        }
        deliveries::end_retries(conn, open.id)?;
        if !finish::finish_if_done(conn, open.id, now)? {
            return Ok(Dealt::NotYet);
        }
    }
    let measured = now + OVER_QUOTA;
    let until = match room_for_mails(
        conn,
        quotas,
        (mailing.owner_id, mailing.recipients_count),
        now,
    )? {
        Room::Now => None,
        Room::At(free_at) => Some(measured.min(free_at)),
        Room::Never => Some(measured),
    };
    if let Some(until) = until {
        let until = mailing.ends_at.map_or(until, |end| until.min(end));
        return Ok(Dealt::OverQuota(until));
    }
    let why = (Trigger::Schedule, Origin::service(now));
    begin(conn, mailing, why, (occurrence.at, now))?;
    Ok(Dealt::With)
}
