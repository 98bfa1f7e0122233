//! What everybody who comes in passes: limits, passwords, sessions. Built once, shared by the handlers of `/auth`.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};

use super::callers::Callers;
use super::cookie::RefreshCookie;
use super::model::SignedIn;
use super::password::{HashError, Passwords};
use super::sessions::Opened;
use super::sign_up_policy::SignUpPolicy;
use super::signed_token::TokenSigner;
use super::token::{ACCESS_LIFETIME_S, AccessTokens};
use crate::accounts::users::model::Me;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::core::email_address::EmailAddress;
use crate::web::client::Client;
use crate::web::error::ApiError;
use crate::web::limits::{Limits, Rule, TooMany};

const SIGN_IN_PER_ADDRESS: Rule = Rule {
    name: "sign-in-address",
    most: 10,
    window_s: 60,
};
const SIGN_IN_PER_ACCOUNT: Rule = Rule {
    name: "sign-in-account",
    most: 5,
    window_s: 60,
};
const SIGN_UP_PER_ADDRESS: Rule = Rule {
    name: "sign-up-address",
    most: 5,
    window_s: 3600,
};
const LINKS_PER_ACCOUNT: Rule = Rule {
    name: "link-account",
    most: 3,
    window_s: 3600,
};
const FORGOT_PER_ACCOUNT: Rule = Rule {
    name: "forgot-account",
    most: 3,
    window_s: 3600,
};
const MOVES_PER_USER: Rule = Rule {
    name: "move-user",
    most: 3,
    window_s: 3600,
};
const PASSWORDS_PER_USER: Rule = Rule {
    name: "password-user",
    most: 5,
    window_s: 60,
};

/// What the handlers of `/auth` work with.
#[derive(Clone)]
pub struct Gate {
    pub db: Db,
    pub clock: Clock,
    pub passwords: Passwords,
    pub limits: Limits,
    pub tokens: AccessTokens,
    pub callers: Callers,
    pub cookie: RefreshCookie,
    pub mailed_tokens: TokenSigner,
    pub sign_up: SignUpPolicy,
}

impl From<TooMany> for ApiError {
    fn from(error: TooMany) -> Self {
        Self::too_many_requests(error.retry_after_s)
    }
}

impl From<HashError> for ApiError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::unavailable(),
            HashError::Bcrypt(error) => Self::internal(error),
        }
    }
}

impl Gate {
    /// 10 tries a minute from one address, 5 for one account. An account that nobody has counts like any other: the
    /// limit tells nothing.
    pub(super) async fn admit_sign_in(&self, client: &Client, key: &str) -> Result<(), TooMany> {
        self.limits
            .take(SIGN_IN_PER_ADDRESS, &client.block())
            .await?;
        self.limits.take(SIGN_IN_PER_ACCOUNT, key).await
    }

    /// 5 new accounts an hour from one address.
    pub(super) async fn admit_sign_up(&self, client: &Client) -> Result<(), TooMany> {
        self.limits.take(SIGN_UP_PER_ADDRESS, &client.block()).await
    }

    /// 3 links to confirm an address an hour, whoever asks for them and whether somebody has it or not.
    pub async fn admit_link(&self, email: &EmailAddress) -> Result<(), TooMany> {
        self.limits.take(LINKS_PER_ACCOUNT, &email.key()).await
    }

    /// 3 links to a new password an hour for one address.
    pub(super) async fn admit_forgot(&self, email: &EmailAddress) -> Result<(), TooMany> {
        self.limits.take(FORGOT_PER_ACCOUNT, &email.key()).await
    }

    /// 3 other addresses an hour for one user.
    pub(super) async fn admit_move(&self, user_id: i64) -> Result<(), TooMany> {
        self.limits.take(MOVES_PER_USER, &user_id.to_string()).await
    }

    /// 5 tries a minute to show that one knows one's own password.
    pub(super) async fn admit_password(&self, user_id: i64) -> Result<(), TooMany> {
        let user = user_id.to_string();
        self.limits.take(PASSWORDS_PER_USER, &user).await
    }

    /// The token of a mailed link without its MAC. 422 without a query if it was not issued here.
    pub(super) fn mailed_token(&self, given: &str) -> Result<String, ApiError> {
        let token = self.mailed_tokens.verify(given);
        token.map(str::to_owned).ok_or_else(ApiError::token_invalid)
    }

    /// The answer to somebody who is in: an access token in the body, the refresh token in the cookie.
    pub(super) fn welcome(&self, opened: &Opened, user: Me) -> Result<HttpResponse, ApiError> {
        let access_token = self
            .tokens
            .issue(opened.user_id, opened.session_id, self.clock.now())
            .map_err(ApiError::internal)?;
        let answer = HttpResponse::Ok()
            .cookie(self.cookie.carrying(&opened.token))
            .json(SignedIn {
                access_token,
                token_type: "Bearer",
                expires_in: ACCESS_LIFETIME_S,
                user,
            });
        Ok(unstored(answer))
    }
}

/// Nothing of what is answered here may stay in a cache.
pub(super) fn unstored(mut answer: HttpResponse) -> HttpResponse {
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
