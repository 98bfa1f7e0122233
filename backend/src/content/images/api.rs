//! `/images`: images in articles, uploaded by managers and public.

use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use diesel::PgConnection;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{PREFIX, store};
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::identity::Ctx;
use crate::core::db::Db;
use crate::core::picture;
use crate::web::error::{ApiError, Problem};
use crate::web::pictures::{MAX_UPLOAD, PictureRenderer, immutable_response, known_name, new_name};
use crate::web::upload::{Image, Upload};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_image).service(get_image);
}

/// An image that articles can contain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Picture)]
pub struct StoredImage {
    #[schema(example = "/api/v1/images/q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")]
    pub url: String,
}

/// Upload an image for articles
///
/// For managers. The body is the image: PNG, JPEG or WebP, at most 5 MB and 25 megapixels. It is scaled down to 1600
/// by 1600 pixels, and its metadata is removed. An image that no article contains after a week is deleted.
#[utoipa::path(tag = "images",
    request_body(content((Image = "image/png"), (Image = "image/jpeg"), (Image = "image/webp"))),
    responses((status = 201, description = "The URL of the image", body = StoredImage, headers(("Location" = String))),
        (status = 422, description = "`unsupported_image` or `too_many_pixels`, field `image`", body = Problem, content_type = "application/problem+json")))]
#[post("/images")]
async fn create_image(
    ctx: Ctx,
    renderer: Data<PictureRenderer>,
    Upload(upload): Upload<MAX_UPLOAD>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let by = caller.require_manager()?.user_id;
    let picture = renderer.render(by, upload, picture::fitted).await?;
    let (name, now) = (new_name(&picture), ctx.now());
    let url = format!("{PREFIX}{name}");
    let event = ctx.origin(now).event(EventKind::ImageUploaded);
    let work = move |conn: &mut PgConnection| {
        store::create(conn, &name, &picture.bytes, now)?;
        audit(conn, &event.with_details(&name)).map_err(ApiError::from)
    };
    ctx.transaction(work).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, url.clone()))
        .json(StoredImage { url }))
}

/// Get an image of an article
///
/// Public. The content of a name never changes.
#[utoipa::path(tag = "images", params(("name" = String, Path, example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")),
    responses((status = 200, description = "The image", content((Image = "image/webp"), (Image = "image/jpeg")))))]
#[get("/images/{name}")]
async fn get_image(db: Data<Db>, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = known_name(name.into_inner())?;
    let image = db
        .run({
            let name = name.clone();
            move |conn| store::find(conn, &name).map_err(ApiError::from)
        })
        .await?;
    Ok(immutable_response(&name, image))
}
