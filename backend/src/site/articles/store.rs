//! Articles in the database. What readers see is published, and its date has come.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz};

use super::model::{ArticleQuery, ArticleStatus};
use super::slug;
use crate::content::images::store as images;
use crate::core::db::schema::articles;
use crate::core::paging::Paging;
use crate::core::search::contains;

/// An article without its text.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = articles)]
pub struct ArticleRow {
    pub id: i64,
    pub slug: String,
    pub title: String,
    pub excerpt: Option<String>,
    pub beginning: String,
    pub image: Option<String>,
    pub views: i64,
    pub is_published: bool,
    pub published_at: Option<DateTime<Utc>>,
    pub first_published_at: Option<DateTime<Utc>>,
    pub author_id: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What an author has written, as it is kept.
#[derive(Debug, AsChangeset, Insertable)]
#[diesel(table_name = articles, treat_none_as_null = true)]
pub struct ArticleContent {
    pub title: String,
    pub html: String,
    /// How the text begins.
    pub beginning: String,
    pub excerpt: Option<String>,
    pub published_at: Option<DateTime<Utc>>,
}

type ArticleQueryBuilder = articles::BoxedQuery<'static, diesel::pg::Pg>;

/// What readers see at this moment.
fn public(now: DateTime<Utc>) -> ArticleQueryBuilder {
    articles::table
        .filter(articles::is_published)
        .filter(articles::published_at.le(now))
        .into_boxed()
}

fn matching(query: &ArticleQuery, now: DateTime<Utc>) -> ArticleQueryBuilder {
    let rows = match query.status {
        None => public(now),
        Some(ArticleStatus::All) => articles::table.into_boxed(),
        Some(status) => articles::table
            .filter(articles::is_published.eq(status == ArticleStatus::Published))
            .into_boxed(),
    };
    match &query.q {
        None => rows,
        Some(term) => {
            let pattern = contains(term);
            let introduction = sql::<Text>("coalesce(excerpt, beginning)");
            rows.filter(
                articles::title
                    .ilike(pattern.clone())
                    .or(introduction.ilike(pattern)),
            )
        }
    }
}

/// One page, the newest first, and the number of all; in two statements whatever the page.
pub fn list(
    conn: &mut PgConnection,
    query: &ArticleQuery,
    paging: Paging,
    now: DateTime<Utc>,
) -> QueryResult<(Vec<ArticleRow>, i64)> {
    let total = matching(query, now).select(count_star()).first(conn)?;
    let window = paging.window(total);
    let date = || sql::<Timestamptz>("coalesce(published_at, created_at)");
    let rows = matching(query, now);
    let rows = if window.backwards {
        rows.order((date().asc(), articles::id.asc()))
    } else {
        rows.order((date().desc(), articles::id.desc()))
    };
    let rows = rows
        .limit(window.limit)
        .offset(window.offset)
        .select(ArticleRow::as_select())
        .load(conn)?;
    Ok((window.in_order(rows), total))
}

/// The newest that readers see.
pub fn newest(
    conn: &mut PgConnection,
    most: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ArticleRow>> {
    public(now)
        .order((articles::published_at.desc(), articles::id.desc()))
        .limit(most)
        .select(ArticleRow::as_select())
        .load(conn)
}

/// Some that readers see, others each time.
pub fn some(
    conn: &mut PgConnection,
    most: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<ArticleRow>> {
    public(now)
        .order(sql::<Bool>("random()"))
        .limit(most)
        .select(ArticleRow::as_select())
        .load(conn)
}

/// The article at this address, if readers see it.
pub fn find_public(
    conn: &mut PgConnection,
    slug: &str,
    now: DateTime<Utc>,
) -> QueryResult<(ArticleRow, String)> {
    public(now)
        .filter(articles::slug.eq(slug.to_owned()))
        .select((ArticleRow::as_select(), articles::html))
        .first(conn)
}

/// The article at this address or of this id, published or not.
pub fn find(conn: &mut PgConnection, named: &str) -> QueryResult<(ArticleRow, String)> {
    let rows = articles::table.select((ArticleRow::as_select(), articles::html));
    match named.parse::<i64>() {
        Ok(id) => rows.filter(articles::id.eq(id)).first(conn),
        Err(_no_id) => rows.filter(articles::slug.eq(named)).first(conn),
    }
}

/// The article and its text, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, id: i64) -> QueryResult<(ArticleRow, String)> {
    articles::table
        .find(id)
        .select((ArticleRow::as_select(), articles::html))
        .for_no_key_update()
        .first(conn)
}

/// Stores a new draft. Within a transaction.
pub fn create(
    conn: &mut PgConnection,
    author_id: i64,
    new: &ArticleContent,
    now: DateTime<Utc>,
) -> QueryResult<ArticleRow> {
    let slug = free_slug(conn, &new.title, None)?;
    diesel::insert_into(articles::table)
        .values((
            new,
            articles::slug.eq(slug),
            articles::author_id.eq(author_id),
            articles::created_at.eq(now),
            articles::updated_at.eq(now),
        ))
        .returning(ArticleRow::as_returning())
        .get_result(conn)
}

/// Changes an article that the caller has locked. Its address follows its title until it has been published.
pub fn update(
    conn: &mut PgConnection,
    current: &ArticleRow,
    changed: &ArticleContent,
    now: DateTime<Utc>,
) -> QueryResult<ArticleRow> {
    let slug = if current.first_published_at.is_none() && current.title != changed.title {
        free_slug(conn, &changed.title, Some(current.id))?
    } else {
        current.slug.clone()
    };
    diesel::update(articles::table.find(current.id))
        .set((
            changed,
            articles::slug.eq(slug),
            articles::updated_at.eq(now),
        ))
        .returning(ArticleRow::as_returning())
        .get_result(conn)
}

/// An address that no other article has: one transaction at a time looks for it.
fn free_slug(conn: &mut PgConnection, title: &str, own_id: Option<i64>) -> QueryResult<String> {
    diesel::sql_query("SELECT pg_advisory_xact_lock('articles'::regclass::bigint)")
        .execute(conn)?;
    let slug = slug::of_title(title);
    let alike = articles::table
        .filter(articles::slug.like(format!("{slug}%")))
        .filter(articles::id.ne(own_id.unwrap_or_default()))
        .select(articles::slug);
    let taken: Vec<String> = alike.load(conn)?;
    let free = (1..).map(|number| slug::numbered(&slug, number));
    Ok(free
        .into_iter()
        .find(|slug| !taken.contains(slug))
        .unwrap_or_default())
}

/// Shows an article to readers; `None` when it is shown already, or there is none.
pub fn publish(
    conn: &mut PgConnection,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<ArticleRow>> {
    let first = sql::<Timestamptz>("coalesce(first_published_at, ")
        .bind::<Timestamptz, _>(now)
        .sql(")");
    let date = sql::<Timestamptz>("coalesce(published_at, ")
        .bind::<Timestamptz, _>(now)
        .sql(")");
    diesel::update(
        articles::table
            .find(id)
            .filter(articles::is_published.eq(false)),
    )
    .set((
        articles::is_published.eq(true),
        articles::published_at.eq(date.nullable()),
        articles::first_published_at.eq(first.nullable()),
        articles::updated_at.eq(now),
    ))
    .returning(ArticleRow::as_returning())
    .get_result(conn)
    .optional()
}

/// Makes it a draft again; `None` when it is one, or there is none.
pub fn unpublish(
    conn: &mut PgConnection,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<ArticleRow>> {
    diesel::update(articles::table.find(id).filter(articles::is_published))
        .set((
            articles::is_published.eq(false),
            articles::updated_at.eq(now),
        ))
        .returning(ArticleRow::as_returning())
        .get_result(conn)
        .optional()
}

/// Whether there is such an article.
pub fn exists(conn: &mut PgConnection, id: i64) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(articles::table.find(id))).get_result(conn)
}

/// Puts this picture, or none, in place of the one the article had. The caller has locked it.
pub fn show(
    conn: &mut PgConnection,
    current: &ArticleRow,
    image: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<ArticleRow> {
    let row = diesel::update(articles::table.find(current.id))
        .set((articles::image.eq(image), articles::updated_at.eq(now)))
        .returning(ArticleRow::as_returning())
        .get_result(conn)?;
    if let Some(before) = &current.image {
        images::delete(conn, before)?;
    }
    Ok(row)
}

/// Deletes an article with its picture; `None` when there is none.
pub fn delete(conn: &mut PgConnection, id: i64) -> QueryResult<Option<String>> {
    let deleted: Option<(String, Option<String>)> = diesel::delete(articles::table.find(id))
        .returning((articles::title, articles::image))
        .get_result(conn)
        .optional()?;
    let Some((title, image)) = deleted else {
        return Ok(None);
    };
    if let Some(image) = image {
        images::delete(conn, &image)?;
    }
    Ok(Some(title))
}
