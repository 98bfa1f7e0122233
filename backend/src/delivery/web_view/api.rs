//! `/letters`: a mail of a run in the reader's browser, authenticated by the token of the mail.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use diesel::OptionalExtension;
use utoipa_actix_web::service_config::ServiceConfig;

use super::content;
use super::model::WebViewMail;
use super::readers::{LETTERS, Readers};
use super::store;
use crate::core::db::Db;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_letter);
}

/// View a mail in the browser
///
/// Rendered from the message as it was when the run started, for the name and address it was sent to; its links are
/// those of the mail. Available as soon as the mail is sent and for as long as its run is kept; after that the
/// response is 410, and the mail's unsubscribe link still works. Mails of a blocked owner are not shown.
#[utoipa::path(tag = "letters", params(("token" = String, Path, description = "The token in the mail")), responses(
    (status = 200, description = "The mail", body = WebViewMail),
    (status = 410, description = "`mail_not_kept`: the mail was sent, and has been deleted here since", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many from this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[get("/letters/{token}")]
async fn get_letter(
    readers: Data<Readers>,
    db: Data<Db>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, ApiError> {
    readers.admit(&client, LETTERS).await?;
    let mail = readers.target(&token)?.mail;
    let find = move |conn: &mut _| {
        let source = match store::source(conn, mail).optional()? {
            Some(source) => source,
            None if store::is_kept(conn, mail)? => return Err(ApiError::not_found()),
            None => return Err(not_kept()),
        };
        let sender = store::sender(conn, mail.run_id)?;
        Ok::<_, ApiError>((source, sender, store::sent_at(conn, mail)?))
    };
    let (source, sender, sent_at) = db.run(find).await?;
    let sender = sender.map(|sender| readers.named(sender));
    let (owner_id, writing) = (source.owner_id, readers.writing.clone());
    let write = move || {
        let site = &readers.public_url.0;
        let written = content::written(&source, |link| link.with(site, &token))?;
        Some(WebViewMail {
            email: source.email,
            sender,
            subject: written.subject,
            html: written.html,
            text: written.text,
            sent_at,
        })
    };
    let letter = writing.run(owner_id, write).await?;
    let letter = letter.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(letter))
}

fn not_kept() -> ApiError {
    ApiError::gone(
        "mail_not_kept",
        "This mail is no longer kept here; its unsubscribe link still works.",
    )
}
