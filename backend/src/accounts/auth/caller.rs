//! `Caller`: who makes the request. The token only names the session; role and standing are read, at most 5 s old. An API
//! token acts as its owner, but not on the account itself: see `Person`.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::callers::Subject;
use super::credentials::Credentials;
use super::policy::Role;
use crate::accounts::api_tokens::model::Scope;
use crate::web::cached::MadeBy;
use crate::web::error::ApiError;
use crate::web::limits::Limits;

/// Somebody signed in, or a program that acts for them, in good standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i64,
    pub role: Role,
    pub means: Means,
}

/// What the caller has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// An access token of this session.
    Session(i64),
    /// An API token.
    Token(Scope),
}

/// A caller who has signed in, not a program with an API token: for what a leaked token must not reach, the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
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

    /// The caller, if what they have shown is good for this method.
    fn who_may_use(self, method: &Method) -> Result<Self, ApiError> {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if self.means == Means::Token(Scope::Read) && !reads {
            Err(ApiError::refused(
                "token_read_only",
                "This API token may only read.",
            ))
        } else {
            Ok(self)
        }
    }

    fn in_person(self) -> Result<Person, ApiError> {
        match self.means {
            Means::Session(session_id) => Ok(Person {
                user_id: self.user_id,
                session_id,
                role: self.role,
            }),
            Means::Token(_) => Err(ApiError::refused(
                "token_not_allowed",
                "API tokens do not reach this; sign in.",
            )),
        }
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Answer<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (caller, method) = (identified(req), req.method().clone());
        Box::pin(async move { caller.await?.who_may_use(&method) })
    }
}

impl FromRequest for Person {
    type Error = ApiError;
    type Future = Answer<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = identified(req);
        Box::pin(async move { caller.await?.in_person() })
    }
}

/// Resolves the caller of this request. The request is counted before the database is queried.
fn identified(req: &HttpRequest) -> impl Future<Output = Result<Caller, ApiError>> + use<> {
    let credentials = Credentials::of(req);
    let limits = req.app_data::<Data<Limits>>().cloned();
    let req = req.clone();
    async move {
        let limits = limits.ok_or_else(|| ApiError::internal("the app lacks its data"))?;
        let credentials = credentials?;
        let subject = credentials
            .subject()
            .ok_or_else(ApiError::unauthenticated)?;
        subject.admit(&limits).await?;
        let caller = credentials.caller().await?;
        if matches!(subject, Subject::Token(_)) {
            Subject::User(caller.user_id).admit(&limits).await?;
        }
        req.extensions_mut().insert(MadeBy(caller.user_id));
        Ok(caller)
    }
}
