//! `/articles`, `/articles.rss`: the public blog; managers also see drafts.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::PgConnection;

use super::blog::Blog;
use super::feed;
use super::model::{Article, ArticleQuery, ArticleSummary};
use super::store::{self, ArticleRow};
use super::view::{self, whole};
use crate::accounts::identity::Visitor;
use crate::core::cache::TaggedBody;
use crate::core::cache::{CacheKey, CacheTag};
use crate::core::clock::Clock;
use crate::web::cached::{Cacheable, cached};
use crate::web::error::{ApiError, Problem};
use crate::web::etag::{self, Representation};
use crate::web::head::is_head;
use crate::web::list::{ListQuery, PageQuery};
use crate::web::page::Page;
use crate::web::site::PublicUrl;

/// Number of articles in the feed.
const FEED_LENGTH: i64 = 20;
/// Number of pages that are cached; later pages and searches are rarely requested.
const FIRST_PAGES: u32 = 5;
/// How long lists are cached: their numbers of views may be slightly outdated.
const LIST_TTL: Duration = Duration::from_secs(10);
/// How long articles are cached; changes invalidate them.
const ARTICLE_TTL: Duration = Duration::from_secs(30);
/// Readers' programs look again after that.
const FEED: Representation = Representation {
    cache_control: "public, max-age=300",
    content_type: "application/rss+xml; charset=utf-8",
};

/// List articles
///
/// Newest first.
///
/// Without their text. Published articles are public; managers may also list drafts.
#[utoipa::path(tag = "articles", params(PageQuery, ArticleQuery), responses(
    (status = 200, description = "A page of articles", body = Page<ArticleSummary>, headers(("ETag" = String))),
    (status = 401, description = "Drafts require authentication", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "Drafts are for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/articles")]
pub(super) async fn list_articles(
    reader: Visitor,
    blog: Data<Blog>,
    clock: Data<Clock>,
    req: HttpRequest,
    list: ListQuery<ArticleQuery>,
) -> Result<HttpResponse, ApiError> {
    let (staff, now) = (reader.is_staff(), clock.now());
    let ListQuery { paging, filters } = list;
    if filters.status.is_some() && !staff {
        return Err(reader.refusal());
    }
    let often = !staff && filters.q.is_none() && paging.page <= FIRST_PAGES;
    let name = format!("list {} {}", paging.page, paging.per_page);
    let work = move |conn: &mut PgConnection| {
        let (rows, total) = store::list(conn, &filters, paging, now)?;
        let articles = if staff {
            view::for_staff(conn, rows)?
        } else {
            view::for_readers(rows)
        };
        Ok::<_, ApiError>(paging.page(articles, total))
    };
    let kind = kind_for(reader);
    let make =
        Box::pin(async { TaggedBody::json(&blog.db.run(work).await?).map_err(ApiError::internal) });
    if often {
        let wanted = kept(name, LIST_TTL);
        return cached(
            &req,
            &blog.cache,
            Cacheable {
                key: wanted,
                representation: kind,
            },
            make,
        )
        .await;
    }
    Ok(etag::tagged(&req, kind, make.await?))
}

/// Get an article
///
/// By its slug. Counts as a view, except for managers, who can also get drafts, and use the id.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "`slug` of the article, or its id for managers", example = "spring-news", min_length = 1)), responses(
    (status = 200, description = "The article", body = Article, headers(("ETag" = String))),
    (status = 401, description = "The token is invalid; the article may require authentication", body = Problem, content_type = "application/problem+json")))]
