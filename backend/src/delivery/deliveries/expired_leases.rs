//! Leases of dead or disconnected workers: expired ones, and those recorded in a journal.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::claims::{Lease, RunTerms};

/// An expired lease with its worker and owner.
#[derive(Debug, Clone, QueryableByName)]
pub struct ExpiredLease {
    #[diesel(embed)]
    pub lease: Lease,
    #[diesel(sql_type = Text)]
    pub lease_owner: String,
    #[diesel(sql_type = BigInt)]
    pub owner_id: i64,
    #[diesel(sql_type = BigInt)]
    pub mailing_id: i64,
    #[diesel(embed)]
    pub terms: RunTerms,
}

const LOST: &str = "
    SELECT run_id, chunk_no, first_recipient_id, last_recipient_id, lease_token, lease_owner, owner_id, mailing_id,
           deadline_at, coalesce(retries_end_at, started_at) AS retries_end_at,
           coalesce((SELECT on_uncertain FROM mailings WHERE id = mailing_id), 'hold') = 'hold' AS holds_uncertain
    FROM chunks JOIN runs ON runs.id = run_id";

/// One expired lease, locked until the transaction ends. The clock is read once, so that the index on the expiry is
/// used.
pub fn lost(conn: &mut PgConnection) -> QueryResult<Option<ExpiredLease>> {
    diesel::sql_query(format!(
        "{LOST} WHERE lease_token IS NOT NULL AND lease_expires_at < (SELECT clock_timestamp())
         ORDER BY lease_expires_at LIMIT 1 FOR UPDATE OF chunks SKIP LOCKED"
    ))
    .get_result(conn)
    .optional()
}

/// This lease, of a worker that is known to be dead, if it has not been written off; locked until the transaction ends.
pub fn left_by(conn: &mut PgConnection, lease: &Lease) -> QueryResult<Option<ExpiredLease>> {
    diesel::sql_query(format!(
        "{LOST} WHERE run_id = $1 AND chunk_no = $2 AND lease_token = $3 FOR UPDATE OF chunks"
    ))
    .bind::<BigInt, _>(lease.run_id)
    .bind::<Integer, _>(lease.chunk_no)
    .bind::<BigInt, _>(lease.lease_token)
    .get_result(conn)
    .optional()
}
