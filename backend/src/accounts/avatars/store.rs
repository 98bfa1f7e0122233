//! Pictures in the database. The user's row names the one that is shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::{avatars, users};

/// Puts a picture in place of the one there was. Within a transaction.
pub(super) fn replace(
    conn: &mut PgConnection,
    user_id: i64,
    (name, image): (&str, &[u8]),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    show(conn, user_id, Some(name), now)?;
    diesel::delete(avatars::table.filter(avatars::user_id.eq(user_id))).execute(conn)?;
    diesel::insert_into(avatars::table)
        .values((
            avatars::name.eq(name),
            avatars::user_id.eq(user_id),
            avatars::image.eq(image),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes a user's picture; `false` when there is none. Within a transaction.
pub(super) fn remove(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let removed =
        diesel::delete(avatars::table.filter(avatars::user_id.eq(user_id))).execute(conn)?;
    if removed > 0 {
        show(conn, user_id, None, now)?;
    }
    Ok(removed > 0)
}

/// The picture of this name.
pub(super) fn find(conn: &mut PgConnection, name: &str) -> QueryResult<Vec<u8>> {
    avatars::table.find(name).select(avatars::image).first(conn)
}

/// The user's row is changed first: whoever else changes the picture waits here.
fn show(
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
