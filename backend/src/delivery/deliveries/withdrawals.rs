//! Deliveries withdrawn from chunks after they were claimed: their recipients were deleted, suppressed or
//! unsubscribed, or left out of a run under way for another reason (`skips.rs`).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Timestamptz};

use super::claims::Lease;
use super::leases::columns;
use crate::core::db::schema::deliveries;

/// The number of deliveries ever withdrawn from a chunk. It only increases, in the transaction that withdraws.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Withdrawn {
    #[diesel(sql_type = BigInt)]
    pub lease_token: i64,
    #[diesel(sql_type = Integer)]
    pub withdrawn: i32,
}

/// The current numbers of those chunks whose lease is still held.
pub fn numbers(conn: &mut PgConnection, leases: &[Lease]) -> QueryResult<Vec<Withdrawn>> {
    let (run_ids, chunk_nos, tokens) = columns(leases);
    diesel::sql_query(
        "SELECT lease_token, withdrawn FROM unnest($1, $2, $3) AS held (run_id, chunk_no, token)
         JOIN chunks ON chunks.run_id = held.run_id AND chunks.chunk_no = held.chunk_no AND lease_token = held.token",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .bind::<Array<Integer>, _>(chunk_nos)
    .bind::<Array<BigInt>, _>(tokens)
    .load(conn)
}

/// Recipients of the chunk whose deliveries have been withdrawn.
pub fn recipients(conn: &mut PgConnection, lease: &Lease) -> QueryResult<Vec<i64>> {
    let in_chunk =
        deliveries::recipient_id.between(lease.first_recipient_id, lease.last_recipient_id);
    deliveries::table
        .filter(deliveries::run_id.eq(lease.run_id).and(in_chunk))
        .filter(deliveries::withdrawn_at.is_not_null())
        .select(deliveries::recipient_id)
        .load(conn)
}

/// The database's current time, which decides whether a mail or its withdrawal came first.
pub fn database_now(conn: &mut PgConnection) -> QueryResult<DateTime<Utc>> {
    #[derive(QueryableByName)]
    struct DatabaseTime {
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    let now: DatabaseTime =
        diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    Ok(now.now)
}
