//! Counts, times and logs each request of the API, in one line. Paths and queries are not logged: they may contain tokens and
//! names.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use super::authenticated_user::AuthenticatedUser;
use super::request_id::RequestIdentifier;
use crate::core::metrics::metrics;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Health checks are frequent; they are logged at debug level.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// Middleware, inside the request's span.
pub async fn measure(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let method = known(req.method());
    let id = RequestIdentifier::of(req.request());
    let mut answered = next.call(req).await;
    let status = match &answered {
        Ok(res) => res.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let route = answered.as_ref().ok();
    let route = route.and_then(|res| res.request().match_pattern());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let user = answered.as_ref().ok().and_then(|res| {
        let user = res
            .request()
            .extensions()
            .get::<AuthenticatedUser>()
            .copied();
        user.map(|AuthenticatedUser(id)| id)
    });
    let took = began.elapsed();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if HEALTH.contains(&route.as_str()) {
        tracing::debug!(status = status.as_u16(), duration_ms, "answered");
    } else {
        tracing::info!(
            status = status.as_u16(),
            duration_ms,
            user.id = user,
            "answered"
        );
    }
    metrics().count_request(route, method, class(status), took);
    if let (Ok(res), Ok(id)) = (&mut answered, HeaderValue::from_str(id.as_str())) {
        res.headers_mut().insert(X_REQUEST_ID, id);
    }
    answered
}

/// Maps unknown methods to one label, because clients may send any.
fn known(method: &Method) -> &'static str {
    let all = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
    ];
    let names = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let mut pairs = all.iter().zip(names);
    pairs
        .find(|(known, _)| *known == method)
        .map_or("OTHER", |(_, name)| name)
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
