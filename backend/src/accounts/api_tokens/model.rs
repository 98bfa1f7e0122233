//! The API token as its owner sees it. The token itself is only returned on creation.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::accounts::identity::TokenScope;
use crate::core::db::schema::api_tokens;
use crate::web::field::{filled, sensible_year, single_line, trimmed};

/// An API token.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = api_tokens)]
pub struct ApiToken {
    #[schema(example = 5, minimum = 1)]
    pub id: i64,
    #[schema(example = "Nightly import")]
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub scope: TokenScope,
    pub created_at: DateTime<Utc>,
    /// `null` if it does not expire.
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute; `null` if it has not been used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// All API tokens of a user.
#[derive(Serialize, ToSchema)]
pub struct ApiTokens {
    pub items: Vec<ApiToken>,
}

/// The created API token. Only this response contains the token itself.
#[derive(Serialize, ToSchema)]
pub struct CreatedApiToken {
    #[serde(flatten)]
    pub api_token: ApiToken,
    /// For `Authorization: Bearer …`.
    #[schema(example = "dsp_q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5K7x_2pQa")]
    pub token: String,
}

/// A new API token.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiToken {
    /// A name chosen by its owner.
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 100, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "Nightly import", min_length = 1, max_length = 100)]
    pub name: String,
    pub scope: TokenScope,
    /// When the token expires; without it, the token does not expire.
    #[serde(default)]
    #[validate(custom(function = "sensible_year"))]
    pub expires_at: Option<DateTime<Utc>>,
}
