//! How many requests the API takes: from each user, whatever sessions and tokens they use, and from each network address
//! of which we do not know whose requests they are.

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

/// Counted where the user is known, in `accounts::callers`.
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
/// A whole office may be behind one address.
const PER_ADDRESS: Rule = Rule {
    name: "api-address",
    max: 100,
    window_s: 1,
};

/// Readers come in by links of their mails. A mail provider unsubscribes many at once, and is given room for that.
const COUNT_BY_THEMSELVES: [&str; 2] = ["/api/v1/letters/", "/api/v1/unsubscribe/"];

/// Middleware: counts by address the requests that name nobody, those to operations that are open to all, and those whose
/// token turns out to be worth nothing.
pub async fn by_address(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // Decoded as in the router: `/%61pi` is `/api`.
    let path = req.match_info().as_str();
    let begins = |prefix: &str| path.starts_with(prefix);
    if !begins("/api/v1/") || COUNT_BY_THEMSELVES.into_iter().any(begins) {
        return Ok(next.call(req).await?.map_into_boxed_body());
    }
    let named = req.headers().contains_key(AUTHORIZATION) && !openapi::is_open(req.method(), path);
    if named {
        let res = next.call(req).await?.map_into_boxed_body();
        if res.status() != StatusCode::UNAUTHORIZED {
            return Ok(res);
        }
        return match take(res.request()).await {
            Ok(()) => Ok(res),
            Err(too_many) => Ok(res.into_response(refusal(too_many))),
        };
    }
    match take(req.request()).await {
        Ok(()) => Ok(next.call(req).await?.map_into_boxed_body()),
        Err(too_many) => {
            let (req, _unread) = req.into_parts();
            Ok(ServiceResponse::new(req, refusal(too_many)))
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

fn refusal(TooMany { retry_after_s }: TooMany) -> HttpResponse {
    HttpResponse::from_error(ApiError::too_many_requests(retry_after_s))
}
