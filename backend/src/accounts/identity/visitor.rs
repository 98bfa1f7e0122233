//! `Visitor`: the reader of public content. Staff see more of it.

use super::caller::Caller;
use crate::web::error::ApiError;

/// Who makes a request that requires no authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    Anonymous,
    /// The token is invalid, expired or revoked. Reported only where a valid one could have shown more.
    InvalidToken,
    SignedIn(Caller),
}

impl Visitor {
    /// Whether this is a manager or an administrator.
    pub fn is_staff(self) -> bool {
        matches!(self, Self::SignedIn(caller) if caller.role.is_staff())
    }

    /// The error for requests that only staff may make: 401 or 403.
    pub fn refusal(self) -> ApiError {
        match self {
            Self::SignedIn(_) => ApiError::forbidden("Requires the role of a manager."),
            Self::Anonymous | Self::InvalidToken => ApiError::unauthenticated(),
        }
    }

    /// The error for content that is not visible: 404, or 401 if a valid token might show it.
    pub fn missing(self) -> ApiError {
        match self {
            Self::InvalidToken => ApiError::unauthenticated(),
            Self::Anonymous | Self::SignedIn(_) => ApiError::not_found(),
        }
    }
}
