//! Applies suppressions that follow from refusals to the runs under way, in transactions of their own: the one that
//! records them finishes a run, and must not wait for the locks of the owner's other runs.

use diesel::prelude::*;

use crate::core::db::schema::suppressions;
use crate::delivery::deliveries::model::SkipReason;
use crate::delivery::deliveries::skips::{Whom, skip};

/// Maximum number of addresses in one transaction.
const BATCH: i64 = 1_000;

/// Skips the open deliveries to addresses of one owner; whether there were any addresses. Must be called in a
/// transaction, until it returns `false`.
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
    skip(
        conn,
        owner_id,
        Whom::Addresses(&emails),
        SkipReason::Suppressed,
    )?;
    diesel::update(suppressions::table.filter(suppressions::id.eq_any(ids)))
        .set(suppressions::applied.eq(true))
        .execute(conn)?;
    Ok(true)
}
