//! Normalizes suppressions, or deletes them if the address is already suppressed. A reader's request takes
//! precedence.

use diesel::prelude::*;

use super::result::NormalizationPass;
use super::rows::{StoredAddress, for_each};
use crate::audience::suppressions::model::SuppressionReason;
use crate::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use crate::core::db::functions::lower;
use crate::core::db::schema::suppressions;
use crate::core::email_address::EmailAddress;

pub(super) fn pass(conn: &mut PgConnection, done: &mut NormalizationPass) -> QueryResult<()> {
    for_each(conn, "suppressions", |conn, row| {
        let Some(email) = EmailAddress::recover(&row.email) else {
            return Ok(());
        };
        rewrite(conn, row, &email)?;
        let emails = [email.to_string()];
        let deliveries = DeliveriesTo::Addresses(&emails);
        withdraw(conn, row.owner_id, deliveries, WithdrawalReason::Suppressed)?;
        done.addresses += 1;
        Ok(())
    })
}

fn rewrite(conn: &mut PgConnection, row: &StoredAddress, email: &EmailAddress) -> QueryResult<()> {
    let unsubscribed = SuppressionReason::Unsubscribed.as_str();
    let own_wish = suppressions::table
        .find(row.id)
        .filter(suppressions::reason.eq(unsubscribed));
    let is_own_wish = diesel::select(diesel::dsl::exists(own_wish)).get_result(conn)?;
    let twins = suppressions::table
        .filter(suppressions::owner_id.eq(row.owner_id))
        .filter(lower(suppressions::email).eq(email.key()))
        .filter(suppressions::id.ne(row.id));
    if is_own_wish {
        let others = twins.clone().filter(suppressions::reason.ne(unsubscribed));
        diesel::delete(others).execute(conn)?;
    }
    if diesel::select(diesel::dsl::exists(twins)).get_result(conn)? {
        diesel::delete(suppressions::table.find(row.id)).execute(conn)?;
    } else {
        diesel::update(suppressions::table.find(row.id))
            .set(suppressions::email.eq(email.as_str()))
            .execute(conn)?;
    }
    Ok(())
}
