//! View counts of articles in the database.

use diesel::prelude::*;

use crate::core::db::schema::articles;

/// The number of views; `None` if there is no such article.
pub(super) fn views(conn: &mut PgConnection, id: i64) -> QueryResult<Option<i64>> {
    let views = articles::table.find(id).select(articles::views);
    views.first(conn).optional()
}

/// Adds views; returns their number, or `None` if there is no such article.
pub(super) fn add_views(conn: &mut PgConnection, id: i64, more: i64) -> QueryResult<Option<i64>> {
    diesel::update(articles::table.find(id))
        .set(articles::views.eq(articles::views + more))
        .returning(articles::views)
        .get_result(conn)
        .optional()
}
