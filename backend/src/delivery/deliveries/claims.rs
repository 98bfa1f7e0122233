//! The engine's hold on a run's deliveries: a chunk is leased, read, kept and given back. Leases are measured by the
//! database's clock, and each has a token of its own: who lost one cannot give it back or keep it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz};
use serde::{Deserialize, Serialize};
use smtp::disposition::Outcome;

use super::model::DeliveryStatus;
use crate::core::db::schema::{attempts, deliveries};
use crate::delivery::smtp_server_health::model::SmtpServerKey;

/// A connection for the hot path. Everything there is found by its key, but a run is sent before PostgreSQL has statistics
/// of its new rows: left alone it reads the whole ledger for every batch, which cost twice the time of all the rest.
pub fn connect(database_url: &str) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(database_url)?;
    conn.batch_execute(
        "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
         SET plan_cache_mode = force_generic_plan; SET jit = off",
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
    /// Number of recipients, including those left out.
    #[diesel(sql_type = Integer)]
    pub planned: i32,
    #[diesel(embed)]
    pub terms: RunTerms,
    #[diesel(embed)]
    pub server_key: SmtpServerKey,
}

/// Until when a run's mails may leave, and what its owner wants done with uncertain ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct RunTerms {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub deadline_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub retries_end_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    pub holds_uncertain: bool,
}

/// Runs that have a free chunk with something due at `now` and are not paused. They are found through the index on
/// free chunks, one lookup per run: runs whose chunks are all leased or wait for a retry cost nothing.
pub fn claimable_runs(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ClaimableRun>> {
    diesel::sql_query(
        "WITH RECURSIVE free (run_id) AS (
             (SELECT run_id FROM chunks WHERE lease_token IS NULL AND pending > 0 ORDER BY run_id LIMIT 1)
             UNION ALL
             SELECT (SELECT chunks.run_id FROM chunks
                     WHERE lease_token IS NULL AND pending > 0 AND chunks.run_id > free.run_id ORDER BY chunks.run_id LIMIT 1)
             FROM free WHERE free.run_id IS NOT NULL),
         due AS (
             SELECT run_id FROM free WHERE run_id IS NOT NULL
             UNION SELECT run_id FROM chunks WHERE lease_token IS NULL AND next_attempt_at <= $1)
         SELECT runs.id, runs.owner_id, mailing_id, planned, deadline_at, retries_end_at,
                on_uncertain = 'hold' AS holds_uncertain, smtp_server_id, smtp_servers.revision AS smtp_server_revision
         FROM due JOIN runs ON runs.id = due.run_id JOIN mailings ON mailings.id = mailing_id
         LEFT JOIN smtp_servers ON smtp_servers.id = smtp_server_id
         WHERE runs.status = 'running' AND (deadline_at IS NULL OR deadline_at > $1)
           AND NOT EXISTS (SELECT FROM run_holds WHERE run_id = runs.id)
         ORDER BY runs.owner_id, runs.id",
    )
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// A run that goes on.
#[derive(Debug, Clone, QueryableByName)]
pub struct ActiveRun {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(embed)]
    pub terms: RunTerms,
    #[diesel(embed)]
    pub server_key: SmtpServerKey,
}

