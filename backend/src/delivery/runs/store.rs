//! Runs in the database: begun once per mailing and moment, read with their counts, closed when nothing is left.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::model::{Run, RunRow, RunStatus, Trigger};
use super::shown::shown;
use crate::core::db::owned::owned_by;
use crate::core::db::schema::{chunks, runs};
use crate::core::owners::Owners;
use crate::web::page::Paging;

/// A run about to begin.
#[derive(Debug, Clone, Copy)]
pub struct NewRun {
    pub mailing_id: i64,
    pub scheduled_for: DateTime<Utc>,
    pub trigger: Trigger,
    /// No mail leaves at or after this.
    pub deadline_at: Option<DateTime<Utc>>,
    /// Nor is any tried again.
    pub retries_end_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Begins a run with a snapshot of the mailing's message. `None` when there is one for this moment already, or one
/// is still open: the unique keys decide, however many processes try.
pub fn begin(conn: &mut PgConnection, new: &NewRun) -> QueryResult<Option<i64>> {
    let id: Option<Id> = diesel::sql_query(
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
    .bind::<Nullable<Timestamptz>, _>(new.deadline_at)
    .bind::<Timestamptz, _>(new.retries_end_at)
    .bind::<Timestamptz, _>(new.started_at)
    .get_result(conn)
    .optional()?;
    Ok(id.map(|row| row.id))
}

/// Those of these mailings that have an open run.
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

/// Its row, if it is one of these owners'.
pub fn row(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<RunRow> {
    runs::table
        .find(id)
        .filter(owned_by(runs::owner_id, owners))
        .select(RunRow::as_select())
        .first(conn)
}

/// Which of these owners' it is.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    runs::table
        .find(id)
        .filter(owned_by(runs::owner_id, owners))
        .select(runs::owner_id)
        .first(conn)
}

/// The run, if it is one of these owners'.
pub fn find(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<Run> {
    let row = row(conn, owners, id)?;
    shown(conn, vec![row])?.pop().ok_or(DieselError::NotFound)
}

/// Runs of a mailing, the newest first, and their number.
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
    Ok((shown(conn, window.in_order(rows))?, total))
}

/// Of each of these mailings the run under way, or else the newest that began. A retry may reopen one that is not the
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
    Ok(shown(conn, rows)?
        .into_iter()
        .map(|run| (run.mailing_id, run))
        .collect())
}

/// Ends the mailing's open run before its time; `false` when there is none. Its mails stop within two seconds, what was
/// sent stays in the log.
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

/// Lifts what the engine has paused the mailing's open run for; `false` when it has not.
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

/// Whether anything of the run was never tried yet: the preparation goes on, or somebody still waits for the first try.
pub fn has_untried(conn: &mut PgConnection, run_id: i64) -> QueryResult<bool> {
    let untried = chunks::table.filter(chunks::run_id.eq(run_id).and(chunks::pending.gt(0)));
    let preparing = runs::table.filter(runs::id.eq(run_id).and(runs::fanned_out_at.is_null()));
    diesel::select(exists(untried).or(exists(preparing))).get_result(conn)
}

/// Sets new bounds for the mailing's open run, after its schedule was changed.
pub fn set_bounds(
    conn: &mut PgConnection,
    run_id: i64,
    deadline_at: Option<DateTime<Utc>>,
    retries_end_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(runs::table.find(run_id))
        .set((
            runs::deadline_at.eq(deadline_at),
            runs::retries_end_at.eq(retries_end_at),
        ))
        .execute(conn)?;
    Ok(())
}

/// What every mail of a run is made from.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub struct Snapshot {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// The message as it was when the run began.
pub fn snapshot(conn: &mut PgConnection, run_id: i64) -> QueryResult<Snapshot> {
    runs::table
        .find(run_id)
        .select(Snapshot::as_select())
        .first(conn)
}
