//! Pictures of users in the database. The row of the user refers to the current one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::{avatars, users};

/// A picture and its name.
pub(super) struct Avatar<'a> {
    pub name: &'a str,
    pub image: &'a [u8],
}

/// Replaces the picture of a user. Must be called in a transaction.
pub(super) fn replace(
    conn: &mut PgConnection,
    user_id: i64,
    avatar: &Avatar<'_>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    set_current(conn, user_id, Some(avatar.name), now)?;
    diesel::delete(avatars::table.filter(avatars::user_id.eq(user_id))).execute(conn)?;
    diesel::insert_into(avatars::table)
        .values((
            avatars::name.eq(avatar.name),
            avatars::user_id.eq(user_id),
            avatars::image.eq(avatar.image),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes the picture of a user; `false` if there is none. Must be called in a transaction.
pub(super) fn remove(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let removed =
        diesel::delete(avatars::table.filter(avatars::user_id.eq(user_id))).execute(conn)?;
    if removed > 0 {
        set_current(conn, user_id, None, now)?;
    }
    Ok(removed > 0)
}

/// The picture with this name.
pub(super) fn find(conn: &mut PgConnection, name: &str) -> QueryResult<Vec<u8>> {
    avatars::table.find(name).select(avatars::image).first(conn)
}

/// Called first, because the lock on the row of the user serializes changes of the picture.
fn set_current(
    conn: &mut PgConnection,
    user_id: i64,
    name: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set((users::avatar.eq(name), users::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}
