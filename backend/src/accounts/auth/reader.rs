//! `Reader`: who reads what is open to everybody. Staff is shown more of it.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, ResponseError};

use super::caller::Caller;
use crate::web::error::ApiError;

/// Somebody who need not say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    Anybody,
    /// Their token is worth nothing, perhaps not any more: they are told so where they would see more with a good one.
    Unknown,
    Known(Caller),
}

impl Reader {
    /// Whether they oversee others.
    pub fn is_staff(self) -> bool {
        matches!(self, Self::Known(caller) if caller.role.may_oversee())
    }

    /// What they are told of something that only staff may ask for: 401 or 403.
    pub fn refusal(self) -> ApiError {
        match self {
            Self::Known(_) => ApiError::forbidden("This is for managers."),
            Self::Anybody | Self::Unknown => ApiError::unauthenticated(),
        }
    }

    /// What they are told of something that they do not see: 404, or 401 where a good token might show it.
    pub fn missing(self) -> ApiError {
        match self {
            Self::Unknown => ApiError::unauthenticated(),
            Self::Anybody | Self::Known(_) => ApiError::not_found(),
        }
    }
}

impl FromRequest for Reader {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !req.headers().contains_key(AUTHORIZATION) {
            return Box::pin(async { Ok(Self::Anybody) });
        }
        let caller = Caller::from_request(req, payload);
        Box::pin(async move {
            match caller.await {
                Ok(caller) => Ok(Self::Known(caller)),
                Err(error) if error.status_code() == StatusCode::UNAUTHORIZED => Ok(Self::Unknown),
                Err(error) => Err(error),
            }
        })
    }
}
