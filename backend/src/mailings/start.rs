//! Starting a mailing, when it is due or on demand, and keeping its status true. The unique keys of `runs` decide
//! between processes; a mailing's row is locked while its schedule moves on.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::MailingRow;
use super::recurrence::Occurrence;
use super::status::{self, Facts, Hold, OpenRun};
use super::store;
use crate::db::schema::{chunks, mailings, runs as run_rows, users};
use crate::deliveries::store as deliveries;
use crate::runs::model::{RunStatus, Trigger};
use crate::runs::store::{self as runs, NewRun};

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
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Starts a mailing that the caller has locked; gives the run's id.
pub fn start_now(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    trigger: Trigger,
    now: DateTime<Utc>,
) -> Result<i64, StartError> {
    if mailing.disabled_at.is_some() {
        return Err(StartError::Disabled);
    }
    if now < mailing.starts_at || mailing.ends_at.is_some_and(|end| end <= now) {
        return Err(StartError::OutsideWindow);
    }
    if mailing.recipients_count == 0 {
        return Err(StartError::NoRecipients);
    }
    let (deadline_at, retries_end_at) = bounds(mailing, now);
    let new = NewRun {
        mailing_id: mailing.id,
        scheduled_for: now,
        trigger,
        deadline_at,
        retries_end_at,
        started_at: now,
    };
    let run_id = runs::begin(conn, &new)?.ok_or(StartError::RunOpen)?;
    diesel::update(mailings::table.find(mailing.id))
        .set(mailings::last_run_at.eq(now))
        .execute(conn)?;
    refresh_state(conn, mailing.id)?;
    Ok(run_id)
}

/// No mail at or after the end; no retry once the next occurrence has come, nor after a day.
fn bounds(
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

/// Begins one due mailing, if there is one that no other process has in hand; gives its id. The caller repeats it, each
/// time in a transaction of its own.
pub fn start_one_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    let may_send = exists(
        users::table.filter(
            users::id
                .eq(mailings::owner_id)
                .and(users::blocked_at.is_null()),
        ),
    );
    let due: Option<MailingRow> = mailings::table
        .filter(
            mailings::next_run_at
                .le(now)
                .and(mailings::disabled_at.is_null())
                .and(may_send),
        )
        .order(mailings::next_run_at)
        .select(MailingRow::as_select())
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some(mailing) = due else { return Ok(None) };
    let first = mailing
        .next_occurrence
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or_default();
    let due = mailing
        .schedule()
        .catch_up(first, mailing.schedule_set_at, now);
    for missed in &due.missed {
        runs::record_unrun(conn, mailing.id, missed.at, RunStatus::Missed, now)?;
    }
    if let Some(occurrence) = due.run {
        carry_out(conn, &mailing, occurrence, now)?;
    }
    store::wait_for(conn, mailing.id, due.next)?;
    refresh_state(conn, mailing.id)?;
    Ok(Some(mailing.id))
}

/// Begins the occurrence's run, unless the one before is still in its first pass.
fn carry_out(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    occurrence: Occurrence,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if let Some(open) = runs::open_run(conn, mailing.id)? {
        // When only retries are left of it, their time ends now.
        if !deliveries::end_retries(conn, open.id)? || !runs::finish_if_done(conn, open.id, now)? {
            return runs::record_unrun(
                conn,
                mailing.id,
                occurrence.at,
                RunStatus::SkippedOverlap,
                now,
            );
        }
    }
    let (deadline_at, retries_end_at) = bounds(mailing, now);
    let new = NewRun {
        mailing_id: mailing.id,
        scheduled_for: occurrence.at,
        trigger: Trigger::Schedule,
        deadline_at,
        retries_end_at,
        started_at: now,
    };
    if runs::begin(conn, &new)?.is_some() {
        diesel::update(mailings::table.find(mailing.id))
            .set(mailings::last_run_at.eq(now))
            .execute(conn)?;
    }
    Ok(())
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

/// Brings status and reason in line with the facts, after anything that may have changed them.
pub fn refresh_state(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<()> {
    let found = mailings::table
        .inner_join(users::table.on(users::id.eq(mailings::owner_id)))
        .filter(mailings::id.eq(mailing_id))
        .select((MailingRow::as_select(), users::blocked_at.is_not_null()))
        .first(conn)
        .optional()?;
    let Some((mailing, owner_blocked)): Option<(MailingRow, bool)> = found else {
        return Ok(());
    };
    let open = runs::open_run(conn, mailing_id)?;
    let hold = match mailing.disabled_at {
        Some(_) => Some(Hold::Disabled),
        None => owner_blocked.then_some(Hold::OwnerBlocked),
    };
    let (status, reason) = status::of(Facts {
        open_run: open.map(|run| match run.status {
            RunStatus::Paused => OpenRun::Paused,
            _ => OpenRun::Sending,
        }),
        hold,
        ever_ran: mailing.last_run_at.is_some(),
        more_to_come: mailing.next_run_at.is_some(),
        left_unserved: last_run_left_unserved(conn, mailing_id)?,
        recipients: mailing.recipients_count,
    });
    diesel::update(mailings::table.find(mailing_id))
        .set((
            mailings::status.eq(status.as_str()),
            mailings::state_reason.eq(reason.as_str()),
        ))
        .execute(conn)?;
    Ok(())
}

fn last_run_left_unserved(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<bool> {
    let last: Option<i64> = run_rows::table
        .filter(
            run_rows::mailing_id
                .eq(mailing_id)
                .and(run_rows::started_at.is_not_null()),
        )
        .order(run_rows::scheduled_for.desc())
        .select(run_rows::id)
        .first(conn)
        .optional()?;
    let Some(run_id) = last else { return Ok(false) };
    diesel::select(exists(
        chunks::table.filter(chunks::run_id.eq(run_id).and(chunks::expired.gt(0))),
    ))
    .get_result(conn)
}
