//! Leases of claimed chunks: renewed, released, dropped. All of these require the current lease token.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer};

use super::claims::Lease;

/// Extends the leases of these chunks by `seconds`; returns the tokens of those still held.
pub fn renew(conn: &mut PgConnection, leases: &[Lease], seconds: f64) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct HeldLease {
        #[diesel(sql_type = BigInt)]
        lease_token: i64,
    }
    let (run_ids, chunk_nos, tokens) = columns(leases);
    let kept: Vec<HeldLease> = diesel::sql_query(
        "UPDATE chunks SET lease_expires_at = clock_timestamp() + make_interval(secs => $4)
         FROM unnest($1, $2, $3) AS held (run_id, chunk_no, token)
         WHERE chunks.run_id = held.run_id AND chunks.chunk_no = held.chunk_no AND lease_token = held.token
         RETURNING lease_token",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .bind::<Array<Integer>, _>(chunk_nos)
    .bind::<Array<BigInt>, _>(tokens)
    .bind::<Double, _>(seconds)
    .load(conn)?;
    Ok(kept.into_iter().map(|kept| kept.lease_token).collect())
}

/// Releases chunks, each with the time of its earliest retry; a lease that was lost meanwhile is left alone.
pub fn give_back(conn: &mut PgConnection, leases: &[Lease]) -> QueryResult<usize> {
    let (run_ids, chunk_nos, tokens) = columns(leases);
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

/// Drops leases for which it is unknown whether the claim was committed: nothing was sent under them.
pub fn drop_leases(conn: &mut PgConnection, tokens: &[i64]) -> QueryResult<usize> {
    diesel::sql_query(
        "UPDATE chunks SET lease_token = NULL, lease_owner = NULL, lease_expires_at = NULL
         WHERE lease_token IS NOT NULL AND lease_token = ANY($1)",
    )
    .bind::<Array<BigInt>, _>(tokens)
    .execute(conn)
}

/// In the global lock order of chunks.
pub(super) fn columns(leases: &[Lease]) -> (Vec<i64>, Vec<i32>, Vec<i64>) {
    let mut leases: Vec<&Lease> = leases.iter().collect();
    leases.sort_unstable_by_key(|lease| (lease.run_id, lease.chunk_no));
    leases
        .iter()
        .map(|lease| (lease.run_id, lease.chunk_no, lease.lease_token))
        .collect()
}
