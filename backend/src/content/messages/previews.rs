//! Previews of messages for a recipient. Rendered on compute threads: a large message takes a while.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

use super::api::LARGE;
use super::content;
use super::model::{Preview, PreviewDraft, PreviewMessage};
use super::preview_recipient::PreviewRecipient;
use super::store;
use crate::accounts::identity::Ctx;
use crate::core::compute::Compute;
use crate::web::body::Valid;
use crate::web::error::ApiError;
use crate::web::site::PublicUrl;

/// Preview a message
///
/// For one of the owner's recipients, or for the caller (under a sample name if the caller has none); the links to
/// unsubscribe and to view it in a browser are examples. The HTML is the author's own, exactly as it will be mailed:
/// show it only in a sandboxed frame without scripts.
#[utoipa::path(tag = "messages", params(("id" = i64, Path, minimum = 1)), request_body = PreviewMessage, responses(
    (status = 200, description = "The preview", body = Preview)))]
#[post("/messages/{id}/preview")]
pub(super) async fn preview_message(
    ctx: Ctx,
    site: Data<PublicUrl>,
    compute: Data<Compute>,
    id: Path<i64>,
    Valid(wanted): Valid<PreviewMessage>,
) -> Result<HttpResponse, ApiError> {
    let caller = ctx.actor;
    let (message, reader) = ctx
        .run(move |conn| {
            let message = store::find(conn, caller.scope(), *id)?;
            let reader = match wanted.recipient_id {
                Some(recipient_id) => {
                    PreviewRecipient::recipient(conn, message.owner.id, recipient_id)?
                }
                None => PreviewRecipient::caller(conn, caller.user_id)?,
            };
            Ok::<_, ApiError>((message, reader))
        })
        .await?;
    let work = move || {
        let checked = content::read(&message.subject, &message.html, &message.text)?;
        reader.preview(checked, &site)
    };
    let preview = compute.run(caller.user_id, work).await?;
    let preview = preview.map_err(ApiError::invalid)?;
    Ok(HttpResponse::Ok().json(preview))
}

/// Preview a message that is not stored
///
/// Same as the preview of a stored message.
#[utoipa::path(tag = "messages", request_body = PreviewDraft, responses((status = 200, description = "The preview", body = Preview)))]
#[post("/messages/preview")]
pub(super) async fn preview_draft(
    ctx: Ctx,
    site: Data<PublicUrl>,
    compute: Data<Compute>,
    Valid(draft): Valid<PreviewDraft, LARGE>,
) -> Result<HttpResponse, ApiError> {
    let (user_id, recipient_id) = (
        ctx.actor.require_write_access()?.user_id,
        draft.recipient_id,
    );
    let find = move |conn: &mut _| match recipient_id {
        Some(recipient_id) => PreviewRecipient::recipient(conn, user_id, recipient_id),
        None => PreviewRecipient::caller(conn, user_id),
    };
    let reader = ctx.run(find).await?;
    let work = move || {
        let checked = content::check(&draft.subject, &draft.html, &draft.text)?;
        reader.preview(checked, &site)
    };
    let preview = compute.run(user_id, work).await?;
    let preview = preview.map_err(ApiError::invalid)?;
    Ok(HttpResponse::Ok().json(preview))
}