#[get("/articles/{id}")]
pub(super) async fn get_article(
    reader: Visitor,
    blog: Data<Blog>,
    clock: Data<Clock>,
    req: HttpRequest,
    named: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (named, now) = (named.into_inner(), clock.now());
    if named.chars().any(char::is_control) {
        return Err(reader.missing());
    }
    if reader.is_staff() {
        let find = move |conn: &mut PgConnection| {
            let (row, html) = store::find(conn, &named)?;
            whole(conn, row, html).map_err(ApiError::from)
        };
        let article = blog.db.run(find).await?;
        return Ok(etag::changed(article.summary.updated_at, &article));
    }
    if !may_be_a_slug(&named) {
        return Err(reader.missing());
    }
    let wanted = kept(format!("article {named}"), ARTICLE_TTL);
    let find = move |conn: &mut PgConnection| {
        let (row, html) = store::find_public(conn, &named, now)?;
        with_id(row, html)
    };
    let article = blog.cache.get(&wanted, Box::pin(blog.db.run(find))).await;
    let article = article.map_err(|error| {
        if error.is_not_found() {
            reader.missing()
        } else {
            error
        }
    })?;
    let (id, body) = without_id(&article.body).ok_or_else(|| ApiError::internal("no id"))?;
    // A HEAD request does not count as a view.
    let views = if is_head(&req) {
        blog.views.foresee(&blog.db, id).await?
    } else {
        blog.views.count(&blog.db, id).await?
    };
    let article = TaggedBody {
        body: with_views(body, views),
        tag: article.tag,
    };
    Ok(etag::tagged(&req, kind_for(reader), article))
}

/// Get the newest articles as RSS 2.0
#[utoipa::path(tag = "articles", responses(
    (status = 200, description = "The feed", body = String, content_type = "application/rss+xml", headers(("ETag" = String)))))]
#[get("/articles.rss")]
pub(super) async fn get_feed(
    blog: Data<Blog>,
    clock: Data<Clock>,
    site: Data<PublicUrl>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        let newest = view::for_readers(store::newest(conn, FEED_LENGTH, now)?);
        Ok::<_, ApiError>(TaggedBody::new(feed::of(&newest, &site.0)))
    };
    let wanted = kept("feed".to_owned(), ARTICLE_TTL);
    let make = Box::pin(blog.db.run(work));
    cached(
        &req,
        &blog.cache,
        Cacheable {
            key: wanted,
            representation: FEED,
        },
        make,
    )
    .await
}

fn kept(name: String, age: Duration) -> CacheKey {
    CacheKey {
        tag: CacheTag::Articles,
        name,
        age,
    }
}

/// Other names are not looked up in the database.
fn may_be_a_slug(named: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    named.len() <= 100 && named.bytes().all(known)
}

/// What is kept of an article: its id for counting, and on the next line what readers are told, before any view.
fn with_id(mut row: ArticleRow, html: String) -> Result<TaggedBody, ApiError> {
    row.views = 0;
    let mut body = format!("{}\n", row.id).into_bytes();
    let summary = view::for_readers(vec![row]).pop();
    let summary = summary.ok_or_else(ApiError::not_found)?;
    serde_json::to_writer(&mut body, &Article { summary, html }).map_err(ApiError::internal)?;
    Ok(TaggedBody::new(body))
}

fn without_id(kept: &[u8]) -> Option<(i64, &[u8])> {
    let (id, body) = kept.split_at_checked(memchr::memchr(b'\n', kept)?)?;
    let id = std::str::from_utf8(id).ok()?.parse().ok()?;
    Some((id, body.get(1..)?))
}

/// Responses to authenticated requests are private.
fn kind_for(reader: Visitor) -> Representation {
    match reader {
        Visitor::Anonymous => Representation::PUBLIC,
        Visitor::InvalidToken | Visitor::SignedIn(_) => Representation::PRIVATE,
    }
}

/// The article with the number of its views in place of none. Within a JSON string, quotes have a backslash before them:
/// the first such name is the field's.
fn with_views(article: &[u8], views: i64) -> Bytes {
    const NONE: &[u8] = br#""views":0,"#;
    let Some(place) = memchr::memmem::find(article, NONE) else {
        return Bytes::copy_from_slice(article);
    };
    let (before, after) = article.split_at(place);
    let after = after.get(NONE.len()..).unwrap_or_default();
    let views = format!("\"views\":{views},");
    [before, views.as_bytes(), after].concat().into()
}
