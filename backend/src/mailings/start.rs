//! Starting a mailing, when it is due or on demand, and keeping its status true. The unique keys of `runs` decide
//! between processes; a mailing's row is locked while its schedule moves on.
//!
//! Whoever locks more than one thing does so in this order: mailings, runs, deliveries, chunks.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::MailingRow;
use super::noted::note;
use super::recurrence::Occurrence;
use super::status::{self, Progress};
use super::store;
use crate::db::schema::{mailings, users};
use crate::deliveries::store as deliveries;
use crate::events::model::EventKind;
use crate::events::new::Origin;
use crate::runs::finish;
use crate::runs::model::{RunStatus, Trigger};
use crate::runs::store::{self as runs, NewRun};

/// Retries of a run end after this even if nothing else ends them.
const RETRIES_LAST: TimeDelta = TimeDelta::hours(24);
/// How long a due mailing waits for retries of the run before that are just being sent: until the next pass.
const NOT_YET: TimeDelta = TimeDelta::seconds(1);
/// How long one waits whose start failed.
const START_FAILED: TimeDelta = TimeDelta::minutes(1);

/// Why a mailing cannot be sent now.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("this mailing is being sent already")]
    RunOpen,
    #[error("the mailing's time has not come yet, or is over")]
    OutsideWindow,
    #[error("the mailing has no recipients")]
    NoRecipients,
    #[error("the mailing is disabled")]
    Disabled,
    #[error("the mailing's owner is blocked")]
    OwnerBlocked,
    #[error("the mailing is paused")]
    Paused,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Starts a mailing that the caller has locked, for the reason given and for whoever wants it; gives the run's id.
pub fn start_now(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    why: (Trigger, Origin),
    now: DateTime<Utc>,
) -> Result<i64, StartError> {
    if mailing.disabled_at.is_some() {
        return Err(StartError::Disabled);
    }
    if is_blocked(conn, mailing.owner_id)? {
        return Err(StartError::OwnerBlocked);
    }
    if mailing.paused_at.is_some() {
        return Err(StartError::Paused);
    }
    if now < mailing.starts_at || mailing.ends_at.is_some_and(|end| end <= now) {
        return Err(StartError::OutsideWindow);
    }
    if mailing.recipients_count == 0 {
        return Err(StartError::NoRecipients);
    }
    let run_id = begin(conn, mailing, why, (now, now))?.ok_or(StartError::RunOpen)?;
    refresh_state(conn, mailing.id)?;
    Ok(run_id)
}

/// Begins a run, for one moment at another; `None` when there is one already.
fn begin(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    (trigger, origin): (Trigger, Origin),
    (scheduled_for, now): (DateTime<Utc>, DateTime<Utc>),
) -> QueryResult<Option<i64>> {
    let (deadline_at, retries_end_at) = bounds(mailing, now);
    let new = NewRun {
        mailing_id: mailing.id,
        scheduled_for,
        trigger,
        deadline_at,
        retries_end_at,
        started_at: now,
    };
    let Some(run_id) = runs::begin(conn, &new)? else {
        return Ok(None);
    };
    diesel::update(mailings::table.find(mailing.id))
        .set(mailings::last_run_at.eq(now))
        .execute(conn)?;
    let event = origin
        .did(EventKind::RunStarted)
        .with(&format!("#{run_id}"));
    note(conn, mailing.id, event)?;
    Ok(Some(run_id))
}

fn is_blocked(conn: &mut PgConnection, user_id: i64) -> QueryResult<bool> {
    let blocked = users::table.filter(users::id.eq(user_id).and(users::blocked_at.is_not_null()));
    diesel::select(exists(blocked)).get_result(conn)
}

/// No mail at or after the end; no retry once the next occurrence has come, nor after a day.
pub fn bounds(
    mailing: &MailingRow,
    started_at: DateTime<Utc>,
) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
    let next = mailing
        .schedule()
        .first_after(started_at)
        .map(|occurrence| occurrence.at);
    let day = started_at + RETRIES_LAST;
    (
        mailing.ends_at,
        [mailing.ends_at, next]
            .into_iter()
            .flatten()
            .fold(day, DateTime::min),
    )
}

/// Deals with one due mailing, if there is one that no other process has in hand; gives its id. The caller repeats it,
/// each time in a transaction of its own. One that cannot be started is put off, so that it keeps no other from starting.
pub fn start_one_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    while let Some(mailing) = lock_first_due(conn, now)? {
        let (id, until) = match conn.transaction(|conn| start_due(conn, &mailing, now)) {
            Ok(Dealt::With) => return Ok(Some(mailing.id)),
            Ok(Dealt::NotYet) => (mailing.id, now + NOT_YET),
            Err(error) => {
                tracing::error!(
                    mailing.id = mailing.id,
                    %error,
                    "a mailing that fell due could not be started; trying again in a minute"
                );
                (mailing.id, now + START_FAILED)
            }
        };
        store::put_off(conn, id, until)?;
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
}

fn start_due(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    now: DateTime<Utc>,
) -> QueryResult<Dealt> {
    let first = mailing
        .next_occurrence
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or_default();
    let due = mailing
        .schedule()
        .catch_up(first, mailing.schedule_set_at, now);
    if let Some(occurrence) = due.run
        && let Dealt::NotYet = carry_out(conn, mailing, occurrence, now)?
    {
        return Ok(Dealt::NotYet);
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
    occurrence: Occurrence,
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
    let why = (Trigger::Schedule, Origin::service(now));
    begin(conn, mailing, why, (occurrence.at, now))?;
    Ok(Dealt::With)
}

/// Gives a mailing's open run the bounds of its changed schedule.
pub fn rebound(conn: &mut PgConnection, mailing: &MailingRow) -> QueryResult<()> {
    let Some(open) = runs::open_run(conn, mailing.id)? else {
        return Ok(());
    };
    let (deadline_at, retries_end_at) =
        bounds(mailing, open.started_at.unwrap_or(open.scheduled_for));
    runs::set_bounds(conn, open.id, deadline_at, retries_end_at)
}

/// Brings the status in line with the facts, after anything that may have changed them.
pub fn refresh_state(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<()> {
    let found: Option<(bool, bool)> = mailings::table
        .find(mailing_id)
        .select((
            mailings::last_run_at.is_not_null(),
            mailings::next_run_at.is_not_null(),
        ))
        .first(conn)
        .optional()?;
    let Some((ever_ran, more_to_come)) = found else {
        return Ok(());
    };
    let status = status::of(Progress {
        run_open: runs::open_run(conn, mailing_id)?.is_some(),
        ever_ran,
        more_to_come,
    });
    diesel::update(mailings::table.find(mailing_id))
        .set(mailings::status.eq(status.as_str()))
        .execute(conn)?;
    Ok(())
}
