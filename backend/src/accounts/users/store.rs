//! Users in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::model::{Me, UpdateMe};
use crate::core::db::schema::users;
use crate::core::language::Language;

/// The user of this id.
pub fn find(conn: &mut PgConnection, id: i64) -> QueryResult<Me> {
    users::table.find(id).select(Me::as_select()).first(conn)
}

/// The same, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, id: i64) -> QueryResult<Me> {
    users::table
        .find(id)
        .select(Me::as_select())
        .for_update()
        .first(conn)
}

/// What happens to one user from here on happens one after another, until the transaction ends. A mail that is being
/// written meanwhile names its user, which this allows: it must not wait for us while we wait for it.
pub fn hold(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    users::table
        .find(id)
        .select(users::id)
        .for_no_key_update()
        .first::<i64>(conn)?;
    Ok(())
}

/// Changes a user that the caller has locked.
pub fn update(
    conn: &mut PgConnection,
    id: i64,
    changes: &UpdateMe,
    now: DateTime<Utc>,
) -> QueryResult<Me> {
    use users::{full_name, language, phone, time_zone, updated_at};
    let spoken = changes.language.map(Language::as_str);
    diesel::update(users::table.find(id))
        .set((
            changes.full_name.as_ref().map(|value| full_name.eq(value)),
            spoken.map(|value| language.eq(value)),
            changes.time_zone.as_ref().map(|value| time_zone.eq(value)),
            changes.phone.as_ref().map(|value| phone.eq(value)),
            updated_at.eq(now),
        ))
        .returning(Me::as_returning())
        .get_result(conn)
}

/// Blocks a user. Of one who is blocked already the new reason counts, and who gave it.
pub fn block(
    conn: &mut PgConnection,
    id: i64,
    (by, reason): (i64, &str),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let block = "UPDATE users SET blocked_at = coalesce(blocked_at, $4), blocked_by = $2, block_reason = $3 WHERE id = $1";
    diesel::sql_query(block)
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(by)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now)
        .execute(conn)?;
    Ok(())
}

/// Lets a user in again; `false` when nobody has blocked them.
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
