//! Pictures of articles in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::images;

/// Keeps a new picture.
pub fn keep(
    conn: &mut PgConnection,
    (name, image): (&str, &[u8]),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(images::table)
        .values((
            images::name.eq(name),
            images::image.eq(image),
            images::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The picture of this name.
pub fn find(conn: &mut PgConnection, name: &str) -> QueryResult<Vec<u8>> {
    images::table.find(name).select(images::image).first(conn)
}

/// Forgets a picture that nothing shows any more.
pub fn forget(conn: &mut PgConnection, name: &str) -> QueryResult<()> {
    diesel::delete(images::table.find(name)).execute(conn)?;
    Ok(())
}
