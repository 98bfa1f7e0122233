//! `/mailings/{id}/live`: a mailing as it changes, for pages that show it going (server-sent events).

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::store;
use super::stream::Stream;
use super::watching::Watching;
use crate::accounts::auth::caller::Caller;
use crate::accounts::auth::credentials::Credentials;
use crate::core::db::Db;
use crate::web::error::ApiError;

/// A mailing as it changes
///
/// Server-sent events: `mailing` with what `GET /mailings/{id}` answers, at once and after each change, looked for every
/// second; a comment after 15 seconds without one. The stream ends with the access token, the session, or the mailing: ask
/// again with a fresh token. One user may have six of them.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "Events, until one side ends it", body = String, content_type = "text/event-stream")))]
#[get("/mailings/{id}/live")]
pub(super) async fn watch_mailing(
    credentials: Credentials,
    caller: Caller,
    db: Data<Db>,
    watching: Data<Watching>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let mailing = db
        .run(move |conn| store::find(conn, caller.sees(), *id).map_err(ApiError::from))
        .await?;
    let place = watching.place(caller.user_id, &mailing)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compressed, or kept back by a proxy, an event would arrive when the next ones have filled a buffer.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        // A server that stops would wait for an idle connection, too.
        .force_close()
        .body(Stream::new(place, credentials).begin()))
}
