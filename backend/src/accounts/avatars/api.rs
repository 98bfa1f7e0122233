//! `/me/avatar`: the caller's own picture. `/avatars`: the pictures of all users, by name.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, put};
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::{self, Avatar};
use crate::accounts::audit_log::{EventKind, audit};
use crate::accounts::identity::{Anonymous, Ctx, SessionCaller};
use crate::accounts::users;
use crate::accounts::users::model::Me;
use crate::core::picture;
use crate::web::error::{ApiError, Problem};
use crate::web::etag;
use crate::web::pictures::{MAX_UPLOAD, PictureRenderer, immutable_response, known_name, new_name};
use crate::web::upload::{Image, Upload};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(put_avatar)
        .service(delete_avatar)
        .service(get_avatar);
}

/// Set the caller's picture
///
/// The body is the image: PNG, JPEG or WebP, at most 5 MB and 25 megapixels. It is cropped to a square of 256 × 256 pixels;
/// metadata is removed.
#[utoipa::path(tag = "me",
    request_body(content((Image = "image/png"), (Image = "image/jpeg"), (Image = "image/webp"))),
    responses((status = 200, description = "The profile, with the URL of the picture", body = Me, headers(("ETag" = String))),
        (status = 422, description = "`unsupported_image` or `too_many_pixels`, field `image`", body = Problem, content_type = "application/problem+json")))]
#[put("/me/avatar")]
async fn put_avatar(
    ctx: Ctx<SessionCaller>,
    renderer: Data<PictureRenderer>,
    Upload(upload): Upload<MAX_UPLOAD>,
) -> Result<HttpResponse, ApiError> {
    let user_id = ctx.actor.user_id;
    let picture = renderer.render(user_id, upload, picture::squared).await?;
    let now = ctx.now();
    let event = ctx.origin(now).event(EventKind::AvatarChanged);
    let replaced = ctx.transaction(move |conn| {
        let avatar = Avatar {
            name: &new_name(&picture),
            image: &picture.bytes,
        };
        store::replace(conn, user_id, &avatar, now)?;
        audit(conn, &event)?;
        users::store::find(conn, user_id)
    });
    let me = replaced.await?;
    Ok(etag::changed(me.updated_at, &me))
}

/// Remove the caller's picture
#[utoipa::path(tag = "me", responses((status = 204, description = "There is no picture")))]
#[delete("/me/avatar")]
async fn delete_avatar(ctx: Ctx<SessionCaller>) -> Result<HttpResponse, ApiError> {
    let (user_id, now) = (ctx.actor.user_id, ctx.now());
    let event = ctx.origin(now).event(EventKind::AvatarRemoved);
    ctx.transaction(move |conn| {
        if store::remove(conn, user_id, now)? {
            audit(conn, &event)?;
        }
        Ok::<_, ApiError>(())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get the picture of a user
///
/// Public. Names are never reused, so the image can be cached forever.
#[utoipa::path(tag = "avatars", params(("name" = String, Path, example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")),
    responses((status = 200, description = "The image", body = Image, content_type = "image/webp")))]
#[get("/avatars/{name}")]
async fn get_avatar(ctx: Ctx<Anonymous>, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = known_name(name.into_inner())?;
    let wanted = name.clone();
    let image = ctx.run(move |conn| store::find(conn, &wanted)).await?;
    Ok(immutable_response(&name, image))
}
