//! Extractors for handlers: [`Caller`], [`SessionCaller`], [`Visitor`] and [`Anonymous`]. The token only names the session
//! or API token; the role and whether the account is active are read from the database, at most 5 s old.

use std::future::{Ready, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError};

use super::bearer_token::BearerToken;
use super::resolver::RateLimitKey;
use crate::accounts::identity::{Anonymous, Caller, SessionCaller, Visitor};
use crate::web::authenticated_user::AuthenticatedUser;
use crate::web::error::ApiError;
use crate::web::limits::Limits;

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_read = matches!(*req.method(), Method::GET | Method::HEAD);
        let caller = identify(req);
        Box::pin(async move { caller.await?.require_scope(is_read) })
    }
}

impl FromRequest for SessionCaller {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = identify(req);
        Box::pin(async move { caller.await?.require_session() })
    }
}

impl FromRequest for Visitor {
    type Error = ApiError;
    type Future = Extracting<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !req.headers().contains_key(AUTHORIZATION) {
            return Box::pin(async { Ok(Self::Anonymous) });
        }
        let caller = Caller::from_request(req, payload);
        Box::pin(async move {
            match caller.await {
                Ok(caller) => Ok(Self::SignedIn(caller)),
                Err(error) if error.status_code() == StatusCode::UNAUTHORIZED => {
                    Ok(Self::InvalidToken)
                }
                Err(error) => Err(error),
            }
        })
    }
}

impl FromRequest for Anonymous {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

/// Resolves the caller of this request. The request is counted before the database is queried.
fn identify(req: &HttpRequest) -> impl Future<Output = Result<Caller, ApiError>> + use<> {
    let token = BearerToken::of(req);
    let limits = req.app_data::<Data<Limits>>().cloned();
    let req = req.clone();
    async move {
        let limits =
            limits.ok_or_else(|| ApiError::internal("the application data is incomplete"))?;
        let token = token?;
        let key = token
            .rate_limit_key()
            .ok_or_else(ApiError::unauthenticated)?;
        key.admit(&limits).await?;
        let caller = token.caller().await?;
        if matches!(key, RateLimitKey::Token(_)) {
            RateLimitKey::User(caller.user_id).admit(&limits).await?;
        }
        req.extensions_mut()
            .insert(AuthenticatedUser(caller.user_id));
        Ok(caller)
    }
}
