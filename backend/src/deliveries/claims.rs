//! The engine's hot path: lease a chunk, read what is to be sent of it, record results in batches, give it back.
//! Measured (design notes in `engine/mod.rs`): no index on what changes here, arrays instead of rows, one statement.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, SmallInt, Text, Timestamptz};

use super::model::DeliveryStatus;
use crate::mail::verdict::Outcome;

/// A connection for the hot path. Everything there is found by its key, but a run is sent before PostgreSQL has statistics
/// of its new rows: left alone it reads the whole ledger for every batch, which cost twice the time of all the rest.
pub fn connect(database_url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(database_url)?;
    conn.batch_execute(
        "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off",
    )
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// A run that has something to send now.
#[derive(Debug, Clone, QueryableByName)]
pub struct ClaimableRun {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub owner_id: i64,
    #[diesel(sql_type = BigInt)]
    pub mailing_id: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub deadline_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub retries_end_at: DateTime<Utc>,
}

/// The runs with a chunk that is free and has something due at `now`.
pub fn claimable_runs(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ClaimableRun>> {
    diesel::sql_query(
        "SELECT id, owner_id, mailing_id, deadline_at, retries_end_at FROM runs
         WHERE status = 'running' AND (deadline_at IS NULL OR deadline_at > $1)
           AND EXISTS (SELECT FROM chunks WHERE run_id = runs.id AND (pending > 0 OR next_attempt_at <= $1)
                       AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp()))
         ORDER BY owner_id, id",
    )
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// A worker's hold on a chunk until it is given back or expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, QueryableByName)]
pub struct Lease {
    #[diesel(sql_type = BigInt)]
    pub run_id: i64,
    #[diesel(sql_type = Integer)]
    pub chunk_no: i32,
    #[diesel(sql_type = BigInt)]
    pub first_recipient_id: i64,
    #[diesel(sql_type = BigInt)]
    pub last_recipient_id: i64,
    #[diesel(sql_type = BigInt)]
    pub lease_token: i64,
}

/// Who leases a chunk, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The process.
    pub worker: &'a str,
    /// Tells this lease from any other, also of the same process.
    pub token: i64,
    /// By the database's clock.
    pub seconds: f64,
}

/// A delivery to be sent now, as it stood when it was claimed.
#[derive(Debug, Clone, QueryableByName)]
pub struct Claimed {
    #[diesel(sql_type = BigInt)]
    pub recipient_id: i64,
    #[diesel(sql_type = Text)]
    pub email: String,
    #[diesel(sql_type = Text)]
    pub full_name: String,
    #[diesel(sql_type = SmallInt)]
    pub attempts: i16,
}

/// Leases the run's first free chunk with something due, unless the run has stopped meanwhile. Not those in `held`: the
/// holder's own results for them may still be on their way.
pub fn lease(
    conn: &mut PgConnection,
    run_id: i64,
    holder: &Holder<'_>,
    held: &[i32],
    now: DateTime<Utc>,
) -> QueryResult<Option<Lease>> {
    diesel::sql_query(
        "WITH free AS MATERIALIZED (
             SELECT chunk_no FROM chunks
             WHERE run_id = $1 AND (pending > 0 OR next_attempt_at <= $5) AND chunk_no <> ALL($6)
               AND (lease_expires_at IS NULL OR lease_expires_at < clock_timestamp())
               AND EXISTS (SELECT FROM runs WHERE id = $1 AND status = 'running' AND (deadline_at IS NULL OR deadline_at > $5))
             ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED)
         UPDATE chunks SET lease_owner = $2, lease_token = $3, lease_expires_at = clock_timestamp() + make_interval(secs => $4)
         FROM free WHERE chunks.run_id = $1 AND chunks.chunk_no = free.chunk_no
         RETURNING run_id, chunks.chunk_no, first_recipient_id, last_recipient_id, lease_token",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Text, _>(holder.worker)
    .bind::<BigInt, _>(holder.token)
    .bind::<Double, _>(holder.seconds)
    .bind::<Timestamptz, _>(now)
    .bind::<Array<Integer>, _>(held)
    .get_result(conn)
    .optional()
}

/// What is to be sent of a leased chunk, in the order of the recipients.
pub fn claimed(
    conn: &mut PgConnection,
    lease: &Lease,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Claimed>> {
    diesel::sql_query(
        "SELECT recipient_id, email, full_name, attempts FROM deliveries
         WHERE run_id = $1 AND recipient_id BETWEEN $2 AND $3 AND (status = 'pending' OR next_attempt_at <= $4)
         ORDER BY recipient_id",
    )
    .bind::<BigInt, _>(lease.run_id)
    .bind::<BigInt, _>(lease.first_recipient_id)
    .bind::<BigInt, _>(lease.last_recipient_id)
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// Holds on to every chunk of this worker for another `lease_s` seconds.
pub fn renew(
    conn: &mut PgConnection,
    run_ids: &[i64],
    worker: &str,
    lease_s: f64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "UPDATE chunks SET lease_expires_at = clock_timestamp() + make_interval(secs => $3)
         WHERE run_id = ANY($1) AND lease_owner = $2",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .bind::<Text, _>(worker)
    .bind::<Double, _>(lease_s)
    .execute(conn)
}

/// Gives chunks back, each with the moment of its earliest retry; a lease that was lost meanwhile is left alone.
pub fn give_back(conn: &mut PgConnection, leases: &[Lease]) -> QueryResult<usize> {
    let (run_ids, chunk_nos, tokens): (Vec<_>, Vec<_>, Vec<_>) = leases
        .iter()
        .map(|l| (l.run_id, l.chunk_no, l.lease_token))
        .collect();
    diesel::sql_query(
        "UPDATE chunks SET lease_token = NULL, lease_owner = NULL, lease_expires_at = NULL,
             next_attempt_at = CASE WHEN deferred + uncertain > 0 THEN (
                 SELECT min(d.next_attempt_at) FROM deliveries d
                 WHERE d.run_id = chunks.run_id AND d.recipient_id BETWEEN first_recipient_id AND last_recipient_id) END
         FROM unnest($1, $2, $3) AS held (run_id, chunk_no, token)
         WHERE chunks.run_id = held.run_id AND chunks.chunk_no = held.chunk_no AND lease_token = held.token",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .bind::<Array<Integer>, _>(chunk_nos)
    .bind::<Array<BigInt>, _>(tokens)
    .execute(conn)
}

/// What came of one attempt.
#[derive(Debug, Clone)]
pub struct AttemptResult {
    pub run_id: i64,
    pub chunk_no: i32,
    pub recipient_id: i64,
    pub owner_id: i64,
    pub mailing_id: i64,
    pub attempt_no: i16,
    pub at: DateTime<Utc>,
    pub outcome: Outcome,
    pub stage: &'static str,
    pub smtp_code: Option<i16>,
    pub enhanced_code: Option<String>,
    pub response: String,
    pub duration_ms: i32,
    /// Where the delivery stands now.
    pub after: DeliveryStatus,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Records results in one statement: the log, the deliveries and their chunks' counters. Recording a result twice
/// changes nothing: the attempt's number tells that it is known. What a delivery was before is read from its row: a late
/// result may find it closed.
pub fn record(
    conn: &mut PgConnection,
    worker: &str,
    results: &[AttemptResult],
) -> QueryResult<usize> {
    macro_rules! column {
        ($value:expr) => {
            results.iter().map($value).collect::<Vec<_>>()
        };
    }
    diesel::sql_query(RECORD)
        .bind::<Text, _>(worker)
        .bind::<Array<BigInt>, _>(column!(|r| r.run_id))
        .bind::<Array<Integer>, _>(column!(|r| r.chunk_no))
        .bind::<Array<BigInt>, _>(column!(|r| r.recipient_id))
        .bind::<Array<BigInt>, _>(column!(|r| r.owner_id))
        .bind::<Array<BigInt>, _>(column!(|r| r.mailing_id))
        .bind::<Array<SmallInt>, _>(column!(|r| r.attempt_no))
        .bind::<Array<Timestamptz>, _>(column!(|r| r.at))
        .bind::<Array<Text>, _>(column!(|r| r.outcome.as_str()))
        .bind::<Array<Text>, _>(column!(|r| r.stage))
        .bind::<Array<Nullable<SmallInt>>, _>(column!(|r| r.smtp_code))
        .bind::<Array<Nullable<Text>>, _>(column!(|r| r.enhanced_code.as_deref()))
        .bind::<Array<Text>, _>(column!(|r| r.response.as_str()))
        .bind::<Array<Integer>, _>(column!(|r| r.duration_ms))
        .bind::<Array<Text>, _>(column!(|r| r.after.as_str()))
        .bind::<Array<Nullable<Timestamptz>>, _>(column!(|r| r.next_attempt_at))
        .execute(conn)
}

const RECORD: &str = "
    WITH result AS MATERIALIZED (
        SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        AS result (run_id, chunk_no, recipient_id, owner_id, mailing_id, attempt_no, at, outcome, stage, smtp_code,
                   enhanced_code, response, duration_ms, after, next_attempt_at)),
    logged AS (
        INSERT INTO attempts (run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage, smtp_code,
                              enhanced_code, response, duration_ms, worker)
        SELECT run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage, smtp_code,
               enhanced_code, response, duration_ms, $1
        FROM result ON CONFLICT DO NOTHING),
    known AS MATERIALIZED (
        SELECT result.run_id, result.recipient_id, chunk_no, attempt_no, after, result.next_attempt_at, d.status AS before
        FROM result JOIN deliveries d ON d.run_id = result.run_id AND d.recipient_id = result.recipient_id
        WHERE d.attempts < attempt_no FOR UPDATE OF d),
    moved AS (
        UPDATE deliveries d SET status = after, attempts = attempt_no, next_attempt_at = known.next_attempt_at
        FROM known WHERE d.run_id = known.run_id AND d.recipient_id = known.recipient_id
        RETURNING known.run_id, chunk_no, before, after),
    delta AS (
        SELECT run_id, chunk_no, count(*) FILTER (WHERE before = 'pending') AS pending,
               count(*) FILTER (WHERE after = 'deferred') - count(*) FILTER (WHERE before = 'deferred') AS deferred,
               count(*) FILTER (WHERE after = 'uncertain') - count(*) FILTER (WHERE before = 'uncertain') AS uncertain,
               count(*) FILTER (WHERE after = 'accepted') - count(*) FILTER (WHERE before = 'accepted') AS accepted,
               count(*) FILTER (WHERE after = 'rejected') - count(*) FILTER (WHERE before = 'rejected') AS rejected,
               count(*) FILTER (WHERE after = 'expired') - count(*) FILTER (WHERE before = 'expired') AS expired,
               count(*) FILTER (WHERE before = 'skipped') AS skipped
        FROM moved GROUP BY run_id, chunk_no)
    UPDATE chunks SET pending = chunks.pending - delta.pending, deferred = chunks.deferred + delta.deferred,
        uncertain = chunks.uncertain + delta.uncertain, accepted = chunks.accepted + delta.accepted,
        rejected = chunks.rejected + delta.rejected, expired = chunks.expired + delta.expired,
        skipped = chunks.skipped - delta.skipped
    FROM delta WHERE chunks.run_id = delta.run_id AND chunks.chunk_no = delta.chunk_no";
