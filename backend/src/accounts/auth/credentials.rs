//! `Credentials`: the token a request came with, and who is behind it, now or later. An answer that goes on for long looks
//! again and again whether it still may.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::caller::Caller;
use super::callers::{Callers, Subject};
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::web::error::ApiError;

/// What somebody has shown to be let in.
pub struct Credentials {
    token: String,
    callers: Data<Callers>,
    db: Data<Db>,
    clock: Data<Clock>,
}

impl Credentials {
    /// Those of this request; 401 when it has none.
    pub(super) fn of(req: &HttpRequest) -> Result<Self, ApiError> {
        let parts = (
            req.app_data::<Data<Callers>>().cloned(),
            req.app_data::<Data<Db>>().cloned(),
            req.app_data::<Data<Clock>>().cloned(),
        );
        let (Some(callers), Some(db), Some(clock)) = parts else {
            return Err(ApiError::internal("the app lacks its data"));
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

    /// The key by which the requests are counted, as far as the credentials themselves tell; `None` if they are
    /// invalid.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.callers.subject(&self.token, &self.clock)
    }

    /// Who is behind them; 401 once they have expired or been revoked, or their owner is blocked. At most 5 s old.
    pub async fn caller(&self) -> Result<Caller, ApiError> {
        self.callers
            .behind(&self.token, &self.db, &self.clock)
            .await
    }
}

impl FromRequest for Credentials {
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
