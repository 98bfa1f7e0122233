//! The state of a mail server, and its rate limit.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable};

use crate::core::named::named;

named! {
    /// Why the circuit breaker of a mail server is open.
    #[schema(as = MailServerTrouble)]
    pub enum Trouble {
        /// No connection, or no usable SMTP conversation.
        Unreachable = "mail_server_unreachable",
        /// Its certificate is not trusted, or it rejects the credentials.
        Refuses = "mail_server_refuses",
        /// It receives mails completely but does not confirm them: further attempts could produce duplicates.
        DoesNotConfirm = "mail_server_does_not_confirm",
    }
}

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
