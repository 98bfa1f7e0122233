//! Starts mailings, on demand or when they are due (`due.rs`), and updates their status. The unique keys of `runs` resolve
//! races between processes; a mailing is locked while its schedule advances.
//!
//! Transactions that lock several of these do so in this order: mailings, runs, deliveries, chunks.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::audit::audit;
use super::model::MailingRow;
use super::status::{self, MailingProgress, MailingStatus};
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Origin;
use crate::accounts::quotas::model::{Quotas, Room};
use crate::accounts::quotas::store::room_for_mails;
use crate::core::db::schema::{mailings, users};
use crate::delivery::runs::model::{RunBounds, Trigger};
use crate::delivery::runs::store::{self as runs, NewRun};

/// Retries of a run end after this even if nothing else ends them.
const MAX_RETRY_PERIOD: TimeDelta = TimeDelta::hours(24);
/// Why a mailing cannot be sent now.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the mailing is already being sent")]
    RunOpen,
    #[error("the mailing's start is in the future or its end is past")]
    OutsideWindow,
    #[error("the mailing has no recipients")]
    NoRecipients,
    #[error("the mailing is disabled")]
    Disabled,
    #[error("the mailing's owner is blocked")]
    OwnerBlocked,
    #[error("the mailing is paused")]
    Paused,
    #[error("the owner's daily quota is used up")]
    QuotaUsedUp {
        free_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    #[error("the recipients exceed the owner's daily quota")]
    OverQuota,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// What starts a run, and who at which time.
#[derive(Debug, Clone, Copy)]
pub struct StartCause {
    pub trigger: Trigger,
    pub origin: Origin,
}

/// Starts a run of a mailing that the caller has locked; returns the id of the run.
pub fn start_now(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    quotas: Quotas,
    cause: StartCause,
) -> Result<i64, StartError> {
    let now = cause.origin.at;
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
        mailing.owner_id,
        mailing.recipients_count,
        now,
    )? {
        Room::Now => {}
        Room::At(free_at) => return Err(StartError::QuotaUsedUp { free_at, now }),
        Room::Never => return Err(StartError::OverQuota),
    }
    let run_id = begin(conn, mailing, cause, now)?.ok_or(StartError::RunOpen)?;
    refresh_state(conn, mailing.id)?;
    Ok(run_id)
}

/// Starts the run of an occurrence; `None` if it already has a run or another run is open.
pub(super) fn begin(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    cause: StartCause,
    scheduled_for: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let now = cause.origin.at;
    let new = NewRun {
        mailing_id: mailing.id,
        scheduled_for,
        trigger: cause.trigger,
        bounds: bounds(mailing, now),
        started_at: now,
    };
    let Some(run_id) = runs::begin(conn, &new)? else {
        return Ok(None);
    };
    diesel::update(mailings::table.find(mailing.id))
        .set(mailings::last_run_at.eq(now))
        .execute(conn)?;
    let event = cause
        .origin
        .event(EventKind::RunStarted)
        .with_details(&format!("#{run_id}"));
    audit(conn, mailing.id, event)?;
    Ok(Some(run_id))
}

fn is_blocked(conn: &mut PgConnection, user_id: i64) -> QueryResult<bool> {
    let blocked = users::table.filter(users::id.eq(user_id).and(users::blocked_at.is_not_null()));
    diesel::select(exists(blocked)).get_result(conn)
}

/// The bounds of a run: no mail is sent at or after the mailing's end; retries end with the next occurrence, or after a
/// day.
pub fn bounds(mailing: &MailingRow, started_at: DateTime<Utc>) -> RunBounds {
    let next = mailing
        .schedule()
        .first_after(started_at)
        .map(|occurrence| occurrence.at);
    let day = started_at + MAX_RETRY_PERIOD;
    RunBounds {
        deadline_at: mailing.ends_at,
        retries_end_at: [mailing.ends_at, next]
            .into_iter()
            .flatten()
            .fold(day, DateTime::min),
    }
}

/// Updates the bounds of a mailing's open run after its schedule was changed.
pub fn update_bounds(conn: &mut PgConnection, mailing: &MailingRow) -> QueryResult<()> {
    let Some(open) = runs::open_run(conn, mailing.id)? else {
        return Ok(());
    };
    let bounds = bounds(mailing, open.started_at.unwrap_or(open.scheduled_for));
    runs::set_bounds(conn, open.id, bounds)
}

/// Recomputes the status of a mailing after a change of the facts that determine it.
pub fn refresh_state(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<()> {
    refresh_states(conn, &[mailing_id])
}

/// As [`refresh_state`], for several mailings.
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
    let mut by_status: HashMap<MailingStatus, Vec<i64>> = HashMap::new();
    for (id, ever_ran, more_to_come) in found {
        let status = status::of(MailingProgress {
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
