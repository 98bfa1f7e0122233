//! Each request of the API: counted, timed, named, and told in the log in one line. What it was about is not: an address may
//! hold the token of a link, a search somebody's name.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};

use super::labels::{Answered, Route};
use super::meters::meters;
use crate::http::cached::MadeBy;
use crate::http::request_id::RequestName;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Asked every few seconds by those who watch over the service; of no interest to those who read its log.
const HEALTH: [&str; 2] = ["/healthz", "/readyz"];

/// Middleware, inside the request's span.
pub async fn measured(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let method = known(req.method());
    let id = RequestName::of(req.request());
    let mut answered = next.call(req).await;
    let status = match &answered {
        Ok(res) => res.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let route = answered.as_ref().ok();
    let route = route.and_then(|res| res.request().match_pattern());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let user = answered.as_ref().ok().and_then(|res| {
        let by = res.request().extensions().get::<MadeBy>().copied();
        by.map(|MadeBy(id)| id)
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
    let operation = Route { method, route };
    meters()
        .request_seconds
        .get_or_create(&operation)
        .observe(took.as_secs_f64());
    let Route { method, route } = operation;
    let status = class(status);
    meters()
        .requests
        .get_or_create(&Answered {
            method,
            route,
            status,
        })
        .inc();
    if let (Ok(res), Ok(id)) = (&mut answered, HeaderValue::from_str(id.as_str())) {
        res.headers_mut().insert(X_REQUEST_ID, id);
    }
    answered
}

/// What clients may call a method is endless.
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
