//! Pauses of runs by the engine: the content is rejected, or the mail server defers everything.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use crate::core::db::schema::runs;

/// Pauses a run until this time, or until it is resumed.
pub fn begin(
    conn: &mut PgConnection,
    run_id: i64,
    reason: &str,
    until: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(runs::table.find(run_id).filter(runs::status.eq("running")))
        .set((runs::pause_reason.eq(reason), runs::paused_until.eq(until)))
        .execute(conn)?;
    Ok(())
}

/// Resumes runs whose pause has expired; returns their number. The status is a literal rather than a parameter, so
/// that the partial index on paused runs is used by every plan.
pub fn end_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::sql_query(
        "UPDATE runs SET pause_reason = NULL, paused_until = NULL WHERE status = 'running' AND paused_until <= $1",
    )
    .bind::<Timestamptz, _>(now)
    .execute(conn)
}
