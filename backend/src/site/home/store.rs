//! The statistics of the home page.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use super::model::Totals;

#[derive(QueryableByName)]
struct TotalsRow {
    #[diesel(sql_type = BigInt)]
    mailings_total: i64,
    #[diesel(sql_type = BigInt)]
    mailings_active: i64,
    #[diesel(sql_type = BigInt)]
    unique_recipients: i64,
}

/// The current statistics. Requires a separate transaction.
pub fn totals(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Totals> {
    // Left to itself, PostgreSQL compares the addresses on all processors at once, and every other page waits for it.
    diesel::sql_query("SET LOCAL max_parallel_workers_per_gather = 0").execute(conn)?;
    // Grouped, addresses are hashed; `count(DISTINCT …)` would sort them.
    let row: TotalsRow = diesel::sql_query(
        "SELECT (SELECT count(*) FROM mailings) AS mailings_total,
                (SELECT count(*) FROM mailings JOIN users ON users.id = mailings.owner_id
                 WHERE mailings.status = 'running' AND mailings.starts_at <= $1
                   AND (mailings.ends_at IS NULL OR mailings.ends_at > $1)
                   AND mailings.disabled_at IS NULL AND users.blocked_at IS NULL) AS mailings_active,
                (SELECT count(*) FROM (SELECT FROM recipients GROUP BY lower(email)) AS addresses) AS unique_recipients",
    )
    .bind::<Timestamptz, _>(now)
    .get_result(conn)?;
    Ok(Totals {
        mailings_total: row.mailings_total,
        mailings_active: row.mailings_active,
        unique_recipients: row.unique_recipients,
    })
}
