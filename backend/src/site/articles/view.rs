//! Articles as they are shown: to readers, and to staff with who wrote them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::model::{Article, ArticleSummary, Author};
use super::store::ArticleRow;
use crate::content::images::PREFIX;
use crate::core::db::schema::users;

/// These articles as readers are shown them: without who wrote them.
pub fn for_readers(rows: Vec<ArticleRow>) -> Vec<ArticleSummary> {
    rows.into_iter().map(|row| row.view(None)).collect()
}

/// These articles with who wrote them, in one statement.
pub fn for_staff(
    conn: &mut PgConnection,
    rows: Vec<ArticleRow>,
) -> QueryResult<Vec<ArticleSummary>> {
    let ids: Vec<i64> = rows.iter().filter_map(|row| row.author_id).collect();
    let names: Vec<(i64, String)> = users::table
        .filter(users::id.eq_any(ids))
        .select((users::id, users::full_name))
        .load(conn)?;
    let names: HashMap<i64, String> = names.into_iter().collect();
    let author = |row: &ArticleRow| {
        let id = row.author_id?;
        let full_name = names.get(&id)?.clone();
        Some(Author { id, full_name })
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let author = author(&row);
            row.view(author)
        })
        .collect())
}

impl ArticleRow {
    fn view(self, author: Option<Author>) -> ArticleSummary {
        ArticleSummary {
            id: self.id,
            slug: self.slug,
            title: self.title,
            excerpt: self.excerpt.unwrap_or(self.beginning),
            image_url: self.image.map(|name| format!("{PREFIX}{name}")),
            views: self.views,
            is_published: self.is_published,
            published_at: self.published_at,
            author,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// One article as staff sees it.
pub fn whole(conn: &mut PgConnection, row: ArticleRow, html: String) -> QueryResult<Article> {
    let summary = for_staff(conn, vec![row])?.pop();
    let summary = summary.ok_or(diesel::result::Error::NotFound)?;
    Ok(Article { summary, html })
}
