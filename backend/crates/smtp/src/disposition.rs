//! What a failed attempt means for the delivery (outcome) and for the run (reason). Pure.

mod address;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::failure_class::FailureClass;
use crate::reply::{Reply, Stage};

/// The outcome of an attempt.
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
)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// 25x to the final dot. Not the same as delivered.
    Accepted,
    /// A temporary failure, to be retried.
    Deferred,
    /// A permanent failure.
    Rejected,
    /// No usable reply before the final dot: not sent.
    Unreachable,
    /// The dot was sent but no complete reply received: the mail may have been accepted (RFC 1047).
    Uncertain,
}

impl Outcome {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The cause of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The server or the network. Does not count as an attempt of the delivery.
    ServerTrouble,
    /// Like server trouble, but the server violates SMTP.
    Protocol,
    /// TLS, certificate or credentials: retries do not help until the configuration is corrected.
    Configuration,
    /// 4xx at RCPT: greylisting and the like.
    RecipientTransient,
    /// The mailbox is full: retried after a longer delay.
    MailboxFull,
    /// The address does not exist: counts towards suppression.
    RecipientPermanent,
    /// Any other 5xx at RCPT: about the sender, or unclear. Not about the content, which the server has not seen.
    RecipientRefused,
    /// 4xx at MAIL, DATA, body or dot.
    Transient,
    /// The server rejects this sender (5xx at MAIL) or this mail (DATA and later).
    SenderOrContent,
    /// The policy for uncertain deliveries decides.
    Uncertain,
    /// The mail cannot be sent through this server; no SMTP command was sent.
    Unsendable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposition {
    pub outcome: Outcome,
    pub reason: Reason,
}

impl Disposition {
    /// The disposition of a failure; never `Accepted`.
    pub fn of(stage: Stage, class: FailureClass, reply: Option<&Reply>) -> Self {
        use {Outcome as O, Reason as C};
        let (outcome, reason) = match (class, reply) {
            (FailureClass::Unsendable, _) => (O::Rejected, C::Unsendable),
            (
                FailureClass::Certificate
                | FailureClass::ExpectsTls
                | FailureClass::BeginsInClear
                | FailureClass::NotOffered
                | FailureClass::NotAllowed
                | FailureClass::Unreadable,
                _,
            ) => (O::Unreachable, C::Configuration),
            (FailureClass::Refused, Some(reply)) => refused(stage, reply),
            _ if stage == Stage::Dot => (O::Uncertain, C::Uncertain),
            (FailureClass::Protocol, _) => (O::Unreachable, C::Protocol),
            _ => (O::Unreachable, C::ServerTrouble),
        };
        Self { outcome, reason }
    }
}

fn refused(stage: Stage, reply: &Reply) -> (Outcome, Reason) {
    use {Outcome as O, Reason as C};
    let transient = reply.code < 500;
    match stage {
        Stage::Auth if !transient => (O::Unreachable, C::Configuration),
        _ if stage < Stage::Mail => (O::Unreachable, C::ServerTrouble),
        _ if reply.is_closing() => (O::Deferred, C::ServerTrouble),
        Stage::Rcpt if transient => (O::Deferred, C::RecipientTransient),
        _ if transient => (O::Deferred, C::Transient),
        Stage::Mail => (O::Rejected, C::SenderOrContent),
        _ if is_mailbox_full(reply) => (O::Deferred, C::MailboxFull),
        Stage::Rcpt if address::is_unusable(reply) => (O::Rejected, C::RecipientPermanent),
        Stage::Rcpt => (O::Rejected, C::RecipientRefused),
        _ => (O::Rejected, C::SenderOrContent),
    }
}

/// 5.2.2, or 552 unless its enhanced code names another subject (Gmail answers 552 5.7.0 to a dangerous attachment).
fn is_mailbox_full(reply: &Reply) -> bool {
    match reply.enhanced.as_deref() {
        Some("5.2.2") => true,
        Some(code) => reply.code == 552 && code.starts_with("5.2."),
        None => reply.code == 552,
    }
}

#[cfg(test)]
mod tests;
