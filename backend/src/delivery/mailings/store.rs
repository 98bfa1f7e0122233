//! Mailings in the database. Functions for requests take the owners whose mailings are visible.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::{CreateMailing, Mailing, MailingRow, UpdateMailing};
use super::query::{MailingQuery, MailingSortKey};
use super::recurrence::Occurrence;
use super::requested::MailingWindow;
use super::status::PostponeReason;
use super::view::views;
use crate::core::db::owned::owned_by;
use crate::core::db::schema::{mailings, messages};
use crate::core::owners::Owners;
use crate::core::paging::{PageWindow, Paging};
use crate::core::search::contains;
use crate::web::list::{Sort, ordered};

/// Whether the message belongs to this owner.
pub fn has_message(conn: &mut PgConnection, owner_id: i64, message_id: i64) -> QueryResult<bool> {
    let found = messages::table.filter(
        messages::id
            .eq(message_id)
            .and(messages::owner_id.eq(owner_id)),
    );
    diesel::select(exists(found)).get_result(conn)
}

type MailingQueryBuilder = diesel::dsl::IntoBoxed<
    'static,
    diesel::dsl::InnerJoin<mailings::table, messages::table>,
    diesel::pg::Pg,
>;

fn matching(owners: Owners, query: &MailingQuery) -> MailingQueryBuilder {
    let mut rows = mailings::table
        .inner_join(messages::table)
        .filter(owned_by(mailings::owner_id, owners))
        .into_boxed();
    if let Some(status) = query.status {
        rows = rows.filter(mailings::status.eq(status.as_str()));
    }
    if let Some(term) = &query.q {
        rows = rows.filter(messages::subject.ilike(contains(term)));
    }
    rows
}

/// A page and the total, in five statements.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &MailingQuery,
    paging: Paging,
) -> QueryResult<(Vec<Mailing>, i64)> {
    let total = matching(owners, query).select(count_star()).first(conn)?;
    let window = paging.window(total);
    let rows = sorted(matching(owners, query), query.sort, window)
        .limit(window.limit)
        .offset(window.offset)
        .select((MailingRow::as_select(), messages::subject))
        .load(conn)?;
    Ok((views(conn, window.in_order(rows))?, total))
}

fn sorted(
    rows: MailingQueryBuilder,
    sort: Sort<MailingSortKey>,
    window: PageWindow,
) -> MailingQueryBuilder {
    use mailings::{created_at, id, next_run_at, starts_at};
    let descending = sort.is_descending(window);
    match sort.key {
        MailingSortKey::CreatedAt => ordered!(rows, descending, created_at, id),
        MailingSortKey::StartsAt => ordered!(rows, descending, starts_at, id),
        MailingSortKey::NextRunAt => match (sort.descending, window.backwards) {
            (false, false) => rows.order((next_run_at.asc().nulls_last(), id.asc())),
            (false, true) => rows.order((next_run_at.desc().nulls_first(), id.desc())),
            (true, false) => rows.order((next_run_at.desc().nulls_last(), id.desc())),
            (true, true) => rows.order((next_run_at.asc().nulls_first(), id.asc())),
        },
    }
}

/// The mailing, if it belongs to these owners.
pub fn find(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<Mailing> {
    let row = mailings::table
        .inner_join(messages::table)
        .filter(mailings::id.eq(id))
        .filter(owned_by(mailings::owner_id, owners))
        .select((MailingRow::as_select(), messages::subject))
        .first(conn)?;
    views(conn, vec![row])?.pop().ok_or(DieselError::NotFound)
}

/// The owner of the mailing, if it is one of these owners.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    mailings::table
        .find(id)
        .filter(owned_by(mailings::owner_id, owners))
        .select(mailings::owner_id)
        .first(conn)
}

/// The row of the owner's mailing, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<MailingRow> {
    mailings::table
        .filter(mailings::id.eq(id).and(mailings::owner_id.eq(owner_id)))
        .select(MailingRow::as_select())
        .for_update()
        .first(conn)
}