/// Which of these runs are still to be sent, and on what terms.
pub fn going_on(conn: &mut PgConnection, run_ids: &[i64]) -> QueryResult<Vec<ActiveRun>> {
    diesel::sql_query(
        "SELECT runs.id, deadline_at, retries_end_at, on_uncertain = 'hold' AS holds_uncertain,
                smtp_server_id, smtp_servers.revision AS smtp_server_revision
         FROM runs JOIN mailings ON mailings.id = mailing_id LEFT JOIN smtp_servers ON smtp_servers.id = smtp_server_id
         WHERE runs.id = ANY($1) AND runs.status = 'running'
           AND NOT EXISTS (SELECT FROM run_holds WHERE run_id = runs.id)",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .load(conn)
}

/// A worker's hold on a chunk until it is given back or expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, QueryableByName, Serialize, Deserialize)]
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

/// A chunk as it was when it was leased.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Leased {
    #[diesel(embed)]
    pub lease: Lease,
    /// Number of its deliveries that had been withdrawn by then.
    #[diesel(sql_type = Integer)]
    pub withdrawn: i32,
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

/// Leases the run's first free chunk with something due, unless the run has stopped meanwhile. Not those in `held`: the
/// holder's own results for them may still be on their way.
pub fn lease(
    conn: &mut PgConnection,
    run_id: i64,
    holder: &Holder<'_>,
    held: &[i32],
    now: DateTime<Utc>,
) -> QueryResult<Option<Leased>> {
    diesel::sql_query(
        "WITH free AS MATERIALIZED (
             SELECT chunk_no FROM chunks
             WHERE run_id = $1 AND (pending > 0 OR next_attempt_at <= $5) AND chunk_no <> ALL($6)
               AND lease_token IS NULL
               AND EXISTS (SELECT FROM runs WHERE id = $1 AND status = 'running' AND (deadline_at IS NULL OR deadline_at > $5))
             ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED)
         UPDATE chunks SET lease_owner = $2, lease_token = $3, lease_expires_at = clock_timestamp() + make_interval(secs => $4)
         FROM free WHERE chunks.run_id = $1 AND chunks.chunk_no = free.chunk_no
         RETURNING run_id, chunks.chunk_no, first_recipient_id, last_recipient_id, lease_token, withdrawn",
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

/// A delivery to be sent now, as it stood when it was claimed.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub recipient_id: i64,
    pub email: String,
    pub full_name: String,
    pub status: DeliveryStatus,
    pub attempts: i16,
    /// Those of the attempts that it is charged for: not the mail server's troubles.
    pub tries: i16,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DueDelivery {
    recipient_id: i64,
    email: String,
    full_name: String,
    #[diesel(deserialize_as = String)]
    status: DeliveryStatus,
    attempts: i16,
}

/// What is to be sent of a leased chunk, in the order of the recipients.
pub fn claimed(
    conn: &mut PgConnection,
    lease: &Lease,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Claimed>> {
    let in_chunk =
        deliveries::recipient_id.between(lease.first_recipient_id, lease.last_recipient_id);
    let is_due =
        deliveries::status
            .eq(DeliveryStatus::Pending.as_str())
            .or(deliveries::next_attempt_at
                .le(now)
                .is_not_distinct_from(true));
    let rows: Vec<DueDelivery> = deliveries::table
        .filter(deliveries::run_id.eq(lease.run_id).and(in_chunk))
        .filter(is_due)
        .order(deliveries::recipient_id)
        .select(DueDelivery::as_select())
        .load(conn)?;
    let tries = tries(conn, lease.run_id, &rows)?;
    let claimed = rows.into_iter().map(|row| Claimed {
        tries: tries.get(&row.recipient_id).copied().unwrap_or_default(),
        recipient_id: row.recipient_id,
        email: row.email,
        full_name: row.full_name,
        status: row.status,
        attempts: row.attempts,
    });
    Ok(claimed.collect())
}

/// How often those that were tried before are charged with it.
fn tries(
    conn: &mut PgConnection,
    run_id: i64,
    rows: &[DueDelivery],
) -> QueryResult<HashMap<i64, i16>> {
    let retried: Vec<i64> = rows
        .iter()
        .filter(|row| row.attempts > 0)
        .map(|row| row.recipient_id)
        .collect();
    if retried.is_empty() {
        return Ok(HashMap::new());
    }
    let is_charged = attempts::outcome
        .ne(Outcome::Unreachable.as_str())
        .and(attempts::smtp_code.is_distinct_from(421));
    let counts: Vec<(i64, i64)> = attempts::table
        .filter(attempts::run_id.eq(run_id))
        .filter(attempts::recipient_id.eq_any(retried))
        .filter(is_charged)
        .group_by(attempts::recipient_id)
        .select((attempts::recipient_id, count_star()))
        .load(conn)?;
    Ok(counts
        .into_iter()
        .map(|(recipient_id, count)| (recipient_id, i16::try_from(count).unwrap_or(i16::MAX)))
        .collect())
}
