//! Images of articles in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::images;

/// Stores a new image.
pub fn create(
    conn: &mut PgConnection,
    name: &str,
    image: &[u8],
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

/// The image of this name.
pub fn find(conn: &mut PgConnection, name: &str) -> QueryResult<Vec<u8>> {
    images::table.find(name).select(images::image).first(conn)
}

/// Deletes an image that is no longer shown.
pub fn delete(conn: &mut PgConnection, name: &str) -> QueryResult<()> {
    diesel::delete(images::table.find(name)).execute(conn)?;
    Ok(())
}
