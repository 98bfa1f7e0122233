//! `Authenticator`: passwords, and the tokens of sessions and mailed links. Created once, shared by the handlers.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use chrono::{DateTime, Utc};

use super::cookie::RefreshCookie;
use super::model::SignedIn;
use super::password::{HashError, Passwords};
use crate::accounts::sessions::store::OpenedSession;
use crate::accounts::tokens::access_token::{ACCESS_LIFETIME_S, AccessTokens};
use crate::accounts::tokens::signed_token::TokenSigner;
use crate::accounts::users::model::Me;
use crate::web::error::ApiError;

/// What the handlers of `/auth` share.
#[derive(Clone)]
pub struct Authenticator {
    pub passwords: Passwords,
    pub tokens: AccessTokens,
    pub cookie: RefreshCookie,
    pub mailed_tokens: TokenSigner,
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::unavailable(),
            HashError::Bcrypt(error) => Self::internal(error),
        }
    }
}

impl Authenticator {
    /// The token of a mailed link without its MAC. 422 without a query if it was not issued here.
    pub(super) fn mailed_token(&self, given: &str) -> Result<String, ApiError> {
        let token = self.mailed_tokens.verify(given);
        token.map(str::to_owned).ok_or_else(ApiError::token_invalid)
    }

    /// The response to a successful sign-in: an access token in the body, the refresh token in the cookie.
    pub(super) fn signed_in(
        &self,
        session: &OpenedSession,
        user: Me,
        now: DateTime<Utc>,
    ) -> Result<HttpResponse, ApiError> {
        let access_token = self
            .tokens
            .issue(session.user_id, session.session_id, now)
            .map_err(ApiError::internal)?;
        let response = HttpResponse::Ok()
            .cookie(self.cookie.carrying(&session.token))
            .json(SignedIn {
                access_token,
                token_type: "Bearer",
                expires_in: ACCESS_LIFETIME_S,
                user,
            });
        Ok(no_store(response))
    }
}

/// Marks a response as not cacheable.
pub(super) fn no_store(mut response: HttpResponse) -> HttpResponse {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
