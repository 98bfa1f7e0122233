//! Another password, another address. Both make every link worthless that was mailed before.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::links::{self, Purpose};
use crate::accounts::transactional_mails::model::Kind;
use crate::accounts::transactional_mails::store::{queue, queue_to};
use crate::accounts::users::store::hold;
use crate::core::db::functions::lower;
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;

/// Sets the password of whoever was mailed this link, and says whose it is; `None` when the link is not good any more.
/// The link has shown that the address is theirs. Whoever is blocked stays blocked.
pub fn reset_password(
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

/// Sets another password in place of the one that hashes to `known`; `false` when that is not the password any more.
pub fn change_password(
    conn: &mut PgConnection,
    user_id: i64,
    (known, password_hash): (&str, &str),
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    hold(conn, user_id)?;
    if password_hash_of(conn, user_id)? != known {
        return Ok(false);
    }
    set_password(conn, user_id, password_hash, now)?;
    Ok(true)
}

/// What the user's password is checked against.
pub fn password_hash_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<String> {
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
    links::withdraw(conn, user_id)?;
    queue(conn, user_id, Kind::PasswordChanged, now)
}

/// Queues the mail with the link that moves the account to this address; only the last one that was asked for counts.
/// Whoever has the address already is told, and whoever asked learns nothing.
pub fn ask_to_move(
    conn: &mut PgConnection,
    user_id: i64,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    hold(conn, user_id)?;
    links::withdraw(conn, user_id)?;
    let owner: Option<i64> = users::table
        .filter(lower(users::email).eq(email.key()))
        .filter(users::id.ne(user_id))
        .select(users::id)
        .first(conn)
        .optional()?;
    match owner {
        Some(owner) => queue(conn, owner, Kind::AlreadyRegistered, now),
        None => queue_to(conn, user_id, (Kind::ConfirmEmail, email.as_str()), now),
    }
}

/// Moves an account that the caller has locked, tells its owner at the old address, and gives that; `None` when somebody
/// else has the new one by now.
pub fn move_to(
    conn: &mut PgConnection,
    user_id: i64,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    let old: String = users::table
        .find(user_id)
        .select(users::email)
        .first(conn)?;
    let moved = conn.transaction(|conn| {
        diesel::update(users::table.find(user_id))
            .set((users::email.eq(email.as_str()), users::updated_at.eq(now)))
            .execute(conn)
    });
    match moved {
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => return Ok(None),
        other => other?,
    };
    links::withdraw(conn, user_id)?;
    queue_to(conn, user_id, (Kind::EmailChanged, &old), now)?;
    Ok(Some(old))
}
