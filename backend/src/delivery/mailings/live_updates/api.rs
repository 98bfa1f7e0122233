//! `/mailings/{id}/live`: changes of a mailing as server-sent events.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};

use super::hub::LiveUpdates;
use super::stream::EventStream;
use crate::accounts::callers::bearer_token::BearerToken;
use crate::accounts::identity::Caller;
use crate::core::db::Db;
use crate::delivery::mailings::store;
use crate::web::error::ApiError;

/// Watch a mailing
///
/// Server-sent events: an event `mailing` with the response of `GET /mailings/{id}`, immediately and after each change,
/// which is checked every second; a comment after 15 seconds without an event. The stream ends with the access token, the
/// session or the mailing: reconnect with a new token. A user may have six streams.
#[utoipa::path(tag = "mailings", params(("id" = i64, Path, minimum = 1)), responses(
    (status = 200, description = "The event stream", body = String, content_type = "text/event-stream")))]
#[get("/mailings/{id}/live")]
pub(in crate::delivery::mailings) async fn watch_mailing(
    credentials: BearerToken,
    caller: Caller,
    db: Data<Db>,
    updates: Data<LiveUpdates>,
    id: Path<i64>,
) -> Result<HttpResponse, ApiError> {
    let mailing = db
        .run(move |conn| store::find(conn, caller.scope(), *id).map_err(ApiError::from))
        .await?;
    let subscription = updates.subscribe(caller.user_id, &mailing)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // Compression or a buffering proxy would delay an event until later ones have filled the buffer.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header(("X-Accel-Buffering", "no"))
        // A stopping server would wait for the idle connection.
        .force_close()
        .body(EventStream::new(subscription, credentials).start()))
}
