//! Normalizes users unless another account has the mailbox. Such accounts are left for an administrator to resolve:
//! neither is deleted, and only the one with the normalized address can sign in.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::result::NormalizationPass;
use super::rows::{MAY_BE_OUT_OF_FORM, StoredAddress, one_at_a_time, unhurried};
use crate::core::db::functions::lower;
use crate::core::db::schema::{account_mails, users};
use crate::core::email_address::EmailAddress;

pub(super) fn pass(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    done: &mut NormalizationPass,
) -> QueryResult<()> {
    // Of several accounts with one mailbox, the confirmed one keeps it.
    let rows: Vec<StoredAddress> = unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "SELECT id, id AS owner_id, email FROM users WHERE {MAY_BE_OUT_OF_FORM} ORDER BY confirmed_at IS NULL, id"
        ))
        .load(conn)
    })?;
    for row in rows.into_iter().filter(StoredAddress::is_out_of_form) {
        let Some(email) = EmailAddress::recover(&row.email) else {
            continue;
        };
        let rewritten = conn.transaction(|conn| rewrite(conn, &row, &email, now))?;
        done.addresses += usize::from(rewritten);
    }
    Ok(())
}

fn rewrite(
    conn: &mut PgConnection,
    row: &StoredAddress,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    one_at_a_time(conn)?;
    let other = users::table
        .filter(lower(users::email).eq(email.key()))
        .filter(users::id.ne(row.id));
    if diesel::select(exists(other)).get_result(conn)? {
        return Ok(false);
    }
    diesel::update(users::table.find(row.id))
        .set((users::email.eq(email.as_str()), users::updated_at.eq(now)))
        .execute(conn)?;
    // Pending mails are sent to the user's current address; links mailed to the old one are invalid.
    let waiting = account_mails::table
        .filter(account_mails::user_id.eq(row.id))
        .filter(account_mails::to_email.eq(&row.email))
        .filter(account_mails::next_attempt_at.is_not_null());
    diesel::update(waiting)
        .set(account_mails::to_email.eq(email.as_str()))
        .execute(conn)?;
    Ok(true)
}
