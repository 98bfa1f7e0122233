//! Responses to requests that match no route: wrong method, unknown path, or an invalid id in the path.

use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest, HttpResponse};

use super::error::ApiError;
use super::openapi::KnownPaths;

/// Responds to unmatched requests: 405 with the methods of the path, or 404 if there is no such path.
pub async fn no_such_operation(
    req: HttpRequest,
    known: Data<KnownPaths>,
) -> Result<HttpResponse, ApiError> {
    let methods = known.methods_at(&req);
    if methods.is_empty() {
        Err(ApiError::not_found())
    } else {
        Ok(wrong_method(&methods))
    }
}

/// The id is invalid; the segment may be the last one of another path that does not support the method.
pub fn no_such_id(req: &HttpRequest) -> Error {
    let known = req.app_data::<Data<KnownPaths>>();
    match known.and_then(|known| known.methods_of_literal(req)) {
        Some(methods) => InternalError::from_response("", wrong_method(methods)).into(),
        None => ApiError::not_found().into(),
    }
}

fn wrong_method(known: &[Method]) -> HttpResponse {
    let mut names: Vec<_> = known.iter().map(Method::as_str).collect();
    if known.contains(&Method::GET) {
        names.push(Method::HEAD.as_str());
    }
    let mut response = HttpResponse::from_error(ApiError::method_not_allowed());
    if let Ok(allow) = names.join(", ").parse() {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
