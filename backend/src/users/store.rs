//! Users in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::{Language, Me, UpdateMe};
use crate::db::schema::users;

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
