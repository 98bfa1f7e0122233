//! `/me/avatar`: the caller's own picture. `/avatars`: everybody's, for everybody who knows its name.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, put};
use diesel::{Connection, PgConnection};
use utoipa_actix_web::service_config::ServiceConfig;

use super::store;
use crate::accounts::audit_log::model::EventKind;
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;
use crate::accounts::auth::caller::Person;
use crate::accounts::users;
use crate::accounts::users::model::Me;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::core::picture;
use crate::web::client::Client;
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
    (client, renderer): (Client, Data<PictureRenderer>),
    Upload(upload): Upload<MAX_UPLOAD>,
) -> Result<HttpResponse, ApiError> {
    let picture = renderer
        .render(person.user_id, upload, picture::squared)
        .await?;
    let name = new_name(&picture);
    let (user_id, now) = (person.user_id, clock.now());
    let event = Origin::of(user_id, &client, now).did(EventKind::AvatarChanged);
    let work = move |conn: &mut PgConnection| {
        store::replace(conn, user_id, (&name, &picture.bytes), now)?;
        record(conn, &event)?;
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
    client: Client,
) -> Result<HttpResponse, ApiError> {
    let now = clock.now();
    let event = Origin::of(person.user_id, &client, now).did(EventKind::AvatarRemoved);
    let work = move |conn: &mut PgConnection| {
        if store::remove(conn, person.user_id, now)? {
            record(conn, &event)?;
        }
        Ok::<_, ApiError>(())
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
    let name = known_name(name.into_inner())?;
    let image = db
        .run({
            let name = name.clone();
            move |conn| store::find(conn, &name).map_err(ApiError::from)
        })
        .await?;
    Ok(immutable_response(&name, image))
}
