//! `/articles`: managing articles. `reading.rs` serves them, `picture.rs` handles their pictures.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, patch, post};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use utoipa_actix_web::service_config::ServiceConfig;

use super::audit::audit;
use super::blog::Blog;
use super::content::{self, HtmlRejection};
use super::model::{Article, CreateArticle, UpdateArticle};
use super::store::{self, ArticleContent, ArticleRow};
use super::view::whole;
use super::{picture, reading};
use crate::accounts::audit_log::{EventKind, NewEvent};
use crate::accounts::identity::Ctx;
use crate::core::compute::Compute;
use crate::web::body::Valid;
use crate::web::error::ApiError;
use crate::web::etag::{self, Expected};

/// 256 KiB of text, thrice as large where a client escapes every letter that is not ASCII.
const LARGE: usize = 1024 * 1024;

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(reading::list_articles)
        .service(reading::get_feed)
        .service(create_article)
        .service(reading::get_article)
        .service(update_article)
        .service(delete_article)
        .service(publish_article)
        .service(unpublish_article)
        .service(picture::put_article_image)
        .service(picture::delete_article_image);
}

impl From<HtmlRejection> for ApiError {
    fn from(refusal: HtmlRejection) -> Self {
        let code = match refusal {
            HtmlRejection::TooLong => "too_long",
            HtmlRejection::TooComplex => "too_complex",
        };
        Self::invalid_field("html", code, refusal.to_string())
    }
}

/// Create an article
///
/// For managers. It is a draft until it is published.
#[utoipa::path(tag = "articles", request_body = CreateArticle, responses(
    (status = 201, description = "A draft", body = Article, headers(("Location" = String), ("ETag" = String)))))]
#[post("/articles")]
async fn create_article(
    ctx: Ctx,
    blog: Data<Blog>,
    compute: Data<Compute>,
    Valid(new): Valid<CreateArticle, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (by, now) = (ctx.actor.require_manager()?.user_id, ctx.now());
    let origin = ctx.origin(now);
    let (html, beginning) = cleaned(&compute, by, new.html).await?;
    let written = ArticleContent {
        title: new.title,
        excerpt: introduction(new.excerpt, &beginning),
        html,
        beginning,
        published_at: new.published_at,
    };
    let work = move |conn: &mut PgConnection| {
        let row = store::create(conn, by, &written, now)?;
        audit(
            conn,
            origin.event(EventKind::ArticleCreated),
            row.id,
            &row.title,
        )?;
        whole(conn, row, written.html).map_err(ApiError::from)
    };
    let article = blog.change(work).await?;
    let (id, updated_at) = (article.summary.id, article.summary.updated_at);
    Ok(etag::created(
        format!("/api/v1/articles/{id}"),
        updated_at,
        &article,
    ))
}

/// Update an article
///
/// For managers.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)), request_body = UpdateArticle, responses(
    (status = 200, description = "The updated article", body = Article, headers(("ETag" = String)))))]
#[patch("/articles/{id}")]
async fn update_article(
    ctx: Ctx,
    blog: Data<Blog>,
    compute: Data<Compute>,
    id: Path<i64>,
    expected: Expected,
    Valid(mut changes): Valid<UpdateArticle, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (by, now) = (ctx.actor.require_manager()?.user_id, ctx.now());
    let origin = ctx.origin(now);
    let html = match changes.html.take() {
        Some(html) => Some(cleaned(&compute, by, html).await?),
        None => None,
    };
    let work = move |conn: &mut PgConnection| {
        let (current, before) = store::lock(conn, *id)?;
        expected.check(current.updated_at)?;
        let (html, beginning) = html.unwrap_or_else(|| (before, current.beginning.clone()));
        let written = changed(&current, changes, html, beginning)?;
        let row = store::update(conn, &current, &written, now)?;
        audit(
            conn,
            origin.event(EventKind::ArticleChanged),
            row.id,
            &row.title,
        )?;
        whole(conn, row, written.html).map_err(ApiError::from)
    };
    let article = blog.change(work).await?;
    Ok(etag::changed(article.summary.updated_at, &article))
}

/// The article with these changes.
fn changed(
    current: &ArticleRow,
    changes: UpdateArticle,
    html: String,
    beginning: String,
) -> Result<ArticleContent, ApiError> {
    let published_at: Option<DateTime<Utc>> = changes.published_at.unwrap_or(current.published_at);
    if current.is_published && published_at.is_none() {
        return Err(ApiError::invalid_field(
            "published_at",
            "required",
            "A published article has a date; make it a draft first.",
        ));
    }
    let excerpt = match changes.excerpt {
        // An editor returns the excerpt it was shown: one derived from the text was not written by the author.
        Some(Some(given)) if content::one_line(&given) == current.beginning => None,
        Some(given) => given,
        None => current.excerpt.clone(),
    };
    Ok(ArticleContent {
        title: changes.title.unwrap_or_else(|| current.title.clone()),
        excerpt: introduction(excerpt, &beginning),
        html,
        beginning,
        published_at,
    })
}

/// Delete an article
///
/// For managers. Its picture is deleted with it.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Deleted")))]
#[delete("/articles/{id}")]
async fn delete_article(
    ctx: Ctx,
    blog: Data<Blog>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let origin = ctx.origin(ctx.now());
    let work = move |conn: &mut PgConnection| {
        let title = store::delete(conn, *id)?.ok_or_else(ApiError::not_found)?;
        audit(conn, origin.event(EventKind::ArticleDeleted), *id, &title).map_err(ApiError::from)
    };
    blog.change(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Publish an article
///
/// For managers. Readers see it from now on, or from its date; its slug no longer changes. Idempotent.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "Published")))]
#[post("/articles/{id}/publish")]
async fn publish_article(
    ctx: Ctx,
    blog: Data<Blog>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let row = store::publish(conn, *id, now)?;
        audit_publication(conn, *id, row, origin.event(EventKind::ArticlePublished))
    };
    blog.change(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unpublish an article
///
/// For managers. It becomes a draft again; its slug and views are kept.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "A draft")))]
#[post("/articles/{id}/unpublish")]
async fn unpublish_article(
    ctx: Ctx,
    blog: Data<Blog>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let row = store::unpublish(conn, *id, now)?;
        audit_publication(conn, *id, row, origin.event(EventKind::ArticleUnpublished))
    };
    blog.change(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Records that an article was published or unpublished, if it has changed; 404 if it does not exist.
fn audit_publication(
    conn: &mut PgConnection,
    id: i64,
    changed: Option<ArticleRow>,
    event: NewEvent,
) -> Result<(), ApiError> {
    match changed {
        Some(row) => audit(conn, event, row.id, &row.title).map_err(ApiError::from),
        None if store::exists(conn, id)? => Ok(()),
        None => Err(ApiError::not_found()),
    }
}

/// The HTML as it is kept, and how its text begins.
async fn cleaned(compute: &Compute, by: i64, html: String) -> Result<(String, String), ApiError> {
    let work = move || {
        let html = content::clean(&html)?;
        let beginning = content::beginning(&html);
        Ok::<_, HtmlRejection>((html, beginning))
    };
    Ok(compute.run(by, work).await??)
}

/// What the author has written to introduce the article; `None` for what would be shown anyway.
fn introduction(given: Option<String>, beginning: &str) -> Option<String> {
    let line = content::one_line(&given?);
    (!line.is_empty() && line != beginning).then_some(line)
}
