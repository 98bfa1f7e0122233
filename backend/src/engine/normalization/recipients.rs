//! Normalizes recipients, or merges them with the one that already has the address.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::merge::{Merged, SameMailbox, merge};
use super::result::NormalizationPass;
use super::rows::{StoredAddress, for_each};
use crate::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use crate::core::db::functions::lower;
use crate::core::db::schema::{recipients, suppressions};
use crate::core::email_address::EmailAddress;

pub(super) fn pass(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    done: &mut NormalizationPass,
) -> QueryResult<()> {
    for_each(conn, "recipients", |conn, row| {
        let Some(email) = EmailAddress::recover(&row.email) else {
            return Ok(());
        };
        let kept = match twin(conn, row, &email)? {
            None => row.id,
            Some(twin) => match merge(
                conn,
                row.owner_id,
                SameMailbox {
                    first: twin,
                    second: row.id,
                },
                now,
            )? {
                Merged::Into(kept) => {
                    done.merged += 1;
                    kept
                }
                Merged::NotYet => return Ok(()),
            },
        };
        if kept == row.id {
            rewrite(conn, kept, &email, now)?;
        }
        skip_if_suppressed(conn, row.owner_id, kept, &email)?;
        done.addresses += 1;
        Ok(())
    })
}

/// The recipient of the same owner that has the normalized address.
fn twin(
    conn: &mut PgConnection,
    row: &StoredAddress,
    email: &EmailAddress,
) -> QueryResult<Option<i64>> {
    recipients::table
        .filter(recipients::owner_id.eq(row.owner_id))
        .filter(lower(recipients::email).eq(email.key()))
        .filter(recipients::id.ne(row.id))
        .select(recipients::id)
        .first(conn)
        .optional()
}

fn rewrite(
    conn: &mut PgConnection,
    id: i64,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(recipients::table.find(id))
        .set((
            recipients::email.eq(email.as_str()),
            recipients::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Skips the open deliveries of a recipient whose normalized address is suppressed.
fn skip_if_suppressed(
    conn: &mut PgConnection,
    owner_id: i64,
    id: i64,
    email: &EmailAddress,
) -> QueryResult<()> {
    let suppressed = suppressions::table
        .filter(suppressions::owner_id.eq(owner_id))
        .filter(lower(suppressions::email).eq(email.key()));
    if diesel::select(exists(suppressed)).get_result(conn)? {
        withdraw(
            conn,
            owner_id,
            DeliveriesTo::Recipients(&[id]),
            WithdrawalReason::Suppressed,
        )?;
    }
    Ok(())
}
