//! What a server's mails are signed with. The key comes in and never goes out.

use serde::{Deserialize, Serialize};
use smtp::dkim::{Algorithm, DkimKey, is_aligned};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use validator::Validate;

use super::fields::{SubmittedSecret, is_domain, is_key, is_selector};
use super::model::SmtpServerRow;
use crate::core::text_enum::text_enum;
use crate::web::field::trimmed;

/// Why receivers may ignore a signature.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum SigningWarning {
    /// The signing domain differs from the sender's, so the signature does not count for DMARC.
    DkimNotAligned,
    /// The only signature is an Ed25519 one, which many receivers cannot verify: they require RSA.
    DkimEd25519Alone,
}

text_enum!(SigningWarning);

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
    /// In PEM. Kept encrypted, never shown.
    #[validate(custom(function = "is_key"))]
    #[schema(value_type = String, min_length = 1, max_length = 20_000, write_only)]
    pub private_key: SubmittedSecret,
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
    pub private_key: Option<SubmittedSecret>,
}

/// Warnings about a server's signature, whichever of sender and key was changed last.
pub fn warnings(server: &SmtpServerRow) -> Vec<SigningWarning> {
    let Some(domain) = &server.dkim_domain else {
        return Vec::new();
    };
    let (_, sender) = server.from_email.rsplit_once('@').unwrap_or_default();
    let is_ed25519 = server.dkim_algorithm.as_deref() == Some(Algorithm::Ed25519.as_str());
    [
        (!is_aligned(domain, sender), SigningWarning::DkimNotAligned),
        (is_ed25519, SigningWarning::DkimEd25519Alone),
    ]
    .into_iter()
    .filter_map(|(is_so, warning)| is_so.then_some(warning))
    .collect()
}

/// The algorithm of a key that has already been validated.
pub(super) fn algorithm_of(key: &SubmittedSecret) -> Option<&'static str> {
    let key = DkimKey::parse(key.reveal()).ok()?;
    Some(key.algorithm().as_str())
}
