//! Security headers of all responses: no foreign content, no inline scripts, no framing; and CORS, which is disabled unless
//! origins are configured.

use actix_cors::Cors;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, LOCATION, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
};
use actix_web::middleware::{Condition, DefaultHeaders};

use super::idempotency;

/// The content security policy. Inline styles are allowed for previews: the styles of a mail are inline, and the frame that
/// shows it inherits the policy. Inline scripts are not allowed. Images come from this origin and the given sources.
macro_rules! policy {
    ($images:literal) => {
        concat!(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'",
            $images,
            " data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
    };
}

const SAME_ORIGIN: &str = policy!("");
/// For the web view of a mail, whose images may be on any server. The frame that shows the mail inherits the policy.
const WITH_IMAGES: &str = policy!(" https:");
/// A year, as required by the preload lists of browsers.
const HSTS: &str = "max-age=31536000";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Lifetime of preflight responses in seconds.
const PREFLIGHT_TTL_S: usize = 3600;

/// The headers of all responses, including errors and files.
pub fn security(public_url: &str) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((CONTENT_SECURITY_POLICY, SAME_ORIGIN))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "strict-origin-when-cross-origin"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"));
    if public_url.starts_with("https://") {
        headers.add((STRICT_TRANSPORT_SECURITY, HSTS))
    } else {
        headers
    }
}

/// The header by which a page differs from the others, if any.
pub fn of_page(path: &str) -> Option<(HeaderName, HeaderValue)> {
    let policy = HeaderValue::from_static(WITH_IMAGES);
    (path == "/letter").then_some((CONTENT_SECURITY_POLICY, policy))
}

/// Allows pages of these origins to call the API with tokens, but not with the refresh cookie.
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let cors = origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin));
    let cors = cors
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            idempotency::HEADER,
        ])
        .expose_headers([ETAG, LOCATION, RETRY_AFTER, REQUEST_ID])
        .max_age(PREFLIGHT_TTL_S);
    Condition::new(!origins.is_empty(), cors)
}
