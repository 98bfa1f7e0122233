//! Renders every failed answer below `/api` as a problem with the request's id, also those that actix makes itself.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use super::error::ApiError;
use super::request_id::RequestName;

/// Answers in words of its own; no client of the API asks there.
const PROBE: &str = "/readyz";

/// Middleware: turns errors into `application/problem+json`; successes pass untouched.
pub async fn problems(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let request_id = RequestName::of(req.request()).as_str().to_owned();
    let probed = req.path() == PROBE;
    let res = next.call(req).await?.map_into_boxed_body();
    let status = res.status();
    if probed || !(status.is_client_error() || status.is_server_error()) {
        return Ok(res);
    }
    let own = res
        .response()
        .error()
        .and_then(|error| error.as_error::<ApiError>());
    let fallback;
    let error = if let Some(own) = own {
        own
    } else {
        fallback = ApiError::for_status(status);
        &fallback
    };
    let mut answer = HttpResponse::build(status);
    if let Some(seconds) = error.retry_after_s() {
        answer.insert_header((RETRY_AFTER, seconds));
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        // RFC 7694: how a client learns that it must not compress what it sends.
        answer.insert_header((ACCEPT_ENCODING, "identity"));
    }
    let body = serde_json::to_string(&error.problem(request_id))?;
    let mut answer = answer
        .insert_header((CONTENT_TYPE, "application/problem+json"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body);
    if let Some(allow) = res.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow.clone());
    }
    Ok(res.into_response(answer))
}
