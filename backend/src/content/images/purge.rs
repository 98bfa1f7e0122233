//! Deletes images that no article shows.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

/// Images are checked between their 7th and 14th day only, because each check searches all articles.
const IMAGES: &str = "
    DELETE FROM images WHERE name IN (
        SELECT name FROM images
        WHERE created_at < $1 - interval '7 days' AND created_at > $1 - interval '14 days' AND NOT EXISTS (
            SELECT FROM articles WHERE articles.image = images.name OR strpos(articles.html, images.name) > 0)
        LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, IMAGES, now)
}
