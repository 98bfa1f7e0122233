//! Queued mails, their recipients and their contents.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::core::db::schema::{account_mails, users};
use crate::core::language::Language;
use crate::core::text_enum::text_enum;

/// The purpose of a mail.
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
pub enum MailKind {
    /// Contains the link that confirms an address.
    Confirm,
    /// After a sign-up with an address that is already registered.
    AlreadyRegistered,
    /// Contains the link that resets the password.
    Reset,
    PasswordChanged,
    /// Contains the link that changes the address of the account; sent to the new address.
    ConfirmEmail,
    /// Sent to the previous address of the account.
    EmailChanged,
    /// Contains the link that opens an account; sent to an address without one.
    Invitation,
    /// A test of a message, sent to its author.
    Test,
}

text_enum!(MailKind);

/// A mail that is due, claimed by one worker until its lease ends.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = account_mails)]
pub struct DueMail {
    pub id: i64,
    pub user_id: i64,
    #[diesel(deserialize_as = String)]
    pub kind: MailKind,
    pub to_email: String,
    /// The message to be tested; only for `MailKind::Test`.
    pub message_id: Option<i64>,
    /// The number of this attempt, starting at 1.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

/// The user to whom a mail is sent.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct MailUser {
    /// The current address of the user; the mail may be sent to another one.
    pub email: String,
    #[diesel(deserialize_as = String)]
    pub language: Language,
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// The content of a mail.
pub enum MailContent {
    /// A link that confirms the address.
    Confirm {
        token: String,
    },
    /// Sign-up with an address that has an account.
    AlreadyRegistered,
    /// A link to set a new password.
    Reset {
        token: String,
    },
    PasswordChanged,
    /// A link that changes the address of the account to this one.
    ConfirmEmail {
        token: String,
    },
    /// The account now has another address.
    EmailChanged,
    /// A link that opens an account.
    Invitation {
        token: String,
    },
}
