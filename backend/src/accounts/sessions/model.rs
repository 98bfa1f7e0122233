//! The session as its user sees it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A browser or program that is signed in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct UserSession {
    #[schema(example = 42, minimum = 1)]
    pub id: i64,
    /// The `User-Agent` at sign-in; may be empty.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0")]
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    /// When its access token was last renewed.
    pub last_used_at: DateTime<Utc>,
    /// Whether this request was made in it.
    pub is_current: bool,
}

/// The live sessions of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
pub struct UserSessions {
    pub items: Vec<UserSession>,
}
