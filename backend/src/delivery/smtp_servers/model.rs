//! The SMTP server of a user and its requests. Passwords and keys are write-only.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use validator::Validate;

use super::dkim::{CreateDkim, Dkim, SigningWarning, UpdateDkim};
use super::fields::{SubmittedSecret, is_ehlo_name, is_host, is_password, is_sender};
use super::session_limits::SmtpSessionLimit;
use crate::core::db::schema::smtp_servers;
use crate::core::email_address::EmailAddress;
use crate::core::text_enum::text_enum;
use crate::web::field::{
    filled, nullable, nullable_trimmed, present, present_trimmed, single_line, trimmed,
};

/// How the connection is encrypted. Without the chosen encryption nothing is sent.
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
#[schema(as = SmtpTls)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Encryption {
    None,
    #[serde(rename = "starttls")]
    #[strum(serialize = "starttls")]
    StartTls,
    Implicit,
}

text_enum!(Encryption);

/// An SMTP server that the mailings of its owner can be sent through.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SmtpServer {
    #[schema(example = 4, minimum = 1)]
    pub id: i64,
    #[schema(example = "Our own")]
    pub name: String,
    #[schema(example = "mail.example.org")]
    pub host: String,
    #[schema(example = 587, minimum = 1, maximum = 65535)]
    pub port: i32,
    pub tls: Encryption,
    #[schema(example = "news")]
    pub username: Option<String>,
    pub has_password: bool,
    /// The sender of the mails.
    #[schema(example = "news@example.org")]
    pub from_email: String,
    #[schema(example = "Example News")]
    pub from_name: Option<String>,
    /// Maximum number of mails a second; 0 means no limit.
    #[schema(example = 10, minimum = 0)]
    pub rate_per_second: i32,
    #[schema(example = 0, minimum = 0)]
    pub rate_per_hour: i32,
    /// Maximum number of concurrent connections of the whole installation.
    #[schema(example = 2, minimum = 1, maximum = 16)]
    pub sessions: i32,
    /// Number of sessions in use because the server refuses further connections. One more is tried every few minutes.
    pub session_limit: Option<SmtpSessionLimit>,
    /// The EHLO name of the service; `null`: the same as for the installation's server.
    #[schema(example = "mail.example.org")]
    pub ehlo_name: Option<String>,
    /// Mails are signed with it.
    pub dkim: Option<Dkim>,
    /// Why receivers may ignore the signature. Mails are sent nevertheless.
    pub warnings: Vec<SigningWarning>,
    /// Number of mailings that use it.
    #[schema(example = 1, minimum = 0)]
    pub mailings_count: i64,
    /// When a test last succeeded.
    pub checked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A row of the table.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = smtp_servers)]
pub struct SmtpServerRow {
    pub id: i64,
    pub owner_id: i64,
    pub name: String,
    pub host: String,
    pub port: i32,
    #[diesel(deserialize_as = String)]
    pub tls: Encryption,
    pub username: Option<String>,
    /// Encrypted.
    pub password: Option<Vec<u8>>,
    pub from_email: String,
    pub from_name: Option<String>,
    pub rate_per_second: i32,
    pub rate_per_hour: i32,
    pub sessions: i32,
    pub dkim_domain: Option<String>,
    pub dkim_selector: Option<String>,
    /// Encrypted.
    pub dkim_key: Option<Vec<u8>>,
    pub revision: i32,
    pub checked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub ehlo_name: Option<String>,
    /// Algorithm of the key; unknown if it was stored before this was recorded.
    pub dkim_algorithm: Option<String>,
}

