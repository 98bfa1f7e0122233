//! Why a mail was not accepted: stage, class and reply. Pure.

use std::{error::Error, fmt};

use crate::disposition::{Disposition, Reason};
pub use crate::failure_class::FailureClass;
use crate::reply::{Reply, ReplyCheck, Stage};

/// Why a mail was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub stage: Stage,
    pub class: FailureClass,
    /// The complete reply, if there was one, even if unexpected.
    pub reply: Option<Reply>,
    /// A description, without the text of the reply.
    pub detail: String,
}

impl Failure {
    pub fn new(stage: Stage, class: FailureClass, detail: impl fmt::Display) -> Self {
        Self {
            stage,
            class,
            reply: None,
            detail: detail.to_string(),
        }
    }

    /// The reply, if it is the expected one.
    pub(crate) fn judge(stage: Stage, reply: Reply) -> Result<Reply, Self> {
        let (class, detail) = match stage.check(reply.code) {
            ReplyCheck::Expected => return Ok(reply),
            ReplyCheck::Refused => (FailureClass::Refused, "refused by the server"),
            ReplyCheck::Unexpected => (FailureClass::Protocol, "not the expected reply"),
        };
        Err(Self {
            reply: Some(reply),
            ..Self::new(stage, class, detail)
        })
    }

    pub fn disposition(&self) -> Disposition {
        Disposition::of(self.stage, self.class, self.reply.as_ref())
    }

    /// No connection could be established for now.
    pub fn is_refused_connection(&self) -> bool {
        self.stage < Stage::Mail
            && matches!(self.class, FailureClass::Closed | FailureClass::Refused)
            && !self.refuses_credentials()
    }

    /// The server rejected the user name or the password: retries would be pointless.
    pub fn refuses_credentials(&self) -> bool {
        self.stage == Stage::Auth
            && self.class == FailureClass::Refused
            && self.disposition().reason == Reason::Configuration
    }

    /// The server closed the connection, or announced that.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self.class, FailureClass::Closed | FailureClass::Tls)
            || self.reply.as_ref().is_some_and(Reply::is_closing)
    }

    /// A refusal after which the session can continue.
    pub(crate) fn leaves_connection_usable(&self) -> bool {
        self.class == FailureClass::Refused && !self.reply.as_ref().is_some_and(Reply::is_closing)
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
