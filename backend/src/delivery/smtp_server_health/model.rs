//! What is wrong with a mail server, and how fast it may be given mails.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable};

use crate::core::named::named;

named! {
    /// Why a mail server is left alone for a while.
    #[schema(as = MailServerTrouble)]
    pub enum Trouble {
        /// Nobody there, or nobody who can be talked to.
        Unreachable = "mail_server_unreachable",
        /// Its certificate is not to be trusted, or it does not take our credentials.
        Refuses = "mail_server_refuses",
        /// It takes mails completely, but does not say whether it accepts them: each one more could be another copy.
        DoesNotConfirm = "mail_server_does_not_confirm",
    }
}

/// The server that mails leave through: the installation's, or one that a user has brought, as it was last changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, QueryableByName)]
pub struct SmtpServerKey {
    #[diesel(sql_type = Nullable<BigInt>)]
    pub smtp_server_id: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub smtp_server_revision: Option<i32>,
}

/// Mails that a server may be given; 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerRateLimit {
    pub per_second: u32,
    pub per_hour: u32,
}

impl ServerRateLimit {
    /// Whether there is a limit at all.
    pub const fn is_limited(self) -> bool {
        self.per_second > 0 || self.per_hour > 0
    }

    /// Mails for which a process gets leave at a time: a fifth of a second's worth.
    pub fn step(self) -> i64 {
        match self.per_second {
            0 => 20,
            per_second => i64::from(per_second / 5).max(1),
        }
    }
}
