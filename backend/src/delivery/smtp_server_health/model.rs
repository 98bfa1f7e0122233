//! The state of a mail server, and its rate limit.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::core::text_enum::text_enum;

/// Why the circuit breaker of a mail server is open.
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
#[schema(as = MailServerTrouble)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Trouble {
    /// No connection, or no usable SMTP conversation.
    #[serde(rename = "mail_server_unreachable")]
    #[strum(serialize = "mail_server_unreachable")]
    Unreachable,
    /// Its certificate is not trusted, or it rejects the credentials.
    #[serde(rename = "mail_server_refuses")]
    #[strum(serialize = "mail_server_refuses")]
    Refuses,
    /// It receives mails completely but does not confirm them: further attempts could produce duplicates.
    #[serde(rename = "mail_server_does_not_confirm")]
    #[strum(serialize = "mail_server_does_not_confirm")]
    DoesNotConfirm,
}

text_enum!(Trouble);

/// The server that sends a mail: the installation's, or a user's in its current revision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, QueryableByName)]
pub struct SmtpServerKey {
    #[diesel(sql_type = Nullable<BigInt>)]
    pub smtp_server_id: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub smtp_server_revision: Option<i32>,
}

/// A server by name, and the revision of a user's server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerRevision<'a> {
    pub name: &'a str,
    /// `None` for the installation's server.
    pub revision: Option<i32>,
}

/// The rate limit of a server; 0 means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerRateLimit {
    pub per_second: u32,
    pub per_hour: u32,
}

impl ServerRateLimit {
    /// Whether there is a limit.
    pub const fn is_limited(self) -> bool {
        self.per_second > 0 || self.per_hour > 0
    }

    /// Tokens that a process takes at once: those of a fifth of a second.
    pub fn step(self) -> i64 {
        match self.per_second {
            0 => 20,
            per_second => i64::from(per_second / 5).max(1),
        }
    }
}
