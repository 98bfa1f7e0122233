//! Runs that the scheduler has to look at. Triggers note a run when a chunk of it has nothing left to do, when it is prepared
//! or cancelled, and for its end and the end of its retries; so a pass costs what there is to do, however many runs are
//! under way.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};

use super::finish;
use crate::db::schema::run_checks;
use crate::deliveries::store as deliveries;

/// Checks made in one transaction.
const BATCH: i64 = 200;

/// What came of a batch of checks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The mailings whose runs are finished, locked until the transaction ends.
    pub finished: Vec<i64>,
    /// There may be more that is due.
    pub more: bool,
}

/// Closes what is over and finishes what is done, of the runs whose check is due and in no other process's hands. A run
/// that has to be looked at again goes to the end of the queue.
pub fn make_some(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Checked> {
    let due: Vec<(i64, i64)> = run_checks::table
        .filter(run_checks::due_at.le(now))
        .order((run_checks::due_at, run_checks::id))
        .limit(BATCH)
        .select((run_checks::id, run_checks::run_id))
        .for_update()
        .skip_locked()
        .load(conn)?;
    if due.is_empty() {
        return Ok(Checked::default());
    }
    let (ids, mut run_ids): (Vec<i64>, Vec<i64>) = due.into_iter().unzip();
    run_ids.sort_unstable();
    run_ids.dedup();
    deliveries::close_leftovers(conn, &run_ids, now)?;
    let finished = finish::finish_done(conn, &run_ids, now)?;
    let taken = ids.len();
    take(conn, &ids, now)?;
    let again = check_again(conn, &run_ids, now)?;
    Ok(Checked {
        // As long as a full batch brings something on.
        more: i64::try_from(taken).is_ok_and(|taken| taken == BATCH) && again < taken,
        finished,
    })
}

/// Notes again those that are over or done and could not be dealt with: somebody is changing them, or sending what is left
/// of them. Returns their number.
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

/// Takes the checks that were made out, and notes the end of the runs that go on though their retries have ended: instead of
/// the check that was noted for that moment, so that none is noted again with each of its chunks.
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