/// The row, if the mailing belongs to these owners.
pub fn row(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<MailingRow> {
    mailings::table
        .find(id)
        .filter(owned_by(mailings::owner_id, owners))
        .select(MailingRow::as_select())
        .first(conn)
}

/// A mailing to insert: the request, and the values derived from it.
pub struct NewMailing<'a> {
    pub owner_id: i64,
    /// The instants that the request resolves to.
    pub window: MailingWindow,
    pub request: &'a CreateMailing,
}

/// Inserts a new mailing without recipients, due at its start; returns its id.
pub fn create(
    conn: &mut PgConnection,
    new: &NewMailing<'_>,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let NewMailing {
        owner_id,
        window: MailingWindow { start, end },
        request: new,
    } = *new;
    diesel::insert_into(mailings::table)
        .values((
            mailings::owner_id.eq(owner_id),
            mailings::message_id.eq(new.message_id),
            mailings::starts_at.eq(start.at),
            mailings::starts_at_local.eq(start.local),
            mailings::ends_at.eq(end.map(|end| end.at)),
            mailings::ends_at_local.eq(end.and_then(|end| end.local)),
            mailings::recurrence.eq(new.recurrence.as_str()),
            mailings::time_zone.eq(&new.time_zone),
            mailings::on_uncertain.eq(new.on_uncertain.as_str()),
            mailings::smtp_server_id.eq(new.smtp_server_id),
            mailings::schedule_set_at.eq(now),
            mailings::next_occurrence.eq(0),
            mailings::next_run_at.eq(start.at),
            mailings::created_at.eq(now),
            mailings::updated_at.eq(now),
        ))
        .returning(mailings::id)
        .get_result(conn)
}

/// Updates a mailing that the caller has locked to `becomes`; the next occurrence is set by `set_schedule`.
pub fn update(
    conn: &mut PgConnection,
    becomes: &MailingRow,
    changes: &UpdateMailing,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(mailings::table.find(becomes.id))
        .set((
            changes
                .message_id
                .map(|value| mailings::message_id.eq(value)),
            mailings::starts_at.eq(becomes.starts_at),
            mailings::starts_at_local.eq(becomes.starts_at_local),
            mailings::ends_at.eq(becomes.ends_at),
            mailings::ends_at_local.eq(becomes.ends_at_local),
            mailings::recurrence.eq(becomes.recurrence.as_str()),
            mailings::time_zone.eq(&becomes.time_zone),
            changes
                .on_uncertain
                .map(|value| mailings::on_uncertain.eq(value.as_str())),
            changes
                .smtp_server_id
                .map(|value| mailings::smtp_server_id.eq(value)),
            mailings::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Sets the next occurrence after the schedule was changed at `now`; a completed mailing may become active again.
pub fn set_schedule(
    conn: &mut PgConnection,
    id: i64,
    next: Option<Occurrence>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(mailings::table.find(id))
        .set((
            mailings::schedule_set_at.eq(now),
            // Recomputed in the same transaction; a completed mailing cannot have a next run.
            mailings::status.eq("running"),
            mailings::put_off_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    wait_for(conn, id, next)
}

/// Until when a due mailing is not started, and the reason if its owner should see it.
#[derive(Debug, Clone, Copy)]
pub struct Postponement {
    pub until: DateTime<Utc>,
    pub reason: Option<PostponeReason>,
}

/// Postpones the start of a due mailing.
pub fn postpone(conn: &mut PgConnection, id: i64, postponement: Postponement) -> QueryResult<()> {
    let Postponement { until, reason } = postponement;
    diesel::update(mailings::table.find(id))
        .set((
            mailings::put_off_until.eq(until),
            mailings::put_off_reason.eq(reason.map(PostponeReason::as_str)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Sets the next occurrence.
pub fn wait_for(conn: &mut PgConnection, id: i64, next: Option<Occurrence>) -> QueryResult<()> {
    let (index, at) = next
        .map(|next| (i32::try_from(next.index).unwrap_or(i32::MAX), next.at))
        .unzip();
    diesel::update(mailings::table.find(id))
        .set((
            mailings::next_occurrence.eq(index),
            mailings::next_run_at.eq(at),
            mailings::put_off_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Deletes the mailing; its runs and their log are kept.
pub fn delete(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    diesel::delete(mailings::table.find(id)).execute(conn)?;
    Ok(())
}
