//! The API token as its owner sees it. The token itself is shown once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::core::db::schema::api_tokens;
use crate::core::named::named;
use crate::web::field::{filled, sensible_year, single_line, trimmed};

named! {
    /// How far a token reaches: reading only, or all that its owner may do.
    pub enum Scope {
        Read = "read",
        Full = "full",
    }
}

/// An API token.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = api_tokens)]
pub struct ApiToken {
    #[schema(example = 5, minimum = 1)]
    pub id: i64,
    #[schema(example = "Nightly import")]
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub scope: Scope,
    pub created_at: DateTime<Utc>,
    /// `null`: it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute; `null`: never.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// All API tokens of one user.
#[derive(Serialize, ToSchema)]
pub struct ApiTokens {
    pub items: Vec<ApiToken>,
}

/// A new API token. The only answer that holds the token itself.
#[derive(Serialize, ToSchema)]
pub struct CreatedApiToken {
    #[serde(flatten)]
    pub api_token: ApiToken,
    /// For `Authorization: Bearer …`.
    #[schema(example = "dsp_q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5K7x_2pQa")]
    pub token: String,
}

/// An API token to be made.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiToken {
    /// What it is for, in its owner's words.
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 100, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "Nightly import", min_length = 1, max_length = 100)]
    pub name: String,
    pub scope: Scope,
    /// Good until then; without it the token does not expire.
    #[serde(default)]
    #[validate(custom(function = "sensible_year"))]
    pub expires_at: Option<DateTime<Utc>>,
}
