//! Runs that the engine lets rest: their content is refused, or the mail server puts everything off.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::db::schema::runs;

/// The run rests, `until` then or until somebody resumes it.
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

/// Those that have rested long enough go on; gives their number.
pub fn end_due(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::update(runs::table.filter(runs::status.eq("running").and(runs::paused_until.le(now))))
        .set((
            runs::pause_reason.eq(None::<String>),
            runs::paused_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
}
