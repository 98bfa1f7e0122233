//! The requests that let somebody in or keep others out, and the answers. None is `Debug`: they hold passwords and tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::password;
use crate::accounts::users::model::Me;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::web::field::{single_line, time_zone, trimmed};

/// A new account. It can be used once its address is confirmed.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
    /// Any characters. The commonest passwords are refused.
    #[validate(custom(function = "acceptable"))]
    #[schema(example = "correct horse battery staple", min_length = 8, max_length = 256, format = Password)]
    pub password: String,
    #[serde(default, deserialize_with = "trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    pub full_name: String,
    /// Of the mails to this user.
    #[serde(default = "english")]
    #[schema(default = "en")]
    pub language: Language,
    /// IANA name.
    #[serde(default = "utc")]
    #[validate(custom(function = "time_zone"))]
    #[schema(example = "Europe/Moscow", default = "UTC")]
    pub time_zone: String,
    /// The token of a mailed invitation, which is valid for this address only.
    #[serde(default)]
    #[validate(length(max = 200, code = "too_long"))]
    #[schema(
        example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5",
        max_length = 200
    )]
    pub invitation: Option<String>,
}

/// The token of a mailed link.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAddress {
    #[validate(length(max = 200, code = "too_long"))]
    #[schema(
        example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5",
        max_length = 200
    )]
    pub token: String,
}

/// Where the link is to be sent once more.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendConfirmation {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
}

/// Whose password is forgotten.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
}

/// The token of a mailed link, and the password that is to count.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    #[validate(length(max = 200, code = "too_long"))]
    #[schema(
        example = "q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5",
        max_length = 200
    )]
    pub token: String,
    #[validate(custom(function = "acceptable"))]
    #[schema(example = "correct horse battery staple", min_length = 8, max_length = 256, format = Password)]
    pub password: String,
}

/// The password that counts, and the one that is to.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    #[validate(length(max = 256, code = "too_long"))]
    #[schema(example = "correct horse battery staple", max_length = 256, format = Password)]
    pub current: String,
    #[validate(custom(function = "acceptable"))]
    #[schema(example = "battery staple correct horse", min_length = 8, max_length = 256, format = Password)]
    pub new: String,
}

/// The address that is to count, and the password that shows who asks.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    #[schema(value_type = String, example = "ada@example.net", max_length = 254, format = Email)]
    pub email: EmailAddress,
    #[validate(length(max = 256, code = "too_long"))]
    #[schema(example = "correct horse battery staple", max_length = 256, format = Password)]
    pub password: String,
}

/// A browser or program that is signed in.
#[derive(Serialize, ToSchema)]
pub struct Session {
    #[schema(example = 42, minimum = 1)]
    pub id: i64,
    /// What it called itself when it signed in; empty when it did not say.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64) Firefox/148.0")]
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    /// When its access token was renewed last.
    pub last_used_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The live sessions of one user.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    pub items: Vec<Session>,
}

/// What somebody signs in with.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[serde(deserialize_with = "trimmed")]
    #[validate(length(max = 254, code = "too_long"))]
    #[schema(example = "ada@example.org", max_length = 254)]
    pub email: String,
    #[validate(length(max = 256, code = "too_long"))]
    #[schema(example = "correct horse battery staple", max_length = 256, format = Password)]
    pub password: String,
}

/// An access token and whom it stands for. The refresh token is in the cookie.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer", value_type = String)]
    pub token_type: &'static str,
    /// Seconds.
    #[schema(example = 600)]
    pub expires_in: i64,
    pub user: Me,
}

/// 8–256 characters, whatever they are (NIST SP 800-63B), and not what everybody tries first.
fn acceptable(password: &str) -> Result<(), ValidationError> {
    let code = match password.chars().count() {
        0 => "required",
        1..=7 => "too_short",
        257.. => "too_long",
        _ if password::is_common(password) => "common_password",
        _ => return Ok(()),
    };
    Err(ValidationError::new(code))
}

fn english() -> Language {
    Language::En
}

fn utc() -> String {
    "UTC".to_owned()
}
