//! Requests and responses of `/auth`. They are not `Debug`, because they contain passwords and tokens.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::password;
use crate::accounts::users::model::Me;
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::web::field::{single_line, time_zone, trimmed};

/// A new account. It can be used once its address has been confirmed.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
    /// Any characters. The most common passwords are rejected.
    #[validate(custom(function = "acceptable"))]
    #[schema(example = "correct horse battery staple", min_length = 8, max_length = 256, format = Password)]
    pub password: String,
    #[serde(default, deserialize_with = "trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Ada Lovelace", max_length = 200)]
    pub full_name: String,
    /// Language of the mails to this user.
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

/// The address to which the link is sent again.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendConfirmation {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
}

/// The address of the account.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    #[schema(value_type = String, example = "ada@example.org", max_length = 254, format = Email)]
    pub email: EmailAddress,
}

/// The token of a mailed link, and the new password.
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

/// The current password and the new one.
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

/// The new address, and the password of the account.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    #[schema(value_type = String, example = "ada@example.net", max_length = 254, format = Email)]
    pub email: EmailAddress,
    #[validate(length(max = 256, code = "too_long"))]
    #[schema(example = "correct horse battery staple", max_length = 256, format = Password)]
    pub password: String,
}

/// Credentials of an account.
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

/// An access token and its user. The refresh token is in the cookie.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer", value_type = String)]
    pub token_type: &'static str,
    /// Lifetime in seconds.
    #[schema(example = 600)]
    pub expires_in: i64,
    pub user: Me,
}

/// Any 8 to 256 characters (NIST SP 800-63B), except for common passwords.
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
