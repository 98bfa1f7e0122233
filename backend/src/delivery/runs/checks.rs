//! Runs that the scheduler has to check. Triggers enqueue a run when one of its chunks is done, when it is prepared
//! or cancelled, and for its end and the end of its retries; so the cost of a pass does not depend on the number of
//! runs under way.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};

use super::finish;
use crate::core::db::schema::run_checks;
use crate::delivery::deliveries::store as deliveries;

/// Maximum number of checks made in one transaction.
const BATCH: i64 = 200;

/// The outcome of a batch of checks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CheckedRuns {
    /// The mailings whose runs are finished, locked until the transaction ends.
    pub finished: Vec<i64>,
    /// More checks may be due.
    pub more: bool,
}

/// Closes runs whose time is over and finishes those that are done, among the runs whose check is due and that no
/// other process has locked. A run that has to be checked again goes to the end of the queue.
pub fn make_some(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<CheckedRuns> {
    let due: Vec<(i64, i64)> = run_checks::table
        .filter(run_checks::due_at.le(now))
        .order((run_checks::due_at, run_checks::id))
        .limit(BATCH)
        .select((run_checks::id, run_checks::run_id))
        .for_update()
        .skip_locked()
        .load(conn)?;
    if due.is_empty() {
        return Ok(CheckedRuns::default());
    }
    let (ids, mut run_ids): (Vec<i64>, Vec<i64>) = due.into_iter().unzip();
    run_ids.sort_unstable();
    run_ids.dedup();
    deliveries::close_leftovers(conn, &run_ids, now)?;
    let finished = finish::finish_done(conn, &run_ids, now)?;
    let taken = ids.len();
    take(conn, &ids, now)?;
    let again = check_again(conn, &run_ids, now)?;
    Ok(CheckedRuns {
        // As long as full batches make progress.
        more: i64::try_from(taken).is_ok_and(|taken| taken == BATCH) && again < taken,
        finished,
    })
}

/// Enqueues again the runs that are over or done but could not be handled because they are locked or their chunks are
/// leased. Returns their number.
fn check_again(conn: &mut PgConnection, run_ids: &[i64], now: DateTime<Utc>) -> QueryResult<usize> {
    let (is_over, nothing_left) = (deliveries::IS_OVER, finish::NOTHING_LEFT);
    diesel::sql_query(format!(
        "INSERT INTO run_checks (run_id, due_at)
         SELECT id, $1 FROM runs WHERE id = ANY($2) AND (({is_over}) OR ({nothing_left}))"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<BigInt>, _>(run_ids)
    .execute(conn)
}

/// Removes the checks that were made, and enqueues the end of runs that go on although their retries have ended. It
/// replaces the check due at the end of retries, so that it is not enqueued again with each of their chunks.
fn take(conn: &mut PgConnection, ids: &[i64], now: DateTime<Utc>) -> QueryResult<()> {
    diesel::sql_query(
        "WITH made AS (DELETE FROM run_checks WHERE id = ANY($1) RETURNING run_id, due_at)
         INSERT INTO run_checks (run_id, due_at)
         SELECT DISTINCT runs.id, deadline_at FROM made JOIN runs ON runs.id = made.run_id AND retries_end_at = made.due_at
         WHERE status = 'running' AND retries_end_at <= $2 AND deadline_at > $2",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    Ok(())
}
