//! What a server's mails are signed with. The key comes in and never goes out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::fields::{Secret, is_domain, is_key, is_selector};
use crate::http::field::trimmed;

/// What mails are signed with (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dkim {
    #[schema(example = "example.org")]
    pub domain: String,
    #[schema(example = "dispatch")]
    pub selector: String,
    pub has_key: bool,
}

/// A key to sign mails with: Ed25519, or RSA of 2048 bits at least.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDkim {
    #[serde(deserialize_with = "trimmed")]
    #[validate(custom(function = "is_domain"))]
    #[schema(example = "example.org", min_length = 1, max_length = 253)]
    pub domain: String,
    #[serde(deserialize_with = "trimmed")]
    #[validate(custom(function = "is_selector"))]
    #[schema(example = "dispatch", min_length = 1, max_length = 63)]
    pub selector: String,
    /// In PEM. Kept sealed, never shown.
    #[validate(custom(function = "is_key"))]
    #[schema(value_type = String, min_length = 1, max_length = 20_000, write_only)]
    pub private_key: Secret,
}

/// The same, of a server that may have a key already: it stays where none is given.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateDkim {
    #[serde(deserialize_with = "trimmed")]
    #[validate(custom(function = "is_domain"))]
    #[schema(example = "example.org", min_length = 1, max_length = 253)]
    pub domain: String,
    #[serde(deserialize_with = "trimmed")]
    #[validate(custom(function = "is_selector"))]
    #[schema(example = "dispatch", min_length = 1, max_length = 63)]
    pub selector: String,
    #[serde(default)]
    #[validate(custom(function = "is_key"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 20_000, write_only)]
    pub private_key: Option<Secret>,
}
