//! `/articles/{id}/image`: the picture that an article is shown with.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, put};
use diesel::PgConnection;

use super::audit::audit;
use super::blog::Blog;
use super::model::Article;
use super::store;
use super::view::whole;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::content::images;
use crate::core::picture::fitted;
use crate::web::error::{ApiError, Problem};
use crate::web::etag;
use crate::web::pictures::{MAX_UPLOAD, PictureRenderer, new_name};
use crate::web::upload::{Image, Upload};

/// Show a picture with an article
///
/// For managers. The body is the image: PNG, JPEG or WebP, at most 5 MB and 25 megapixels. It is made to fit into 1600
/// by 1600 pixels, without what a camera wrote into it, and takes the place of the one there was.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)),
    request_body(content((Image = "image/png"), (Image = "image/jpeg"), (Image = "image/webp"))),
    responses((status = 200, description = "The article, with the picture's address", body = Article, headers(("ETag" = String))),
        (status = 422, description = "`unsupported_image` or `too_many_pixels`, field `image`", body = Problem, content_type = "application/problem+json")))]
#[put("/articles/{id}/image")]
pub(super) async fn put_article_image(
    ctx: Ctx,
    blog: Data<Blog>,
    renderer: Data<PictureRenderer>,
    id: Path<i64>,
    Upload(upload): Upload<MAX_UPLOAD>,
) -> Result<HttpResponse, ApiError> {
    let (by, id, now) = (ctx.actor.require_manager()?.user_id, *id, ctx.now());
    let origin = ctx.origin(now);
    // Before a second is spent on rendering.
    if !blog
        .db
        .run(move |conn| store::exists(conn, id).map_err(ApiError::from))
        .await?
    {
        return Err(ApiError::not_found());
    }
    let picture = renderer.render(by, upload, fitted).await?;
    let name = new_name(&picture);
    let work = move |conn: &mut PgConnection| {
        let (current, html) = store::lock(conn, id)?;
        images::store::create(conn, &name, &picture.bytes, now)?;
        let row = store::show(conn, &current, Some(&name), now)?;
        audit(
            conn,
            origin.event(EventKind::ArticleChanged),
            row.id,
            &row.title,
        )?;
        whole(conn, row, html).map_err(ApiError::from)
    };
    let article = blog.change(work).await?;
    Ok(etag::changed(article.summary.updated_at, &article))
}

/// Show an article without a picture
///
/// For managers.
#[utoipa::path(tag = "articles", params(("id" = i64, Path, minimum = 1)), responses((status = 204, description = "There is no picture")))]
#[delete("/articles/{id}/image")]
pub(super) async fn delete_article_image(
    ctx: Ctx,
    blog: Data<Blog>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    ctx.actor.require_manager()?;
    let now = ctx.now();
    let origin = ctx.origin(now);
    let work = move |conn: &mut PgConnection| {
        let (current, _html) = store::lock(conn, *id)?;
        if current.image.is_some() {
            store::show(conn, &current, None, now)?;
            audit(
                conn,
                origin.event(EventKind::ArticleChanged),
                current.id,
                &current.title,
            )?;
        }
        Ok::<_, ApiError>(())
    };
    blog.change(work).await?;
    Ok(HttpResponse::NoContent().finish())
}
