//! The user as staff see it, and the requests of staff.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::model::avatar_url;
use crate::accounts::identity::{Role, UserRef};
use crate::core::paging::Paging;
use crate::web::page::{default_per_page, first_page};

/// A user of the service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = "ada@example.org")]
    pub email: String,
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    pub role: Role,
    /// Whether the address is confirmed, which is required to sign in.
    pub is_confirmed: bool,
    pub blocked: Option<Blocked>,
    #[schema(example = 12, minimum = 0)]
    pub mailings_count: i64,
    #[schema(example = 2000, minimum = 0)]
    pub recipients_count: i64,
    pub created_at: DateTime<Utc>,
    /// When one of their sessions was last refreshed; a browser in use does so every ten minutes.
    pub last_seen_at: Option<DateTime<Utc>>,
    #[serde(rename = "avatar_url", serialize_with = "avatar_url")]
    #[schema(example = "/api/v1/avatars/q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")]
    pub avatar: Option<String>,
}

/// Since when, by whom and why a user is blocked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Blocked {
    pub at: DateTime<Utc>,
    /// The manager; `null` if that account has been deleted.
    pub by: Option<UserRef>,
    #[schema(example = "Sends to bought addresses")]
    pub reason: String,
}

/// Which users to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// Counts from 1.
    #[serde(default = "first_page")]
    #[validate(range(min = 1, max = 1_000_000, code = "out_of_range"))]
    #[param(default = 1, minimum = 1, maximum = 1_000_000)]
    pub page: u32,
    #[serde(default = "default_per_page")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub per_page: u32,
    #[serde(default)]
    #[param(inline)]
    pub sort: UserSort,
    /// Part of the address or the name, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "ada")]
    pub q: Option<String>,
    pub role: Option<Role>,
    /// Only blocked users, or only those who are not blocked.
    pub blocked: Option<bool>,
}

impl UserQuery {
    /// The requested page.
    pub fn paging(&self) -> Paging {
        Paging {
            page: self.page,
            per_page: self.per_page,
        }
    }
}

/// The order of the list; a minus sign means descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum UserSort {
    #[serde(rename = "created_at")]
    Oldest,
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "-email")]
    EmailDescending,
    #[serde(rename = "full_name")]
    FullName,
    #[serde(rename = "-full_name")]
    FullNameDescending,
}

/// The role to assign.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    pub role: Role,
}
