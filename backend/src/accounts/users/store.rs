//! Users in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::model::{Me, UpdateMe};
use crate::core::db::schema::users;
use crate::core::language::Language;

/// The user with this id.
pub fn find(conn: &mut PgConnection, id: i64) -> QueryResult<Me> {
    users::table.find(id).select(Me::as_select()).first(conn)
}

/// The user with this id, locked until the end of the transaction.
pub fn lock(conn: &mut PgConnection, id: i64) -> QueryResult<Me> {
    users::table
        .find(id)
        .select(Me::as_select())
        .for_update()
        .first(conn)
}

/// Serializes changes of a user until the end of the transaction. Rows that refer to the user can still be inserted: a mail
/// that is being composed must not wait for this lock while its holder waits for the mail.
pub fn lock_for_changes(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    users::table
        .find(id)
        .select(users::id)
        .for_no_key_update()
        .first::<i64>(conn)?;
    Ok(())
}

/// The address of the user with this id.
pub fn email_of(conn: &mut PgConnection, id: i64) -> QueryResult<String> {
    users::table.find(id).select(users::email).first(conn)
}

/// Updates a user that the caller has locked.
pub fn update(
    conn: &mut PgConnection,
    id: i64,
    changes: &UpdateMe,
    now: DateTime<Utc>,
) -> QueryResult<Me> {
    use users::{full_name, language, phone, time_zone, updated_at};
    let new_language = changes.language.map(Language::as_str);
    diesel::update(users::table.find(id))
        .set((
            changes.full_name.as_ref().map(|value| full_name.eq(value)),
            new_language.map(|value| language.eq(value)),
            changes.time_zone.as_ref().map(|value| time_zone.eq(value)),
            changes.phone.as_ref().map(|value| phone.eq(value)),
            updated_at.eq(now),
        ))
        .returning(Me::as_returning())
        .get_result(conn)
}

/// Why a user is blocked, and by whom.
pub struct NewBlock<'a> {
    pub by: i64,
    pub reason: &'a str,
}

/// Blocks a user. If the user is already blocked, replaces the reason and its author.
pub fn block(
    conn: &mut PgConnection,
    id: i64,
    block: &NewBlock<'_>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let update = "UPDATE users SET blocked_at = coalesce(blocked_at, $4), blocked_by = $2, block_reason = $3 WHERE id = $1";
    diesel::sql_query(update)
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(block.by)
        .bind::<Text, _>(block.reason)
        .bind::<Timestamptz, _>(now)
        .execute(conn)?;
    Ok(())
}

/// Unblocks a user; `false` if the user is not blocked.
pub fn unblock(conn: &mut PgConnection, id: i64) -> QueryResult<bool> {
    use users::{block_reason, blocked_at, blocked_by};
    let blocked = diesel::update(users::table.find(id))
        .filter(blocked_at.is_not_null())
        .set((
            blocked_at.eq(None::<DateTime<Utc>>),
            blocked_by.eq(None::<i64>),
            block_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(blocked > 0)
}