/// A new mail server.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSmtpServer {
    /// The name shown to its owner.
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 100, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "Our own", min_length = 1, max_length = 100)]
    pub name: String,
    /// A name or an address.
    #[serde(deserialize_with = "trimmed")]
    #[validate(custom(function = "filled"), custom(function = "is_host"))]
    #[schema(example = "mail.example.org", min_length = 1, max_length = 253)]
    pub host: String,
    #[validate(range(min = 1, code = "out_of_range"))]
    #[schema(example = 587, minimum = 1, maximum = 65535)]
    pub port: u16,
    pub tls: Encryption,
    #[serde(default)]
    #[validate(
        length(min = 1, max = 255, code = "out_of_range"),
        custom(function = "single_line")
    )]
    #[schema(example = "news", min_length = 1, max_length = 255)]
    pub username: Option<String>,
    /// Kept encrypted, never shown.
    #[serde(default)]
    #[validate(custom(function = "is_password"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000, write_only)]
    pub password: Option<SubmittedSecret>,
    #[validate(custom(function = "is_sender"))]
    #[schema(value_type = String, example = "news@example.org", max_length = 254, format = Email)]
    pub from_email: EmailAddress,
    #[serde(default, deserialize_with = "trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "Example News", max_length = 200)]
    pub from_name: Option<String>,
    /// Maximum number of mails a second; 0 means no limit.
    #[serde(default)]
    #[validate(range(max = 100_000, code = "out_of_range"))]
    #[schema(default = 0, maximum = 100_000)]
    pub rate_per_second: u32,
    /// Maximum number of mails an hour; 0 means no limit.
    #[serde(default)]
    #[validate(range(max = 100_000_000, code = "out_of_range"))]
    #[schema(default = 0, maximum = 100_000_000)]
    pub rate_per_hour: u32,
    /// Maximum number of concurrent connections of the whole installation.
    #[serde(default = "two")]
    #[validate(range(min = 1, max = 16, code = "out_of_range"))]
    #[schema(default = 2, minimum = 1, maximum = 16)]
    pub sessions: u8,
    /// The EHLO name of the service: a name with its domain, or an address such as `[192.0.2.1]` or
    /// `[IPv6:2001:db8::1]`. By default the same as for the installation's server.
    #[serde(default)]
    #[validate(custom(function = "is_ehlo_name"))]
    #[schema(example = "mail.example.org", min_length = 1, max_length = 253)]
    pub ehlo_name: Option<String>,
    #[serde(default)]
    #[validate(nested)]
    pub dkim: Option<CreateDkim>,
}

const fn two() -> u8 {
    2
}

/// Changes to an SMTP server; absent fields are not changed. They take effect within seconds, also for open runs.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateSmtpServer {
    #[serde(default, deserialize_with = "present_trimmed")]
    #[validate(
        length(max = 100, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(
        example = "Our own",
        min_length = 1,
        max_length = 100,
        nullable = false
    )]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present_trimmed")]
    #[validate(custom(function = "filled"), custom(function = "is_host"))]
    #[schema(
        example = "mail.example.org",
        min_length = 1,
        max_length = 253,
        nullable = false
    )]
    pub host: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[validate(range(min = 1, code = "out_of_range"))]
    #[schema(example = 587, minimum = 1, maximum = 65535, nullable = false)]
    pub port: Option<u16>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub tls: Option<Encryption>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(
        length(min = 1, max = 255, code = "out_of_range"),
        custom(function = "single_line")
    )]
    #[schema(value_type = Option<String>, example = "news", min_length = 1, max_length = 255)]
    pub username: Option<Option<String>>,
    /// `null` removes it; the server is then used without authentication.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(custom(function = "is_password"))]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1000, write_only)]
    pub password: Option<Option<SubmittedSecret>>,
    #[serde(default, deserialize_with = "present")]
    #[validate(custom(function = "is_sender"))]
    #[schema(value_type = Option<String>, example = "news@example.org", max_length = 254, format = Email, nullable = false)]
    pub from_email: Option<EmailAddress>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "nullable_trimmed")]
    #[validate(length(max = 200, code = "too_long"), custom(function = "single_line"))]
    #[schema(value_type = Option<String>, example = "Example News", max_length = 200)]
    pub from_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[validate(range(max = 100_000, code = "out_of_range"))]
    #[schema(maximum = 100_000, nullable = false)]
    pub rate_per_second: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    #[validate(range(max = 100_000_000, code = "out_of_range"))]
    #[schema(maximum = 100_000_000, nullable = false)]
    pub rate_per_hour: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    #[validate(range(min = 1, max = 16, code = "out_of_range"))]
    #[schema(minimum = 1, maximum = 16, nullable = false)]
    pub sessions: Option<u8>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(custom(function = "is_ehlo_name"))]
    #[schema(value_type = Option<String>, example = "mail.example.org", min_length = 1, max_length = 253)]
    pub ehlo_name: Option<Option<String>>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[validate(nested)]
    #[schema(value_type = Option<UpdateDkim>)]
    pub dkim: Option<Option<UpdateDkim>>,
}
