//! Leaving recipients out of the runs under way: those deleted, and addresses that are suppressed.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::model::SkipReason;
use crate::core::db::functions::lower;
use crate::core::db::schema::{deliveries, former_addresses, recipients, runs};
use crate::core::email_address::EmailAddress;

/// Whom to leave out, among one owner's recipients.
#[derive(Debug, Clone, Copy)]
pub enum Whom<'a> {
    Recipients(&'a [i64]),
    /// All recipients who have one of these addresses now, in any spelling, and all deliveries to one of them, whatever
    /// address their recipient has now.
    Addresses(&'a [String]),
}

/// Condition: the owner must not mail this address. Both are SQL expressions.
pub(super) fn is_suppressed(owner_id: &str, email: &str) -> String {
    format!(
        "EXISTS (SELECT FROM suppressions s WHERE s.owner_id = {owner_id} AND lower(s.email) = lower({email}))"
    )
}

/// Takes deliveries out of the owner's open runs: what was not sent yet is skipped, what is uncertain stays so and is not
/// retried. Returns the number of deliveries concerned. Idempotent.
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
    if open.is_empty() {
        return Ok(0);
    }
    let left_out = match whom {
        Whom::Recipients(ids) => LeftOut {
            recipient_ids: ids.to_vec(),
            ..LeftOut::default()
        },
        Whom::Addresses(emails) => having(conn, owner_id, &open, emails)?,
    };
    let skipped: Skipped = diesel::sql_query(SKIP)
        .bind::<Array<BigInt>, _>(open)
        .bind::<Array<BigInt>, _>(left_out.recipient_ids)
        .bind::<Text, _>(reason.as_str())
        .bind::<Array<BigInt>, _>(left_out.run_ids)
        .bind::<Array<BigInt>, _>(left_out.of_runs)
        .get_result(conn)?;
    Ok(usize::try_from(skipped.n).unwrap_or_default())
}

/// Deliveries to leave out: all to some recipients, and single ones.
#[derive(Default)]
struct LeftOut {
    recipient_ids: Vec<i64>,
    /// The runs of the single ones …
    run_ids: Vec<i64>,
    /// … and their recipients, in the same order.
    of_runs: Vec<i64>,
}

/// Whoever has one of these addresses, and the deliveries to them prepared before their recipient's address was changed.
fn having(
    conn: &mut PgConnection,
    owner_id: i64,
    open: &[i64],
    emails: &[String],
) -> QueryResult<LeftOut> {
    let keys: HashSet<String> = emails
        .iter()
        .map(|email| EmailAddress::key_of(email))
        .collect();
    // In this order: an address changed in between is found among the former ones.
    let recipient_ids = recipients::table
        .filter(recipients::owner_id.eq(owner_id))
        .filter(lower(recipients::email).eq_any(&keys))
        .select(recipients::id)
        .load(conn)?;
    let former: Vec<i64> = former_addresses::table
        .filter(former_addresses::owner_id.eq(owner_id))
        .filter(lower(former_addresses::email).eq_any(&keys))
        .select(former_addresses::recipient_id)
        .load(conn)?;
    let prepared: Vec<(i64, i64, String)> = deliveries::table
        .filter(deliveries::run_id.eq_any(open))
        .filter(deliveries::recipient_id.eq_any(former))
        .select((
            deliveries::run_id,
            deliveries::recipient_id,
            deliveries::email,
        ))
        .load(conn)?;
    let (run_ids, of_runs) = prepared
        .into_iter()
        .filter(|(.., email)| keys.contains(&EmailAddress::key_of(email)))
        .map(|(run_id, recipient_id, _)| (run_id, recipient_id))
        .unzip();
    Ok(LeftOut {
        recipient_ids,
        run_ids,
        of_runs,
    })
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
    WITH left_out AS MATERIALIZED (
        SELECT run_id, recipient_id FROM unnest($1) AS run_id CROSS JOIN unnest($2) AS recipient_id
        UNION SELECT run_id, recipient_id FROM unnest($4, $5) AS one (run_id, recipient_id)),
    open AS MATERIALIZED (
        SELECT d.run_id, d.recipient_id, status AS before FROM left_out JOIN deliveries d USING (run_id, recipient_id)
        WHERE status IN ('pending', 'deferred') OR next_attempt_at IS NOT NULL
        ORDER BY d.run_id, d.recipient_id FOR UPDATE OF d),
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
