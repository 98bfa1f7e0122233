//! Rate limits of all requests of the API: per user, for all sessions and tokens together, and per network address for
//! requests without a valid token.

use actix_web::Error;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::{Limits, Rule, TooMany};
use crate::web::client::Client;
use crate::web::error::ApiError;
use crate::web::openapi;

/// Counted when the user has been identified, in `accounts::callers`.
pub const PER_USER: Rule = Rule {
    name: "api-user",
    max: 20,
    window_s: 1,
};
/// As above for an API token whose owner is not known yet.
pub const PER_TOKEN: Rule = Rule {
    name: "api-token",
    ..PER_USER
};
/// Many users may share one address.
const PER_ADDRESS: Rule = Rule {
    name: "api-address",
    max: 100,
    window_s: 1,
};

/// Operations for the readers of mails, which have their own limits: a mail provider may unsubscribe many readers at once.
const SEPARATELY_LIMITED: [&str; 2] = ["/api/v1/letters/", "/api/v1/unsubscribe/"];

/// Middleware: counts requests by network address if they have no token, if the operation requires none, or if the token is
/// invalid.
pub async fn by_address(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Decoded as in the router: `/%61pi` is `/api`.
    let path = req.match_info().as_str();
    let starts_with = |prefix: &str| path.starts_with(prefix);
    if !starts_with("/api/v1/") || SEPARATELY_LIMITED.into_iter().any(starts_with) {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    let has_token =
        req.headers().contains_key(AUTHORIZATION) && !openapi::is_open(req.method(), path);
    if has_token {
        let res = next.call(req).await?.map_into_boxed_body();
        if res.status() != StatusCode::UNAUTHORIZED {
            return Ok(res);
        }
        return match take(res.request()).await {
            Ok(()) => Ok(res),
            Err(too_many) => Ok(res.into_response(rejection(too_many))),
        };
    }
    match take(req.request()).await {
        Ok(()) => Ok(next.call(req).await?.map_into_boxed_body()),
        Err(too_many) => {
            let (req, _payload) = req.into_parts();
            Ok(ServiceResponse::new(req, rejection(too_many)))
        }
    }
}

async fn take(req: &actix_web::HttpRequest) -> Result<(), TooMany> {
    let Some(limits) = req.app_data::<Data<Limits>>() else {
        return Ok(());
    };
    let block = Client::of(req).block();
    limits.take_often(PER_ADDRESS, &block).await
}

fn rejection(TooMany { retry_after_s }: TooMany) -> HttpResponse {
    HttpResponse::from_error(ApiError::too_many_requests(retry_after_s))
}
