//! When the program contains newer time zone data, the next occurrences of mailings are recomputed: times given in
//! local time keep their local time.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::model::MailingRow;
use super::recurrence::{Occurrence, resolve};
use super::{start, store};
use crate::core::db::schema::{mailings, time_zone_data};
use crate::core::zone;

/// Mailings read per batch.
const PAGE: i64 = 1000;

/// The release with which next occurrences were computed; `None` before the first pass.
pub fn version(conn: &mut PgConnection) -> QueryResult<Option<String>> {
    time_zone_data::table
        .select(time_zone_data::version)
        .first(conn)
        .optional()
}

/// Recomputes the next occurrences if this program's data are newer than those last used. Other processes wait
/// meanwhile; a process with older data changes nothing. Returns the number of changed mailings.
pub fn catch_up(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    let ours = zone::data_version();
    if version(conn)?.is_some_and(|known| known.as_str() >= ours) {
        return Ok(0);
    }
    conn.transaction(|conn| {
        diesel::insert_into(time_zone_data::table)
            .values(time_zone_data::version.eq(""))
            .on_conflict_do_nothing()
            .execute(conn)?;
        let known: String = time_zone_data::table
            .select(time_zone_data::version)
            .for_update()
            .first(conn)?;
        if known.as_str() >= ours {
            return Ok(0);
        }
        let changed = recompute_all(conn, now)?;
        diesel::update(time_zone_data::table)
            .set(time_zone_data::version.eq(ours))
            .execute(conn)?;
        tracing::info!(from = known, to = ours, changed, "time-zone data updated");
        Ok(changed)
    })
}

fn recompute_all(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    let (mut last, mut changed) = (0, 0);
    loop {
        let page: Vec<MailingRow> = mailings::table
            .filter(mailings::next_occurrence.is_not_null())
            .filter(mailings::id.gt(last))
            .order(mailings::id)
            .limit(PAGE)
            .select(MailingRow::as_select())
            .load(conn)?;
        let Some(end) = page.last() else {
            return Ok(changed);
        };
        last = end.id;
        for row in page {
            if Computed::of(&row) != Computed::stored(&row) {
                recompute(conn, row.id, now)?;
                changed += 1;
            }
        }
    }
}

/// Recomputes one mailing, under its lock.
fn recompute(conn: &mut PgConnection, id: i64, now: DateTime<Utc>) -> QueryResult<()> {
    let row: Option<MailingRow> = mailings::table
        .find(id)
        .filter(mailings::next_occurrence.is_not_null())
        .select(MailingRow::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    let Some(mut row) = row else { return Ok(()) };
    let computed = Computed::of(&row);
    (row.starts_at, row.ends_at) = (computed.starts_at, computed.ends_at);
    diesel::update(mailings::table.find(id))
        .set((
            mailings::starts_at.eq(computed.starts_at),
            mailings::ends_at.eq(computed.ends_at),
            // Corrected below; the status "completed" forbids a next run.
            mailings::status.eq("running"),
            mailings::updated_at.eq(now),
        ))
        .execute(conn)?;
    store::wait_for(conn, id, next_of(&row))?;
    start::update_bounds(conn, &row)?;
    start::refresh_state(conn, id)
}

/// The instants of a mailing that are derived from local times.
#[expect(clippy::struct_field_names, reason = "column names")]
#[derive(Debug, PartialEq, Eq)]
struct Computed {
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    next_run_at: Option<DateTime<Utc>>,
}

impl Computed {
    fn stored(row: &MailingRow) -> Self {
        Self {
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            next_run_at: row.next_run_at,
        }
    }

    fn of(row: &MailingRow) -> Self {
        let moment = |local: Option<NaiveDateTime>| Some(resolve(row.zone(), local?)?.0);
        let starts_at = moment(row.starts_at_local).unwrap_or(row.starts_at);
        let ends_at = moment(row.ends_at_local).or(row.ends_at);
        // A window that the new data would invalidate is left unchanged.
        let (starts_at, ends_at) = match ends_at {
            Some(end) if end <= starts_at => (row.starts_at, row.ends_at),
            _ => (starts_at, ends_at),
        };
        let computed = MailingRow {
            starts_at,
            ends_at,
            ..row.clone()
        };
        Self {
            starts_at,
            ends_at,
            next_run_at: next_of(&computed).map(|next| next.at),
        }
    }
}

fn next_of(row: &MailingRow) -> Option<Occurrence> {
    let index = row
        .next_occurrence
        .and_then(|index| u32::try_from(index).ok())?;
    row.schedule().at_index_or_next(index)
}
