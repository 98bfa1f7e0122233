//! A mail in the queue.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::{account_mails, users};
use crate::core::language::Language;
use crate::core::named::named;

named! {
    /// What a mail is for.
    pub enum Kind {
        /// Carries the link that confirms an address.
        Confirm = "confirm",
        /// Somebody signed up with an address that is in use already.
        AlreadyRegistered = "already_registered",
        /// Carries the link that sets a new password.
        Reset = "reset",
        PasswordChanged = "password_changed",
        /// Carries the link that moves an account to the address it goes to.
        ConfirmEmail = "confirm_email",
        /// Goes to the address that an account had before.
        EmailChanged = "email_changed",
        /// Contains the link that opens an account; sent to an address without one.
        Invitation = "invitation",
        /// A message as its author wants to see it.
        Test = "test",
    }
}

/// A mail that is due, claimed by one worker until its lease ends.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = account_mails)]
pub struct DueMail {
    pub id: i64,
    pub user_id: i64,
    #[diesel(deserialize_as = String)]
    pub kind: Kind,
    pub to_email: String,
    /// The message to be tried out; for `Kind::Test` only.
    pub message_id: Option<i64>,
    /// Which attempt this is; the first is 1.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

/// What a mail's wording depends on.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Addressee {
    /// The user's address now; the mail may go to another one.
    pub email: String,
    #[diesel(deserialize_as = String)]
    pub language: Language,
    pub confirmed_at: Option<DateTime<Utc>>,
}
