//! Changes of the password and the e-mail address. Both invalidate all links mailed before.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::links::{self, Purpose};
use crate::accounts::transactional_mails::model::MailKind;
use crate::accounts::transactional_mails::store::{queue, queue_to};
use crate::accounts::users::store::{email_of, lock_for_changes};
use crate::core::db::functions::lower;
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;

/// Sets the password of the user to whom this link was mailed and returns the user's id; `None` if the link is invalid. The
/// link also confirms the address. A blocked user remains blocked.
pub(super) fn reset_password(
    conn: &mut PgConnection,
    given: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let Some(link) = links::redeem(conn, given, &[Purpose::Reset], now)? else {
        return Ok(None);
    };
    diesel::update(users::table.find(link.user_id))
        .filter(users::confirmed_at.is_null())
        .set(users::confirmed_at.eq(now))
        .execute(conn)?;
    set_password(conn, link.user_id, password_hash, now)?;
    Ok(Some(link.user_id))
}

/// Replaces the password; `false` if it has been changed concurrently and its hash is no longer `current_hash`.
pub(super) fn change_password(
    conn: &mut PgConnection,
    user_id: i64,
    current_hash: &str,
    new_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    lock_for_changes(conn, user_id)?;
    if password_hash_of(conn, user_id)? != current_hash {
        return Ok(false);
    }
    set_password(conn, user_id, new_hash, now)?;
    Ok(true)
}

/// The hash of the user's password.
pub(super) fn password_hash_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<String> {
    users::table
        .find(user_id)
        .select(users::password_hash)
        .first(conn)
}

fn set_password(
    conn: &mut PgConnection,
    user_id: i64,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set((
            users::password_hash.eq(password_hash),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    links::invalidate(conn, user_id)?;
    queue(conn, user_id, MailKind::PasswordChanged, now)
}

/// Queues the mail with the link that changes the address of the account; earlier links become invalid. If the address is
/// already registered, its owner is notified instead, and the response does not differ.
pub(super) fn request_email_change(
    conn: &mut PgConnection,
    user_id: i64,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    lock_for_changes(conn, user_id)?;
    links::invalidate(conn, user_id)?;
    let owner: Option<i64> = users::table
        .filter(lower(users::email).eq(email.key()))
        .filter(users::id.ne(user_id))
        .select(users::id)
        .first(conn)
        .optional()?;
    match owner {
        Some(owner) => queue(conn, owner, MailKind::AlreadyRegistered, now),
        None => queue_to(conn, user_id, MailKind::ConfirmEmail, email.as_str(), now),
    }
}

/// Changes the address of an account that the caller has locked, notifies its owner at the old address, and returns that;
/// `None` if another account has the new address by now.
pub(super) fn change_email(
    conn: &mut PgConnection,
    user_id: i64,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    let old = email_of(conn, user_id)?;
    let changed = conn.transaction(|conn| {
        diesel::update(users::table.find(user_id))
            .set((users::email.eq(email.as_str()), users::updated_at.eq(now)))
            .execute(conn)
    });
    match changed {
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Ok(None),
        other => other?,
    };
    links::invalidate(conn, user_id)?;
    queue_to(conn, user_id, MailKind::EmailChanged, &old, now)?;
    Ok(Some(old))
}
