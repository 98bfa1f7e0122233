//! Failed deliveries of a run: grouped by their last attempt, and scheduled for retries in one statement.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz};
use smtp::reply::Stage;

use super::model::{FailedStatus, FailureGroup, RetryDeliveries};
use crate::audience::suppressions::condition::is_suppressed;

/// Groups of failures that are view: more no person reads.
const GROUPS: i64 = 50;

/// A delivery `d` that has failed: nothing more is planned for it, and it was not accepted.
const FAILED: &str = "(d.status IN ('rejected', 'expired') OR (d.status = 'uncertain' AND d.next_attempt_at IS NULL))";

#[derive(QueryableByName)]
struct FailureGroupRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    stage: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    smtp_code: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    enhanced_code: Option<String>,
    #[diesel(sql_type = Text)]
    response: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The run's failed deliveries, grouped by the result of their last attempt; the largest groups first.
pub fn failures(conn: &mut PgConnection, run_id: i64) -> QueryResult<Vec<FailureGroup>> {
    let rows: Vec<FailureGroupRow> = diesel::sql_query(format!(
        "SELECT d.status, stage, smtp_code, enhanced_code, coalesce(min(response), '') AS response, count(*) AS count
         FROM deliveries d LEFT JOIN attempts a
           ON a.run_id = d.run_id AND a.recipient_id = d.recipient_id AND a.attempt_no = d.attempts
         WHERE d.run_id = $1 AND {FAILED}
         GROUP BY d.status, stage, smtp_code, enhanced_code
         ORDER BY count(*) DESC, d.status, stage, smtp_code, enhanced_code LIMIT $2"
    ))
    .bind::<BigInt, _>(run_id)
    .bind::<BigInt, _>(GROUPS)
    .load(conn)?;
    Ok(rows.into_iter().filter_map(FailureGroupRow::view).collect())
}

impl FailureGroupRow {
    fn view(self) -> Option<FailureGroup> {
        Some(FailureGroup {
            status: self.status.parse().ok()?,
            stage: self.stage.and_then(|stage| stage.parse::<Stage>().ok()),
            smtp_code: self.smtp_code,
            enhanced_code: self.enhanced_code,
            response: self.response,
            count: self.count,
        })
    }
}

#[derive(QueryableByName)]
struct DeliveryCount {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Whether each of these recipients has a delivery of the run.
pub fn has_all(conn: &mut PgConnection, run_id: i64, recipient_ids: &[i64]) -> QueryResult<bool> {
    let missing: DeliveryCount = diesel::sql_query(
        "SELECT count(*) AS n FROM unnest($2) AS wanted (recipient_id)
         WHERE NOT EXISTS (SELECT FROM deliveries WHERE run_id = $1 AND recipient_id = wanted.recipient_id)",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<BigInt>, _>(recipient_ids)
    .get_result(conn)?;
    Ok(missing.n == 0)
}

/// Makes the run's failed deliveries that match the filters due at `now`; returns their number. Attempts are numbered
/// consecutively. Recipients deleted or suppressed since are left out. The caller has locked the run.
pub fn retry(
    conn: &mut PgConnection,
    run_id: i64,
    which: &RetryDeliveries,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    // A hundred thousand take a second.
    conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
    let old_is_suppressed = is_suppressed("runs.owner_id", "d.email");
    let new_is_suppressed = is_suppressed("runs.owner_id", "r.email");
    let retried: DeliveryCount = diesel::sql_query(format!(
        // Chunk by chunk, each a range of the key. Deliveries are locked before chunks, as where results are recorded.
        "WITH failed AS MATERIALIZED (
             SELECT chunk_no, d.recipient_id, d.status AS before
             FROM chunks JOIN deliveries d
               ON d.run_id = $1 AND d.recipient_id BETWEEN first_recipient_id AND last_recipient_id
             WHERE chunks.run_id = $1 AND rejected + expired + uncertain > 0 AND {FAILED}
               AND EXISTS (SELECT FROM recipients WHERE id = d.recipient_id)
               AND NOT EXISTS (SELECT FROM runs JOIN recipients r ON r.id = d.recipient_id
                               WHERE runs.id = $1 AND ({old_is_suppressed} OR {new_is_suppressed}))
               AND ($3 IS NULL OR d.recipient_id = ANY($3)) AND ($4 IS NULL OR d.status = $4)
               AND (($5 IS NULL AND $6 IS NULL) OR EXISTS (
                   SELECT FROM attempts a
                   WHERE a.run_id = $1 AND a.recipient_id = d.recipient_id AND a.attempt_no = d.attempts
                     AND ($5 IS NULL OR smtp_code = $5) AND ($6 IS NULL OR enhanced_code = $6)))
             FOR UPDATE OF d),
         planned AS (
             UPDATE deliveries d SET status = 'deferred', next_attempt_at = $2, withdrawn_at = NULL
             FROM failed WHERE d.run_id = $1 AND d.recipient_id = failed.recipient_id
             RETURNING chunk_no, before),
         delta AS (
             SELECT chunk_no, count(*) AS n, count(*) FILTER (WHERE before = 'rejected') AS rejected,
                    count(*) FILTER (WHERE before = 'expired') AS expired,
                    count(*) FILTER (WHERE before = 'uncertain') AS uncertain
             FROM planned GROUP BY chunk_no),
         counted AS (
             UPDATE chunks SET deferred = deferred + delta.n, rejected = chunks.rejected - delta.rejected,
                 expired = chunks.expired - delta.expired, uncertain = chunks.uncertain - delta.uncertain,
                 next_attempt_at = least(next_attempt_at, $2)
             FROM delta WHERE chunks.run_id = $1 AND chunks.chunk_no = delta.chunk_no)
         SELECT count(*) AS n FROM planned"
    ))
    .bind::<BigInt, _>(run_id)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Array<BigInt>>, _>(which.recipient_ids.as_deref())
    .bind::<Nullable<Text>, _>(which.status.map(FailedStatus::as_str))
    .bind::<Nullable<SmallInt>, _>(which.smtp_code)
    .bind::<Nullable<Text>, _>(which.enhanced_code.as_deref())
    .get_result(conn)?;
    Ok(retried.n)
}
