//! `Caller`: who makes an authenticated request, and the rules of `role` as errors of the API.

use diesel::QueryResult;

use super::role::Role;
use super::token_scope::TokenScope;
use crate::core::owners::Owners;
use crate::web::error::ApiError;

/// A user who is confirmed and not blocked, or a program with one of their API tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: i64,
    pub role: Role,
    pub credential: CredentialKind,
}

/// How the request was authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// An access token of this session.
    Session(i64),
    /// An API token.
    ApiToken(TokenScope),
}

/// A caller with an access token of a session; API tokens are refused. For operations on the account itself, so that a
/// leaked API token cannot take it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCaller {
    pub user_id: i64,
    pub session_id: i64,
    pub role: Role,
}

/// The client of an operation that ignores authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anonymous;

impl Caller {
    /// Requires a role that may have recipients, messages and mailings, or fails with 403.
    pub fn require_write_access(self) -> Result<Self, ApiError> {
        if self.role.has_write_access() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("Managers have read-only access."))
        }
    }

    /// Requires a manager or an administrator, or fails with 403.
    pub fn require_manager(self) -> Result<Self, ApiError> {
        if self.role.is_staff() {
            Ok(self)
        } else {
            Err(ApiError::forbidden("Requires the role of a manager."))
        }
    }

    /// Requires an administrator, or fails with 403.
    pub fn require_admin(self) -> Result<Self, ApiError> {
        if self.role.is_admin() {
            Ok(self)
        } else {
            Err(ApiError::forbidden(
                "Requires the role of an administrator.",
            ))
        }
    }

    /// Requires credentials that permit writing, unless the request only reads.
    pub(in crate::accounts) fn require_scope(self, is_read: bool) -> Result<Self, ApiError> {
        if self.credential == CredentialKind::ApiToken(TokenScope::Read) && !is_read {
            Err(ApiError::refused(
                "token_read_only",
                "This API token has read-only access.",
            ))
        } else {
            Ok(self)
        }
    }

    /// Requires an access token of a session, or fails with 403.
    pub(in crate::accounts) fn require_session(self) -> Result<SessionCaller, ApiError> {
        match self.credential {
            CredentialKind::Session(session_id) => Ok(SessionCaller {
                user_id: self.user_id,
                session_id,
                role: self.role,
            }),
            CredentialKind::ApiToken(_) => Err(ApiError::refused(
                "token_not_allowed",
                "Not available to API tokens; sign in.",
            )),
        }
    }

    /// The owners whose data the caller may read.
    pub fn scope(self) -> Owners {
        self.role.scope(self.user_id)
    }

    /// The owners whose data a list contains: all that the caller may read, or the requested one; 403 if the caller may not
    /// read it.
    pub fn scope_for(self, owner_id: Option<i64>) -> Result<Owners, ApiError> {
        let scope = self.scope().narrowed_to(owner_id);
        scope.ok_or_else(|| {
            ApiError::forbidden("You can only list your own data; leave owner_id out.")
        })
    }

    /// Looks up the owner of what the caller is about to change, within the caller's scope. What is not visible does not
    /// exist (404); what is visible but belongs to another user cannot be changed (403). Returns the owner's id.
    pub fn require_ownership(
        self,
        owner_of: impl FnOnce(Owners) -> QueryResult<i64>,
    ) -> Result<i64, ApiError> {
        let owner_id = owner_of(self.scope())?;
        if self.role.may_change(self.user_id, owner_id) {
            Ok(owner_id)
        } else {
            Err(ApiError::forbidden("You have read-only access to this."))
        }
    }
}
