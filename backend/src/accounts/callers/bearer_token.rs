//! `BearerToken`: the token of a request and its caller. A response that is streamed for long resolves it repeatedly.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::resolver::{Callers, RateLimitKey};
use crate::accounts::identity::Caller;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::error::ApiError;

/// The token of an `Authorization` header.
pub struct BearerToken {
    token: String,
    callers: Data<Callers>,
    db: Data<Db>,
    clock: Data<Clock>,
}

impl BearerToken {
    /// The token of this request; 401 if there is none.
    pub(super) fn of(req: &HttpRequest) -> Result<Self, ApiError> {
        let parts = (
            req.app_data::<Data<Callers>>().cloned(),
            req.app_data::<Data<Db>>().cloned(),
            req.app_data::<Data<Clock>>().cloned(),
        );
        let (Some(callers), Some(db), Some(clock)) = parts else {
            return Err(ApiError::internal("the application data is incomplete"));
        };
        let token = req
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .ok_or_else(ApiError::unauthenticated)?;
        Ok(Self {
            token: token.to_owned(),
            callers,
            db,
            clock,
        })
    }

    /// The key by which requests with this token are counted, as far as it follows from the token itself; `None` if it is
    /// invalid.
    pub(super) fn rate_limit_key(&self) -> Option<RateLimitKey> {
        self.callers.rate_limit_key(&self.token, &self.clock)
    }

    /// The caller; 401 once the token has expired or been revoked, or its owner is blocked. At most 5 s old.
    pub async fn caller(&self) -> Result<Caller, ApiError> {
        self.callers
            .resolve(&self.token, &self.db, &self.clock)
            .await
    }
}

impl FromRequest for BearerToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

/// The credentials of a `Bearer` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
