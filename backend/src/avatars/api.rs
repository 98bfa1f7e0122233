//! `/me/avatar`: the caller's own picture. `/avatars`: everybody's, for everybody who knows its name.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpResponse, delete, get, put};
use diesel::{Connection, PgConnection};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use utoipa_actix_web::service_config::ServiceConfig;

use super::picture::{self, Refusal};
use super::store;
use crate::auth::caller::Person;
use crate::auth::token::Secret;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::error::{ApiError, Problem};
use crate::http::etag;
use crate::http::upload::{Image, Upload};
use crate::users;
use crate::users::model::Me;

const LARGEST: usize = 5 * 1024 * 1024;
/// One picture at a time: a large one takes 200 MB and a processor for a second.
static DRAWING: Semaphore = Semaphore::const_new(1);
/// Whoever has waited this long for his turn is better told to come back.
const PATIENCE: Duration = Duration::from_secs(10);
const EXTENSION: &str = ".webp";

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(put_avatar)
        .service(delete_avatar)
        .service(get_avatar);
}

/// Show a picture of oneself
///
/// The body is the image: PNG, JPEG or WebP, at most 5 MB and 25 megapixels. Its middle is kept, 256 pixels wide and high,
/// without what a camera wrote into it.
#[utoipa::path(tag = "me",
    request_body(content((Image = "image/png"), (Image = "image/jpeg"), (Image = "image/webp"))),
    responses((status = 200, description = "The caller, with the picture's address", body = Me, headers(("ETag" = String))),
        (status = 422, description = "`unsupported_image` or `too_many_pixels`, field `image`", body = Problem, content_type = "application/problem+json")))]
#[put("/me/avatar")]
async fn put_avatar(
    person: Person,
    db: Data<Db>,
    clock: Data<Clock>,
    Upload(upload): Upload<LARGEST>,
) -> Result<HttpResponse, ApiError> {
    let turn = timeout(PATIENCE, DRAWING.acquire())
        .await
        .map_err(|_elapsed| ApiError::unavailable())?
        .map_err(|_closed| ApiError::unavailable())?;
    // The turn lasts until the work is done, also when the client has gone away meanwhile.
    let draw = move || {
        let drawn = picture::squared(&upload);
        drop(turn);
        drawn
    };
    let image = web::block(draw)
        .await
        .map_err(|_cancelled| ApiError::unavailable())??;
    let name = format!("{}{EXTENSION}", Secret::random().reveal());
    let (user_id, now) = (person.user_id, clock.now());
    let work = move |conn: &mut PgConnection| {
        store::replace(conn, user_id, (&name, &image), now)?;
        users::store::find(conn, user_id).map_err(ApiError::from)
    };
    let me = db.run(move |conn| conn.transaction(work)).await?;
    Ok(etag::changed(me.updated_at, &me))
}

/// Remove one's picture
#[utoipa::path(tag = "me", responses((status = 204, description = "There is no picture")))]
#[delete("/me/avatar")]
async fn delete_avatar(
    person: Person,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let work = move |conn: &mut PgConnection| {
        store::remove(conn, person.user_id, now).map_err(ApiError::from)
    };
    db.run(move |conn| conn.transaction(work)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A picture of a user
///
/// Public, and never another one under the same name.
#[utoipa::path(tag = "avatars", params(("name" = String, Path, example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")),
    responses((status = 200, description = "The image", body = Image, content_type = "image/webp")))]
#[get("/avatars/{name}")]
async fn get_avatar(db: Data<Db>, name: Path<String>) -> Result<HttpResponse, ApiError> {
    let name = name.into_inner();
    if !is_name(&name) {
        return Err(ApiError::not_found());
    }
    let image = db
        .run(move |conn| store::find(conn, &name).map_err(ApiError::from))
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "image/webp"))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(image))
}

/// Anything else is not worth a question to the database, which also does not take every character.
fn is_name(name: &str) -> bool {
    name.strip_suffix(EXTENSION).is_some_and(|random| {
        random
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Unreadable => "unsupported_image",
            Refusal::TooManyPixels => "too_many_pixels",
        };
        Self::invalid_field("image", code, refusal.to_string())
    }
}
