//! Applies suppressions that follow from refusals to the runs under way, in separate transactions: the transaction that
//! records them finishes a run and must not wait for the locks of the owner's other runs.

use diesel::prelude::*;

use crate::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use crate::core::db::schema::suppressions;

/// Maximum number of addresses in one transaction.
const BATCH: i64 = 1_000;

/// Withdraws the open deliveries to newly suppressed addresses of one owner; returns whether there were any such
/// addresses. Must be called in a transaction, until it returns `false`.
pub fn apply_some(conn: &mut PgConnection) -> QueryResult<bool> {
    let unapplied = || {
        suppressions::table
            .filter(suppressions::applied.eq(false))
            .order(suppressions::id)
    };
    let Some(owner_id) = unapplied()
        .select(suppressions::owner_id)
        .limit(1)
        .for_update()
        .skip_locked()
        .get_result::<i64>(conn)
        .optional()?
    else {
        return Ok(false);
    };
    let (ids, emails): (Vec<i64>, Vec<String>) = unapplied()
        .filter(suppressions::owner_id.eq(owner_id))
        .limit(BATCH)
        .select((suppressions::id, suppressions::email))
        .for_update()
        .skip_locked()
        .load::<(i64, String)>(conn)?
        .into_iter()
        .unzip();
    withdraw(
        conn,
        owner_id,
        DeliveriesTo::Addresses(&emails),
        WithdrawalReason::Suppressed,
    )?;
    diesel::update(suppressions::table.filter(suppressions::id.eq_any(ids)))
        .set(suppressions::applied.eq(true))
        .execute(conn)?;
    Ok(true)
}
