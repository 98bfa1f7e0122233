//! Prepares small runs, many in one statement: thousands of them may become due in the same second.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Timestamptz};

use super::store::{CHUNK, FanOutStep, READ_IN_ORDER};
use crate::audience::suppressions::condition::is_suppressed;

/// Maximum number of runs prepared in one transaction.
const RUNS: i64 = 100;
/// Maximum number of their recipients in total.
const RECIPIENTS: i64 = 20_000;

#[derive(QueryableByName)]
struct SmallRun {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = BigInt)]
    mailing_id: i64,
    #[diesel(sql_type = BigInt)]
    planned: i64,
}

/// Prepares a batch of small runs that no other process has locked, the oldest first; returns the number of their
/// deliveries, or `None` if there are no such runs. The caller repeats it, each time in its own transaction.
pub fn fan_out_some(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    let mut runs: Vec<SmallRun> = diesel::sql_query(
        "SELECT id, owner_id, mailing_id, planned::bigint AS planned FROM runs
         WHERE status = 'running' AND fanned_out_at IS NULL AND fanned_out_to = 0 AND planned < $1
         ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind::<BigInt, _>(CHUNK)
    .bind::<BigInt, _>(RUNS)
    .load(conn)?;
    let mut recipients = 0;
    runs.retain(|run| {
        recipients += run.planned;
        recipients <= RECIPIENTS
    });
    if runs.is_empty() {
        return Ok(None);
    }
    let column = |of: fn(&SmallRun) -> i64| runs.iter().map(of).collect::<Vec<i64>>();
    conn.batch_execute(READ_IN_ORDER)?;
    let done: FanOutStep = diesel::sql_query(fan_out())
        .bind::<Array<BigInt>, _>(column(|run| run.id))
        .bind::<Array<BigInt>, _>(column(|run| run.mailing_id))
        .bind::<Array<BigInt>, _>(column(|run| run.owner_id))
        .bind::<BigInt, _>(CHUNK)
        .bind::<Timestamptz, _>(now)
        .get_result(conn)?;
    Ok(Some(done.prepared))
}

/// As in `store`, for several runs of one chunk each. A run that turns out to fill its chunk stays open for more.
fn fan_out() -> String {
    let is_suppressed = is_suppressed("run.owner_id", "recipients.email");
    format!(
        "WITH run AS (SELECT * FROM unnest($1, $2, $3) AS run (id, mailing_id, owner_id)),
    prepared AS (
        INSERT INTO deliveries (run_id, recipient_id, email, full_name, status, skip_reason)
        SELECT run.id, recipient_id, email, full_name, CASE WHEN suppressed THEN 'skipped' ELSE 'pending' END,
               CASE WHEN suppressed THEN 'suppressed' END
        FROM run CROSS JOIN LATERAL (
            SELECT recipient_id, email, full_name,
                   {is_suppressed} AS suppressed
            FROM mailing_recipients chosen JOIN recipients ON recipients.id = recipient_id
            WHERE chosen.mailing_id = run.mailing_id
            ORDER BY recipient_id LIMIT $4) AS next
        RETURNING run_id, recipient_id, status),
    cut AS (
        INSERT INTO chunks (run_id, chunk_no, first_recipient_id, last_recipient_id, pending, skipped)
        SELECT run_id, 0, min(recipient_id), max(recipient_id), count(*) FILTER (WHERE status = 'pending'),
               count(*) FILTER (WHERE status = 'skipped')
        FROM prepared GROUP BY run_id),
    size AS (SELECT run.id, count(recipient_id) AS prepared, max(recipient_id) AS last
             FROM run LEFT JOIN prepared ON run_id = run.id GROUP BY run.id),
    done AS (
        UPDATE runs SET fanned_out_to = coalesce(size.last, fanned_out_to),
                        fanned_out_at = CASE WHEN size.prepared < $4 THEN $5 END
        FROM size WHERE runs.id = size.id)
    SELECT coalesce(sum(prepared), 0)::bigint AS prepared FROM size"
    )
}
