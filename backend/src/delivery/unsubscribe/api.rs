//! `/unsubscribe`: readers unsubscribe from an owner's mails and subscribe again, authenticated by the token of a mail
//! (RFC 8058).

use actix_web::http::header::{Accept, CACHE_CONTROL, Header as _, LOCATION, VARY};
use actix_web::mime::Mime;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use diesel::{Connection, PgConnection};
use mime::link_token::{LinkTarget, MAX_TOKEN_CHARS};
use mime::links::Link;
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::Subscription;
use super::store::{self, MailAddress, SubscribeError};
use crate::accounts::identity::Origin;
use crate::audience::suppressions::model::SuppressionReason;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::delivery::web_view;
use crate::delivery::web_view::readers::Readers;
use crate::web::body::AnyBody;
use crate::web::client::Client;
use crate::web::error::{ApiError, Problem};
use crate::web::limits::Rule;
use crate::web::site::PublicUrl;

/// More than readers click, also where a mail provider follows the links of many of them from few addresses.
const UNSUBSCRIBES: Rule = Rule {
    name: "unsubscribe-address",
    max: 600,
    window_s: 60,
};

/// The routes of this slice.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_subscription)
        .service(unsubscribe)
        .service(subscribe_again);
}

impl From<SubscribeError> for ApiError {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::StaysSuppressed => Self::conflict(
                "stays_suppressed",
                "The address was not suppressed by its reader; only the sender can remove the suppression.",
            ),
            SubscribeError::SenderDeleted => Self::conflict(
                "sender_deleted",
                "The account that sent this mail has been deleted and sends no more mail.",
            ),
            SubscribeError::Query(error) => error.into(),
        }
    }
}

/// Get the subscription of an unsubscribe link
///
/// Changes nothing, so that link scanners do not unsubscribe readers. A browser (`Accept: text/html`) is redirected to the
/// page that asks the reader.
#[utoipa::path(tag = "suppressions", params(("token" = String, Path, description = "The token in the mail")), responses(
    (status = 200, description = "The sender and the address", body = Subscription),
    (status = 303, description = "To the page, for a browser", headers(("Location" = String))),
    (status = 429, description = "Too many from this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[get("/unsubscribe/{token}")]
async fn get_subscription(
    readers: Data<Readers>,
    db: Data<Db>,
    client: Client,
    token: Path<String>,
    req: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    readers.admit(&client, UNSUBSCRIBES).await?;
    if is_browser(&req) {
        return to_page(&readers.public_url, &token);
    }
    let link = readers.target(&token)?;
    let work = move |conn: &mut PgConnection| {
        let run_id = link.mail.run_id;
        let to = mail_address(conn, link)?;
        let reason = store::suppression_reason(conn, &to)?;
        let sender = web_view::store::sender(conn, run_id)?;
        let sender_deleted = !store::owner_exists(conn, to.owner_id)?;
        Ok::<_, ApiError>((to.email, sender, sender_deleted, reason))
    };
    let (email, sender, sender_deleted, reason) = db.run(work).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .json(Subscription {
            email,
            sender: sender.map(|sender| readers.named(sender)),
            sender_deleted,
            suppressed: sender_deleted || reason.is_some(),
            may_subscribe_again: reason == Some(SuppressionReason::Unsubscribed),
        }))
}

/// Unsubscribe
///
/// The address that the mail was sent to gets no more mail from its owner, in runs under way and later ones. The link
/// works for as long as the mail exists, whatever has been deleted since. The request body is ignored: it may be
/// empty, JSON, or the form `List-Unsubscribe=One-Click` of a mail provider (RFC 8058). Idempotent.
#[utoipa::path(tag = "suppressions", params(("token" = String, Path, description = "The token in the mail")), responses(
    (status = 204, description = "Unsubscribed"),
    (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many from this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[post("/unsubscribe/{token}")]
async fn unsubscribe(
    readers: Data<Readers>,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    token: Path<String>,
    _body: AnyBody,
) -> Result<HttpResponse, ApiError> {
    readers.admit(&client, UNSUBSCRIBES).await?;
    let link = readers.target(&token)?;
    let run_id = link.mail.run_id;
    let origin = Origin::stranger(&client, clock.now());
    let work = move |conn: &mut PgConnection| {
        let to = mail_address(conn, link)?;
        store::unsubscribe(conn, &to, run_id, origin).map_err(ApiError::from)
    };
    db.run(work).await?;
    tracing::info!(run.id = run_id, "reader unsubscribed");
    Ok(HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish())
}

/// Subscribe again
///
/// Reverts `unsubscribe`: runs prepared from now on mail the address again; deliveries that open runs have skipped stay
/// skipped. Idempotent.
#[utoipa::path(tag = "suppressions", params(("token" = String, Path, description = "The token in the mail")), responses(
    (status = 204, description = "Subscribed"),
    (status = 409, description = "`stays_suppressed`: the sender entered the address, or mail servers refused it; `sender_deleted`: its account is gone", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many from this address; see `Retry-After`", body = Problem, content_type = "application/problem+json")))]
#[delete("/unsubscribe/{token}")]
async fn subscribe_again(
    readers: Data<Readers>,
    db: Data<Db>,
    clock: Data<Clock>,
    client: Client,
    token: Path<String>,
) -> Result<HttpResponse, ApiError> {
    readers.admit(&client, UNSUBSCRIBES).await?;
    let link = readers.target(&token)?;
    let run_id = link.mail.run_id;
    let origin = Origin::stranger(&client, clock.now());
    let work = move |conn: &mut PgConnection| {
        let to = mail_address(conn, link)?;
        store::subscribe_again(conn, &to, origin).map_err(ApiError::from)
    };
    db.run(move |conn| conn.transaction(work)).await?;
    tracing::info!(run.id = run_id, "reader subscribed again");
    Ok(HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .finish())
}

/// The address that the mail was sent to. It is unknown only for some old links.
fn mail_address(conn: &mut PgConnection, link: LinkTarget) -> Result<MailAddress, ApiError> {
    store::mail_address(conn, link)?.ok_or_else(ApiError::not_found)
}

/// Whether a page is wanted rather than JSON.
fn is_browser(req: &HttpRequest) -> bool {
    let ranked = Accept::parse(req).map(|accept| accept.ranked());
    let wanted = ranked.unwrap_or_default();
    let known = ["text/html", "application/json", "*/*"];
    let first = wanted
        .iter()
        .map(Mime::essence_str)
        .find(|mime| known.contains(mime));
    first == Some("text/html")
}

/// The page says what is wrong with a token; only what no token can contain is refused here.
fn to_page(public_url: &PublicUrl, token: &str) -> Result<HttpResponse, ApiError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if token.len() > MAX_TOKEN_CHARS || !token.bytes().all(is_token) {
        return Err(ApiError::not_found());
    }
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, Link::Unsubscribe.with(&public_url.0, token)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((VARY, "Accept"))
        .finish())
}
