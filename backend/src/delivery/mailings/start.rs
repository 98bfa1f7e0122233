//! Starting a mailing, on demand or when it is due (`due.rs`), and keeping its status true. The unique keys of `runs` decide
//! between processes; a mailing's row is locked while its schedule moves on.
//!
//! Whoever locks more than one thing does so in this order: mailings, runs, deliveries, chunks.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::MailingRow;
use super::noted::note;
use super::status::{self, Progress, Status};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::quotas::model::{Quotas, Room};
use crate::accounts::quotas::store::room_for_mails;
use crate::core::db::schema::{mailings, users};
use crate::delivery::runs::model::Trigger;
use crate::delivery::runs::store::{self as runs, NewRun};

/// Retries of a run end after this even if nothing else ends them.
const RETRIES_LAST: TimeDelta = TimeDelta::hours(24);
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
    #[error("its owner has sent as many mails as they may in a day")]
    QuotaUsedUp {
        free_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    #[error("its recipients are more than its owner may mail in a day")]
    OverQuota,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Starts a mailing that the caller has locked, for the reason given and for whoever wants it; gives the run's id.
pub fn start_now(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    (quotas, why): (Quotas, (Trigger, Origin)),
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
    match room_for_mails(
        conn,
        quotas,
        (mailing.owner_id, mailing.recipients_count),
        now,
    )? {
        Room::Now => {}
        Room::At(free_at) => return Err(StartError::QuotaUsedUp { free_at, now }),
        Room::Never => return Err(StartError::OverQuota),
    }
    let run_id = begin(conn, mailing, why, (now, now))?.ok_or(StartError::RunOpen)?;
    refresh_state(conn, mailing.id)?;
    Ok(run_id)
}

/// Begins a run, for one moment at another; `None` when there is one already.
pub(super) fn begin(
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
    refresh_states(conn, &[mailing_id])
}

/// As above, for several mailings.
pub fn refresh_states(conn: &mut PgConnection, mailing_ids: &[i64]) -> QueryResult<()> {
    if mailing_ids.is_empty() {
        return Ok(());
    }
    let found: Vec<(i64, bool, bool)> = mailings::table
        .filter(mailings::id.eq_any(mailing_ids))
        .select((
            mailings::id,
            mailings::last_run_at.is_not_null(),
            mailings::next_run_at.is_not_null(),
        ))
        .load(conn)?;
    let open = runs::with_open_run(conn, mailing_ids)?;
    let mut by_status: HashMap<Status, Vec<i64>> = HashMap::new();
    for (id, ever_ran, more_to_come) in found {
        let status = status::of(Progress {
            run_open: open.contains(&id),
            ever_ran,
            more_to_come,
        });
        by_status.entry(status).or_default().push(id);
    }
    for (status, ids) in by_status {
        diesel::update(mailings::table.filter(mailings::id.eq_any(ids)))
            .set(mailings::status.eq(status.as_str()))
            .execute(conn)?;
    }
    Ok(())
}
