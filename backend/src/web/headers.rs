//! What every answer tells browsers: load nothing from elsewhere, run nothing written into a page, let nobody frame us; and
//! which other origins may call the API, none unless the operator names them.

use actix_cors::Cors;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, LOCATION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
};
use actix_web::middleware::{Condition, DefaultHeaders};

use super::idempotency;

/// Styles may stand in the page, for the sake of previews: a mail's styles are written into it, and the frame that shows it
/// inherits this. Scripts may not, anywhere. Pictures come from here, and from where is named.
macro_rules! policy {
    ($pictures:literal) => {
        concat!(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'",
            $pictures,
            " data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    };
}

const NOTHING_FOREIGN: &str = policy!("");
/// For the page that shows a letter: its pictures are wherever its author has them, and without them the letter would not be
/// what its reader got. The frame that shows it inherits this, too.
const WITH_PICTURES: &str = policy!(" https:");
/// A year, as browsers' own lists ask for.
const TLS_ONLY: &str = "max-age=31536000";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a browser may remember what another origin may do, in seconds.
const REMEMBERED_S: usize = 3600;

/// The headers of every answer, failures and files included.
pub fn security(public_url: &str) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((CONTENT_SECURITY_POLICY, NOTHING_FOREIGN))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "strict-origin-when-cross-origin"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"));
    if public_url.starts_with("https://") {
        headers.add((STRICT_TRANSPORT_SECURITY, TLS_ONLY))
    } else {
        headers
    }
}

/// What a page tells browsers in another way than all others do, if it does.
pub fn of_page(path: &str) -> Option<(HeaderName, HeaderValue)> {
    let policy = HeaderValue::from_static(WITH_PICTURES);
    (path == "/letter").then_some((CONTENT_SECURITY_POLICY, policy))
}

/// Lets pages of these origins call the API with tokens. Never with the session's cookie: it is for our own page.
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let named = origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    let cors = named
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            idempotency::HEADER,
        ])
        .expose_headers([ETAG, LOCATION, RETRY_AFTER, REQUEST_ID])
        .max_age(REMEMBERED_S);
    Condition::new(!origins.is_empty(), cors)
}
