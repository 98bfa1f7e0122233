//! Leaving recipients out of the runs under way: those deleted, and addresses that want no more mail.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::model::SkipReason;
use crate::db::functions::lower;
use crate::db::schema::{recipients, runs};
use crate::email_address::EmailAddress;

/// Whom to leave out, among one owner's recipients.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    Recipients(&'a [i64]),
    /// All recipients who have this address now, in any spelling.
    Address(&'a str),
}

/// Nobody of these gets another mail of the owner's open runs: what was not sent yet is skipped, what is uncertain stays
/// so and is not tried again. Gives the number of deliveries concerned; doing it twice changes nothing.
///
/// Deliveries already claimed by a worker are withdrawn: it watches the number of withdrawn deliveries of its chunks
/// (`withdrawals.rs`).
///
/// The runs stay locked until the caller's transaction ends, so that nothing is prepared meanwhile from what the caller
/// changes in it: a step of the preparation is either seen here, or sees that change. In the order of all locks
/// (mailings, runs, deliveries, chunks) the caller may have locked mailings before.
pub fn skip(
    conn: &mut PgConnection,
    owner_id: i64,
    whom: Whom<'_>,
    reason: SkipReason,
) -> QueryResult<usize> {
    let open: Vec<i64> = runs::table
        .filter(runs::owner_id.eq(owner_id).and(runs::status.eq("running")))
        .order(runs::id)
        .select(runs::id)
        .for_no_key_update()
        .load(conn)?;
    let recipient_ids = match whom {
        Whom::Recipients(ids) => ids.to_vec(),
        Whom::Address(email) => recipients::table
            .filter(recipients::owner_id.eq(owner_id))
            .filter(lower(recipients::email).eq(EmailAddress::key_of(email)))
            .select(recipients::id)
            .load(conn)?,
    };
    if open.is_empty() || recipient_ids.is_empty() {
        return Ok(0);
    }
    let skipped: Skipped = diesel::sql_query(SKIP)
        .bind::<Array<BigInt>, _>(open)
        .bind::<Array<BigInt>, _>(recipient_ids)
        .bind::<Text, _>(reason.as_str())
        .get_result(conn)?;
    Ok(usize::try_from(skipped.n).unwrap_or_default())
}

#[derive(QueryableByName)]
struct Skipped {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

// Deliveries are locked before chunks, as when results are recorded; chunks in the order in which leases are renewed
// and released. The next attempt of a chunk may now be too early while its other deliveries wait: the next claim
// finds nothing and corrects it.
const SKIP: &str = "
    WITH open AS MATERIALIZED (
        SELECT run_id, recipient_id, status AS before FROM deliveries
        WHERE run_id = ANY($1) AND recipient_id = ANY($2)
          AND (status IN ('pending', 'deferred') OR next_attempt_at IS NOT NULL)
        ORDER BY run_id, recipient_id FOR UPDATE),
    closed AS (
        UPDATE deliveries d SET next_attempt_at = NULL, withdrawn_at = clock_timestamp(),
            status = CASE WHEN before IN ('pending', 'deferred') THEN 'skipped' ELSE before END,
            skip_reason = CASE WHEN before IN ('pending', 'deferred') THEN $3 END
        FROM open WHERE d.run_id = open.run_id AND d.recipient_id = open.recipient_id
        RETURNING d.run_id, d.recipient_id, before),
    delta AS (
        SELECT run_id, chunk_no, count(*) AS withdrawn, count(*) FILTER (WHERE before = 'pending') AS pending,
               count(*) FILTER (WHERE before = 'deferred') AS deferred
        FROM closed JOIN chunks USING (run_id)
        WHERE recipient_id BETWEEN first_recipient_id AND last_recipient_id
        GROUP BY run_id, chunk_no),
    held AS MATERIALIZED (
        SELECT chunks.run_id, chunks.chunk_no FROM chunks JOIN delta USING (run_id, chunk_no)
        ORDER BY chunks.run_id, chunks.chunk_no FOR UPDATE OF chunks),
    counted AS (
        UPDATE chunks SET pending = chunks.pending - delta.pending, deferred = chunks.deferred - delta.deferred,
            skipped = chunks.skipped + delta.pending + delta.deferred, withdrawn = chunks.withdrawn + delta.withdrawn,
            next_attempt_at = CASE WHEN chunks.deferred - delta.deferred + uncertain > 0 THEN next_attempt_at END
        FROM held JOIN delta USING (run_id, chunk_no) WHERE chunks.run_id = held.run_id AND chunks.chunk_no = held.chunk_no)
    SELECT count(*) AS n FROM closed";
