//! Runs in the database: started once per mailing and occurrence, listed with their counts, cancelled and resumed.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::model::{Run, RunBounds, RunRow, Trigger};
use super::status::RunStatus;
use super::view::views;
use crate::core::db::owned::owned_by;
use crate::core::db::schema::{chunks, runs};
use crate::core::owners::Owners;
use crate::core::paging::Paging;

/// A run to start.
#[derive(Debug, Clone, Copy)]
pub struct NewRun {
    pub mailing_id: i64,
    pub scheduled_for: DateTime<Utc>,
    pub trigger: Trigger,
    pub bounds: RunBounds,
    pub started_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct RunId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Starts a run with a snapshot of the mailing's message. `None` if the occurrence already has a run or another run is
/// open; unique keys guarantee this across processes.
pub fn begin(conn: &mut PgConnection, new: &NewRun) -> QueryResult<Option<i64>> {
    let id: Option<RunId> = diesel::sql_query(
        "INSERT INTO runs (mailing_id, owner_id, scheduled_for, trigger, status, subject, html, text,
                           deadline_at, retries_end_at, started_at, planned)
         SELECT mailings.id, mailings.owner_id, $2, $3, 'running', subject, html, text, $4, $5, $6, recipients_count
         FROM mailings JOIN messages ON messages.id = message_id
         WHERE mailings.id = $1
         ON CONFLICT DO NOTHING
         RETURNING id",
    )
    .bind::<BigInt, _>(new.mailing_id)
    .bind::<Timestamptz, _>(new.scheduled_for)
    .bind::<Text, _>(new.trigger.as_str())
    .bind::<Nullable<Timestamptz>, _>(new.bounds.deadline_at)
    .bind::<Timestamptz, _>(new.bounds.retries_end_at)
    .bind::<Timestamptz, _>(new.started_at)
    .get_result(conn)
    .optional()?;
    Ok(id.map(|row| row.id))
}

/// The mailings among these that have an open run.
pub fn with_open_run(conn: &mut PgConnection, mailing_ids: &[i64]) -> QueryResult<HashSet<i64>> {
    let open: Vec<i64> = runs::table
        .filter(
            runs::mailing_id
                .eq_any(mailing_ids)
                .and(runs::status.eq_any(["running", "paused"])),
        )
        .select(runs::mailing_id)
        .load(conn)?;
    Ok(open.into_iter().collect())
}

/// The mailing's open run: running or paused. There is at most one.
pub fn open_run(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<Option<RunRow>> {
    runs::table
        .filter(
            runs::mailing_id
                .eq(mailing_id)
                .and(runs::status.eq_any(["running", "paused"])),
        )
        .select(RunRow::as_select())
        .first(conn)
        .optional()
}

/// Whether a run of the mailing is still being prepared from its recipients.
pub fn is_preparing(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<bool> {
    let open = runs::mailing_id
        .eq(mailing_id)
        .and(runs::status.eq_any(["running", "paused"]));
    diesel::select(exists(
        runs::table.filter(open.and(runs::fanned_out_at.is_null())),
    ))
    .get_result(conn)
}

/// The row, if the run belongs to these owners.
pub fn row(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<RunRow> {
    runs::table
        .find(id)
        .filter(owned_by(runs::owner_id, owners))
        .select(RunRow::as_select())
        .first(conn)
}

/// The owner of the run, if it is one of these owners.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    runs::table
        .find(id)
        .filter(owned_by(runs::owner_id, owners))
        .select(runs::owner_id)
        .first(conn)
}

/// The run, if it belongs to these owners.
pub fn find(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<Run> {
    let row = row(conn, owners, id)?;
    views(conn, vec![row])?.pop().ok_or(DieselError::NotFound)
}

/// A page of the runs of a mailing, newest first, and their total.
pub fn list(
    conn: &mut PgConnection,
    mailing_id: i64,
    paging: Paging,
) -> QueryResult<(Vec<Run>, i64)> {
    let of_mailing = || runs::table.filter(runs::mailing_id.eq(mailing_id));
    let total = of_mailing().select(count_star()).first(conn)?;
    let window = paging.window(total);
    let page = of_mailing()
        .limit(window.limit)
        .offset(window.offset)
        .select(RunRow::as_select());
    let rows = if window.backwards {
        page.order((runs::scheduled_for.asc(), runs::id.asc()))
            .load(conn)?
    } else {
        page.order((runs::scheduled_for.desc(), runs::id.desc()))
            .load(conn)?
    };
    Ok((views(conn, window.in_order(rows))?, total))
}

/// For each of these mailings the open run, or else the newest that started. A retry may reopen a run that is not the
/// newest.
pub fn latest_of(conn: &mut PgConnection, mailing_ids: &[i64]) -> QueryResult<HashMap<i64, Run>> {
    let rows = runs::table
        .filter(
            runs::mailing_id
                .eq_any(mailing_ids)
                .and(runs::started_at.is_not_null()),
        )
        .distinct_on(runs::mailing_id)
        .order((
            runs::mailing_id,
            runs::finished_at.is_null().desc(),
            runs::scheduled_for.desc(),
        ))
        .select(RunRow::as_select())
        .load(conn)?;
    Ok(views(conn, rows)?
        .into_iter()
        .map(|run| (run.mailing_id, run))
        .collect())
}

/// Cancels the mailing's open run; `false` if there is none. Sending stops within two seconds; the log is kept.
pub fn cancel_of_mailing(
    conn: &mut PgConnection,
    mailing_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let open = runs::mailing_id
        .eq(mailing_id)
        .and(runs::status.eq_any(["running", "paused"]));
    let cancelled = diesel::update(runs::table.filter(open))
        .set((
            runs::status.eq(RunStatus::Cancelled.as_str()),
            runs::finished_at.eq(now),
        ))
        .execute(conn)?;
    Ok(cancelled > 0)
}

/// Ends the engine's pause of the mailing's open run; `false` if there is none.
pub fn resume_of_mailing(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<bool> {
    let paused = runs::mailing_id
        .eq(mailing_id)
        .and(runs::status.eq("running"))
        .and(runs::pause_reason.is_not_null());
    let resumed = diesel::update(runs::table.filter(paused))
        .set((
            runs::pause_reason.eq(None::<String>),
            runs::paused_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(resumed > 0)
}

/// Whether the run is still being prepared or has deliveries that were never attempted.
pub fn has_untried(conn: &mut PgConnection, run_id: i64) -> QueryResult<bool> {
    let untried = chunks::table.filter(chunks::run_id.eq(run_id).and(chunks::pending.gt(0)));
    let preparing = runs::table.filter(runs::id.eq(run_id).and(runs::fanned_out_at.is_null()));
    diesel::select(exists(untried).or(exists(preparing))).get_result(conn)
}

/// Sets the bounds of a run after the schedule of its mailing was changed.
pub fn set_bounds(conn: &mut PgConnection, run_id: i64, bounds: RunBounds) -> QueryResult<()> {
    diesel::update(runs::table.find(run_id))
        .set((
            runs::deadline_at.eq(bounds.deadline_at),
            runs::retries_end_at.eq(bounds.retries_end_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// The message that every mail of a run is made from.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub struct MessageSnapshot {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// The message as it was when the run started.
pub fn snapshot(conn: &mut PgConnection, run_id: i64) -> QueryResult<MessageSnapshot> {
    runs::table
        .find(run_id)
        .select(MessageSnapshot::as_select())
        .first(conn)
}
