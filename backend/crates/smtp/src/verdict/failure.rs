//! Why a mail was not accepted: where, how, and in which words of the server. Pure.

use std::{error::Error, fmt};

use super::{Cause, Verdict};
use crate::reply::{Answer, Reply, Stage};

/// What went wrong, before looking at what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A complete 4xx or 5xx reply.
    Refused,
    /// The step was not finished in its time.
    Timeout,
    /// The name has no address.
    NotFound,
    /// Connection refused, reset or closed.
    Closed,
    /// 3xx or garbage where 2xx is due, over-long or unasked-for replies.
    Protocol,
    /// The TLS handshake failed for another reason than the certificate.
    Tls,
    /// The server uses implicit TLS, but its settings start in clear text.
    ExpectsTls,
    /// The server starts in clear text, but its settings require implicit TLS.
    BeginsInClear,
    /// The server's certificate is not to be trusted.
    Certificate,
    /// The server does not offer what its settings demand: STARTTLS or a way to authenticate.
    NotOffered,
    /// It leads where servers of users may not be.
    NotAllowed,
    /// What is known of the server cannot be read, or used.
    Unreadable,
    /// This mail cannot be handed to this server: nothing was sent.
    Unsendable,
}

/// Why a mail was not accepted, with all that its attempt row needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub stage: Stage,
    pub fault: Fault,
    /// The server's words, where they were a complete reply, also one that was not due.
    pub reply: Option<Reply>,
    /// What happened, for people; the reply's words are not repeated here.
    pub detail: String,
}

impl Failure {
    pub fn new(stage: Stage, fault: Fault, detail: impl fmt::Display) -> Self {
        Self {
            stage,
            fault,
            reply: None,
            detail: detail.to_string(),
        }
    }

    /// The reply, if it is the one that the stage waits for.
    pub(crate) fn judge(stage: Stage, reply: Reply) -> Result<Reply, Self> {
        let (fault, detail) = match stage.answer(reply.code) {
            Answer::Expected => return Ok(reply),
            Answer::Refused => (Fault::Refused, "refused by the server"),
            Answer::Wrong => (Fault::Protocol, "not the reply that was due"),
        };
        Err(Self {
            reply: Some(reply),
            ..Self::new(stage, fault, detail)
        })
    }

    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.stage, self.fault, self.reply.as_ref())
    }

    /// No connection could be established for now.
    pub fn is_refused_connection(&self) -> bool {
        self.stage < Stage::Mail
            && matches!(self.fault, Fault::Closed | Fault::Refused)
            && !self.refuses_credentials()
    }

    /// The server rejected the user name or the password: retries would be pointless.
    pub fn refuses_credentials(&self) -> bool {
        self.stage == Stage::Auth
            && self.fault == Fault::Refused
            && self.verdict().cause == Cause::Configuration
    }

    /// The server closed the connection, or announced that.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self.fault, Fault::Closed | Fault::Tls)
            || self.reply.as_ref().is_some_and(Reply::is_closing)
    }

    /// A clear no, after which both sides still agree on where they are.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        self.fault == Fault::Refused && !self.reply.as_ref().is_some_and(Reply::is_closing)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.detail)?;
        self.reply
            .as_ref()
            .map_or(Ok(()), |reply| write!(f, ": {reply}"))
    }
}

impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_credentials_are_no_refusal_of_a_connection() {
        for (stage, code, is_connection, is_credentials) in [
            (Stage::Greeting, 421, true, false),
            (Stage::Greeting, 554, true, false),
            (Stage::Auth, 421, true, false),
            (Stage::Auth, 454, true, false),
            (Stage::Auth, 535, false, true),
            (Stage::Mail, 535, false, false),
        ] {
            let reply = Reply {
                code,
                enhanced: None,
                text: String::new(),
            };
            let failure = Failure::judge(stage, reply).unwrap_err();
            assert_eq!(
                (
                    failure.is_refused_connection(),
                    failure.refuses_credentials()
                ),
                (is_connection, is_credentials),
                "{failure}"
            );
        }
    }
}
