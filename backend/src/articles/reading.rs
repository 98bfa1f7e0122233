//! `/articles`, `/articles.rss`: the blog as everybody reads it; staff is shown drafts, too.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use diesel::PgConnection;

use super::feed;
use super::model::{Article, ArticleQuery, ArticleSummary};
use super::shown::{self, whole};
use super::store;
use super::views::Views;
use crate::auth::reader::Reader;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::error::{ApiError, Problem};
use crate::http::etag::{self, Kind, Stamped};
use crate::http::page::Page;
use crate::http::query::Query;
use crate::http::site::PublicUrl;

/// So many articles are in the feed.
const IN_FEED: i64 = 20;
/// Readers' programs look again after that.
const FEED: Kind = Kind {
    cache_control: "public, max-age=300",
    content_type: "application/rss+xml; charset=utf-8",
};

/// Articles of the blog, the newest first, a page at a time
///
/// Without their text. Everybody reads what is published; managers may ask for drafts.
#[utoipa::path(tag = "articles", params(ArticleQuery), responses(
    (status = 200, description = "A page of articles", body = Page<ArticleSummary>, headers(("ETag" = String))),
    (status = 401, description = "Drafts are shown only to who has signed in", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "Drafts are for managers", body = Problem, content_type = "application/problem+json")))]
#[get("/articles")]
pub(super) async fn list_articles(
    reader: Reader,
    db: Data<Db>,
    clock: Data<Clock>,
    req: HttpRequest,
    Query(query): Query<ArticleQuery>,
) -> Result<HttpResponse, ApiError> {
    let (staff, now) = (reader.is_staff(), clock.now());
    if query.status.is_some() && !staff {
        return Err(reader.refusal());
    }
    let work = move |conn: &mut PgConnection| {
        let (rows, total) = store::list(conn, &query, now)?;
        let articles = if staff {
            shown::for_staff(conn, rows)?
        } else {
            shown::for_readers(rows)
        };
        Ok::<_, ApiError>(query.paging().page((articles, total)))
    };
    let page = Stamped::json(&db.run(work).await?)?;
    Ok(etag::stamped(&req, kind_for(reader), page))
}

/// One article
///
/// By the last part of its address. Opening it counts as a view, unless staff does it. Managers are shown drafts, too, and
/// may also give an id.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "`slug` of the article, or its id for managers", example = "spring-news", min_length = 1)), responses(
    (status = 200, description = "The article", body = Article, headers(("ETag" = String))),
    (status = 401, description = "A good token might show it", body = Problem, content_type = "application/problem+json")))]
#[get("/articles/{id}")]
pub(super) async fn get_article(
    reader: Reader,
    db: Data<Db>,
    clock: Data<Clock>,
    views: Data<Views>,
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
        let article = db.run(find).await?;
        return Ok(etag::changed(article.summary.updated_at, &article));
    }
    let find = move |conn: &mut PgConnection| {
        let (mut row, html) = store::find_public(conn, &named, now)?;
        row.views = 0;
        let id = row.id;
        let summary = shown::for_readers(vec![row]).pop();
        let summary = summary.ok_or_else(ApiError::not_found)?;
        Ok::<_, ApiError>((id, Stamped::json(&Article { summary, html })?))
    };
    let (id, article) = db.run(find).await.map_err(|error| {
        if error.is_not_found() {
            reader.missing()
        } else {
            error
        }
    })?;
    let article = Stamped {
        body: with_views(&article.body, views.count(&db, id).await?),
        ..article
    };
    Ok(etag::stamped(&req, kind_for(reader), article))
}

/// The newest articles as RSS 2.0
#[utoipa::path(tag = "articles", responses(
    (status = 200, description = "The feed", body = String, content_type = "application/rss+xml", headers(("ETag" = String)))))]
#[get("/articles.rss")]
pub(super) async fn get_feed(
    db: Data<Db>,
    clock: Data<Clock>,
    site: Data<PublicUrl>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let newest = db
        .run(move |conn| store::newest(conn, IN_FEED, now).map_err(ApiError::from))
        .await?;
    let feed = feed::of(&shown::for_readers(newest), &site.0);
    Ok(etag::stamped(&req, FEED, Stamped::new(feed)))
}

/// What is answered to somebody who says who they are is nobody else's.
fn kind_for(reader: Reader) -> Kind {
    match reader {
        Reader::Anybody => Kind::PUBLIC,
        Reader::Unknown | Reader::Known(_) => Kind::PRIVATE,
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
