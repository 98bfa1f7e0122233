//! Withdraws deliveries from runs under way: those to deleted recipients and to suppressed addresses. The sending side
//! is `delivery/deliveries/withdrawals.rs`.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::core::db::functions::lower;
use crate::core::db::schema::{deliveries, former_addresses, recipients, runs};
use crate::core::email_address::EmailAddress;

/// The deliveries to withdraw, among those of one owner.
#[derive(Debug, Clone, Copy)]
pub enum DeliveriesTo<'a> {
    Recipients(&'a [i64]),
    /// All deliveries to recipients that have one of these addresses now, in any spelling, and all deliveries sent to
    /// one of these addresses, whatever address their recipient has now.
    Addresses(&'a [String]),
}

/// Why deliveries are withdrawn: the skip reason that they get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithdrawalReason {
    RecipientDeleted,
    Suppressed,
}

impl WithdrawalReason {
    /// As stored in `deliveries.skip_reason`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::RecipientDeleted => "recipient_deleted",
            Self::Suppressed => "suppressed",
        }
    }
}

/// Withdraws deliveries from the owner's open runs: unsent ones are skipped; uncertain ones stay uncertain and are not
/// retried. Returns the number of withdrawn deliveries. Idempotent.
///
/// A worker that has already claimed some of them learns of it from the number of withdrawn deliveries of its chunk.
///
/// The runs stay locked until the caller's transaction ends, so that nothing is prepared meanwhile from what the caller
/// changes in it: a step of the preparation either is visible here or sees that change. By the lock order (mailings,
/// runs, deliveries, chunks) the caller may already have locked mailings.
pub fn withdraw(
    conn: &mut PgConnection,
    owner_id: i64,
    deliveries: DeliveriesTo<'_>,
    reason: WithdrawalReason,
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
    let selected = match deliveries {
        DeliveriesTo::Recipients(ids) => Selection {
            recipients: ids.to_vec(),
            ..Selection::default()
        },
        DeliveriesTo::Addresses(emails) => with_addresses(conn, owner_id, &open, emails)?,
    };
    let withdrawn: WithdrawnCount = diesel::sql_query(WITHDRAW)
        .bind::<Array<BigInt>, _>(open)
        .bind::<Array<BigInt>, _>(selected.recipients)
        .bind::<Text, _>(reason.as_str())
        .bind::<Array<BigInt>, _>(selected.runs)
        .bind::<Array<BigInt>, _>(selected.run_recipients)
        .get_result(conn)?;
    Ok(usize::try_from(withdrawn.n).unwrap_or_default())
}

/// All deliveries to some recipients, and single deliveries.
#[derive(Default)]
struct Selection {
    recipients: Vec<i64>,
    /// The runs of the single deliveries …
    runs: Vec<i64>,
    /// … and their recipients, in the same order.
    run_recipients: Vec<i64>,
}

/// The recipients that have one of these addresses, and the deliveries to these addresses that were prepared before the
/// recipient's address was changed.
fn with_addresses(
    conn: &mut PgConnection,
    owner_id: i64,
    open: &[i64],
    emails: &[String],
) -> QueryResult<Selection> {
    let keys: HashSet<String> = emails
        .iter()
        .map(|email| EmailAddress::key_of(email))
        .collect();
    // Current addresses first: one that is changed in between is found among the former ones.
    let current = recipients::table
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
    let (runs, run_recipients) = prepared
        .into_iter()
        .filter(|(.., email)| keys.contains(&EmailAddress::key_of(email)))
        .map(|(run_id, recipient_id, _)| (run_id, recipient_id))
        .unzip();
    Ok(Selection {
        recipients: current,
        runs,
        run_recipients,
    })
}

#[derive(QueryableByName)]
struct WithdrawnCount {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

// Deliveries are locked before chunks, as when results are recorded; chunks in the order in which leases are renewed
// and released. The chunk's next attempt may now be too early for its remaining deliveries: the next claim finds
// nothing to send and corrects it.
const WITHDRAW: &str = "
    WITH selected AS MATERIALIZED (
        SELECT run_id, recipient_id FROM unnest($1) AS run_id CROSS JOIN unnest($2) AS recipient_id
        UNION SELECT run_id, recipient_id FROM unnest($4, $5) AS one (run_id, recipient_id)),
    open AS MATERIALIZED (
        SELECT d.run_id, d.recipient_id, status AS before FROM selected JOIN deliveries d USING (run_id, recipient_id)
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
