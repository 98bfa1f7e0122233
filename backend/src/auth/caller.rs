//! `Caller`: who makes the request. The token only names the session; role and standing are read, at most 5 s old.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use moka::sync::Cache;

use super::policy::Role;
use super::sessions;
use super::token::AccessTokens;
use crate::clock::Clock;
use crate::db::Db;
use crate::http::error::ApiError;

/// Somebody signed in, in good standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i64,
    pub session_id: i64,
    pub role: Role,
}

impl Caller {
    /// The caller, if they may keep recipients, messages and mailings; 403 for those who only oversee.
    pub fn who_may_own(self) -> Result<Self, ApiError> {
        if self.role.may_own() {
            Ok(self)
        } else {
            Err(ApiError::forbidden(
                "Managers oversee; they create and change nothing.",
            ))
        }
    }

    /// The caller, if they oversee others; 403 for everybody else.
    pub fn who_may_oversee(self) -> Result<Self, ApiError> {
        if self.role.may_oversee() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("This is for managers."))
        }
    }

    /// The caller, if they give roles; 403 for everybody else.
    pub fn who_may_appoint(self) -> Result<Self, ApiError> {
        if self.role.may_appoint() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("This is for administrators."))
        }
    }
}

/// Tells who is behind an access token.
#[derive(Clone)]
pub struct Callers {
    tokens: AccessTokens,
    live: Cache<i64, Option<Caller>>,
}

impl Callers {
    /// Reads tokens made under the same key.
    pub fn new(tokens: AccessTokens) -> Self {
        let live = Cache::builder()
            .max_capacity(100_000)
            .time_to_live(Duration::from_secs(5))
            .build();
        Self { tokens, live }
    }

    /// Forgets what is known of a session, so that its end counts at once in this process.
    pub fn forget(&self, session_id: i64) {
        self.live.invalidate(&session_id);
    }

    async fn behind(&self, token: &str, db: &Db, clock: &Clock) -> Result<Caller, ApiError> {
        let session_id = self
            .tokens
            .session_of(token, clock.now())
            .ok_or_else(ApiError::unauthenticated)?;
        let known = if let Some(known) = self.live.get(&session_id) {
            known
        } else {
            let find = move |conn: &mut _| {
                sessions::caller_of_session(conn, session_id).map_err(ApiError::from)
            };
            let found = db.run(find).await?;
            self.live.insert(session_id, found);
            found
        };
        known.ok_or_else(ApiError::unauthenticated)
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = req
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(bearer)
            .map(ToOwned::to_owned);
        let parts = (
            req.app_data::<Data<Callers>>().cloned(),
            req.app_data::<Data<Db>>().cloned(),
            req.app_data::<Data<Clock>>().cloned(),
        );
        Box::pin(async move {
            let (Some(callers), Some(db), Some(clock)) = parts else {
                return Err(ApiError::internal("the app lacks its data"));
            };
            let token = token.ok_or_else(ApiError::unauthenticated)?;
            callers.behind(&token, &db, &clock).await
        })
    }
}

/// The credentials of a `Bearer` header; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
