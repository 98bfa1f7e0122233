//! Deletes expired rows in bounded steps.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

/// Maximum number of rows deleted by one statement, so that no lock is held for long.
const MAX_ROWS: i64 = 1000;

/// Runs a `DELETE` with the time as `$1` and the maximum number of rows as `$2`; returns whether more rows may be left.
pub fn delete_some(
    conn: &mut PgConnection,
    statement: &str,
    time: DateTime<Utc>,
) -> QueryResult<bool> {
    let deleted = diesel::sql_query(statement)
        .bind::<Timestamptz, _>(time)
        .bind::<BigInt, _>(MAX_ROWS)
        .execute(conn)?;
    Ok(i64::try_from(deleted) == Ok(MAX_ROWS))
}
