//! The order of due mailings: the first of every owner, then the second of every owner, and so on.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use crate::core::db::schema::mailings;
use crate::delivery::mailings::model::MailingRow;

/// Maximum number of mailings considered, those waiting longest first.
const MAX_CONSIDERED: i64 = 10_000;

#[derive(QueryableByName)]
struct MailingId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Locks up to this many due mailings that no other process has locked, in the order in which they are to start.
/// Within the same round, owners after the one whose run started last come first: with more owners than fit into a
/// batch, each gets its turn. Paused mailings are skipped until they are resumed or end, after which nothing more is
/// sent anyway.
pub(super) fn lock_some(
    conn: &mut PgConnection,
    limit: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<MailingRow>> {
    let ids: Vec<MailingId> = diesel::sql_query(LOCK)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(MAX_CONSIDERED)
        .bind::<BigInt, _>(limit)
        .load(conn)?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = ids.into_iter().map(|row| row.id).collect();
    let rows: Vec<MailingRow> = mailings::table
        .filter(mailings::id.eq_any(&ids))
        .select(MailingRow::as_select())
        .load(conn)?;
    let mut by_id: HashMap<i64, MailingRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
}

// The conditions on the mailing appear twice: the second time they are evaluated under the lock.
const LOCK: &str = "
    WITH due AS (
        SELECT mailings.id, owner_id, next_run_at FROM mailings JOIN users ON users.id = owner_id
        WHERE next_run_at <= $1 AND (put_off_until IS NULL OR put_off_until <= $1)
          AND ((disabled_at IS NULL AND paused_at IS NULL AND blocked_at IS NULL) OR ends_at <= $1)
        ORDER BY next_run_at, mailings.id LIMIT $2),
    turns AS MATERIALIZED (
        SELECT id, owner_id, row_number() OVER (PARTITION BY owner_id ORDER BY next_run_at, id) AS turn FROM due),
    last AS MATERIALIZED (
        SELECT coalesce((SELECT owner_id FROM runs ORDER BY id DESC LIMIT 1), 0) AS owner_id)
    SELECT mailings.id FROM turns JOIN mailings ON mailings.id = turns.id CROSS JOIN last
    WHERE next_run_at <= $1 AND (put_off_until IS NULL OR put_off_until <= $1)
      AND ((disabled_at IS NULL AND paused_at IS NULL) OR ends_at <= $1)
    ORDER BY turn, turns.owner_id <= last.owner_id, turns.owner_id
    LIMIT $3 FOR UPDATE OF mailings SKIP LOCKED";

/// When the next mailing is due, if before `until`.
pub fn next_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    let next: Option<Option<DateTime<Utc>>> = mailings::table
        .filter(
            mailings::next_run_at
                .gt(now)
                .and(mailings::next_run_at.lt(until)),
        )
        .order(mailings::next_run_at)
        .select(mailings::next_run_at)
        .first(conn)
        .optional()?;
    Ok(next.flatten())
}
