//! What an attempt that was not accepted means: for the delivery (outcome) and for the run (cause). Pure.

mod address;
mod failure;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub use self::failure::{Failure, Fault};
use super::reply::{Reply, Stage};

/// What became of an attempt; the word that the log shows.
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
    /// 25x to the final dot. Not "delivered": that nobody can know here.
    Accepted,
    /// Not now: worth another attempt.
    Deferred,
    /// Never: another attempt would be refused again.
    Rejected,
    /// No usable reply before the final dot: surely not sent.
    Unreachable,
    /// The dot was sent and no complete reply came: nobody knows (RFC 1047).
    Uncertain,
}

impl Outcome {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Whom an attempt that was not accepted says something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The server or the way to it. The delivery waits and is not charged for it.
    ServerTrouble,
    /// Like server trouble, but the server does not keep to SMTP.
    Protocol,
    /// TLS, certificate or credentials: waiting does not help, a person must look.
    Configuration,
    /// 4xx at RCPT: greylisting and the like.
    RecipientTransient,
    /// The mailbox is full: worth a retry, but not soon.
    MailboxFull,
    /// The address does not exist: counts towards suppression.
    RecipientPermanent,
    /// 5xx at RCPT that does not say so: about the sender, or unclear. Says nothing about the address or about the
    /// content, which the server has not seen.
    RecipientRefused,
    /// 4xx at MAIL, DATA, body or dot.
    Transient,
    /// The server rejects this sender (5xx at MAIL) or this mail (DATA and later).
    SenderOrContent,
    /// The policy for uncertain deliveries decides.
    Uncertain,
    /// The mail itself: refused by us, without SMTP.
    Unsendable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    pub cause: Cause,
}

impl Verdict {
    /// The rule of everything that can go wrong; there is no way through it to `Accepted`.
    pub fn of(stage: Stage, fault: Fault, reply: Option<&Reply>) -> Self {
        use {Cause as C, Outcome as O};
        let (outcome, cause) = match (fault, reply) {
            (Fault::Unsendable, _) => (O::Rejected, C::Unsendable),
            (
                Fault::Certificate
                | Fault::ExpectsTls
                | Fault::BeginsInClear
                | Fault::NotOffered
                | Fault::NotAllowed
                | Fault::Unreadable,
                _,
            ) => (O::Unreachable, C::Configuration),
            (Fault::Refused, Some(reply)) => refused(stage, reply),
            _ if stage == Stage::Dot => (O::Uncertain, C::Uncertain),
            (Fault::Protocol, _) => (O::Unreachable, C::Protocol),
            _ => (O::Unreachable, C::ServerTrouble),
        };
        Self { outcome, cause }
    }
}

fn refused(stage: Stage, reply: &Reply) -> (Outcome, Cause) {
    use {Cause as C, Outcome as O};
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
mod tests {
    use proptest::prelude::*;

    use super::{
        Cause as C, Outcome as O,
        Stage::{Auth, Body, Connect, Data, Dot, Ehlo, Greeting, Mail, Rcpt, Tls},
        *,
    };

    const STAGES: [Stage; 10] = [
        Connect, Tls, Greeting, Ehlo, Auth, Mail, Rcpt, Data, Body, Dot,
    ];

    fn says(stage: Stage, lines: &str, expected: (O, C)) {
        for line in lines.split(" | ") {
            let (reply, _) = Reply::parse(format!("{line}\r\n").as_bytes())
                .unwrap()
                .unwrap();
            let verdict = Verdict::of(stage, Fault::Refused, Some(&reply));
            assert_eq!(
                (verdict.outcome, verdict.cause),
                expected,
                "{stage}: {line}"
            );
        }
    }

    fn breaks(stage: Stage, faults: &[Fault], expected: (O, C)) {
        for fault in faults {
            let verdict = Verdict::of(stage, *fault, None);
            assert_eq!(
                (verdict.outcome, verdict.cause),
                expected,
                "{stage}: {fault:?}"
            );
        }
    }

    #[test]
    fn the_stages_are_in_the_order_of_the_protocol() {
        assert!(STAGES.is_sorted());
    }

    #[test]
    fn trouble_on_the_way_to_the_body_is_the_servers() {
        let trouble = (O::Unreachable, C::ServerTrouble);
        says(Greeting, "554 no service | 421 4.3.2 closing", trouble);
        says(Ehlo, "502 what? | 421 4.3.2 closing", trouble);
        says(Tls, "454 4.7.0 no TLS now | 502 what?", trouble);
        says(Auth, "454 4.7.0 later | 421 4.3.2 closing", trouble);
        for stage in STAGES.into_iter().filter(|stage| *stage < Dot) {
            breaks(
                stage,
                &[Fault::Timeout, Fault::NotFound, Fault::Closed, Fault::Tls],
                trouble,
            );
            breaks(stage, &[Fault::Protocol], (O::Unreachable, C::Protocol));
        }
    }

    #[test]
    fn a_421_is_server_trouble_at_every_stage() {
        for stage in [Mail, Rcpt, Data, Body, Dot] {
            says(stage, "421 4.3.2 closing", (O::Deferred, C::ServerTrouble));
        }
    }

    #[test]
    fn certificates_and_credentials_are_configuration() {
        let configuration = (O::Unreachable, C::Configuration);
        breaks(
            Tls,
            &[Fault::Certificate, Fault::NotOffered, Fault::BeginsInClear],
            configuration,
        );
        breaks(Greeting, &[Fault::ExpectsTls], configuration);
        breaks(
            Connect,
            &[Fault::NotAllowed, Fault::Unreadable],
            configuration,
        );
        says(Auth, "535 5.7.8 bad credentials | 534 no", configuration);
    }

    #[test]
    fn a_recipient_that_is_greylisted_waits_and_one_that_does_not_exist_is_rejected() {
        let later = "450 4.2.0 greylisted | 451 4.7.1 later | 452 4.5.3 many | 450 4.2.2 full";
        says(Rcpt, later, (O::Deferred, C::RecipientTransient));
        let never =
            "550 5.1.1 no such user | 550 user unknown | 554 5.1.2 no host | 501 5.1.3 bad syntax";
        says(Rcpt, never, (O::Rejected, C::RecipientPermanent));
    }

    #[test]
    fn a_full_mailbox_is_worth_a_retry_whenever_it_is_said() {
        let full = (O::Deferred, C::MailboxFull);
        says(Rcpt, "552 full | 550 5.2.2 full", full);
        // The enhanced code contradicts the code and is ignored (RFC 2034, 4).
        says(Rcpt, "552 4.2.2 full | 552 4.3.1 full", full);
        says(Dot, "552 4.2.2 full", full);
        says(Dot, "552 full | 552 5.2.2 full | 552 5.2.0 full", full);
    }

    #[test]
    fn a_refusal_that_is_about_us_does_not_count_against_the_recipient() {
        let refused = (O::Rejected, C::RecipientRefused);
        says(
            Rcpt,
            "550 5.7.1 unable to relay | 554 5.7.1 relay denied | 553 sorry, relaying denied",
            refused,
        );
        says(
            Rcpt,
            "550 5.1.8 sender domain not found | 503 5.5.1 what? | 550 Blocked - see https://bl.example",
            refused,
        );
        let ours = (O::Rejected, C::SenderOrContent);
        says(Mail, "552 5.3.4 too big", ours);
        says(Dot, "552 5.7.0 dangerous", ours);
        for stage in [Mail, Data, Body, Dot] {
            says(stage, "550 5.1.1 no | 554 no", ours);
            says(stage, "450 4.1.1 no | 451 no", (O::Deferred, C::Transient));
        }
    }

    #[test]
    fn no_refusal_of_a_recipient_is_about_the_content_and_none_of_the_content_about_a_recipient() {
        for code in 400..600 {
            for text in [
                "",
                "5.1.1 no",
                "5.7.1 no",
                "user unknown",
                "5.2.2 full",
                "5.6.0 bad",
            ] {
                let (reply, _) = Reply::parse(format!("{code} {text}\r\n").as_bytes())
                    .unwrap()
                    .unwrap();
                for stage in [Mail, Rcpt, Data, Body, Dot] {
                    let cause = Verdict::of(stage, Fault::Refused, Some(&reply)).cause;
                    let of_recipient = matches!(
                        cause,
                        C::RecipientPermanent | C::RecipientRefused | C::RecipientTransient
                    );
                    let elsewhere = matches!(cause, C::ServerTrouble | C::MailboxFull);
                    assert!(
                        elsewhere || of_recipient == (stage == Rcpt),
                        "{stage}: {reply}: {cause:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_a_complete_reply_after_the_dot_nobody_knows() {
        let broken = [
            Fault::Timeout,
            Fault::Closed,
            Fault::Protocol,
            Fault::Tls,
            Fault::Refused,
        ];
        breaks(Dot, &broken, (O::Uncertain, C::Uncertain));
    }

    #[test]
    fn a_mail_that_cannot_be_sent_is_rejected_without_smtp() {
        breaks(Mail, &[Fault::Unsendable], (O::Rejected, C::Unsendable));
    }

    proptest! {
        #[test]
        fn no_failure_is_ever_accepted(
            stage in prop::sample::select(&STAGES),
            fault in prop::sample::select(&[Fault::Refused, Fault::Timeout, Fault::Closed, Fault::Protocol, Fault::Tls,
                Fault::Certificate, Fault::NotOffered, Fault::Unsendable]),
            reply in prop::option::of((200u16..600, "([245]\\.[0-9]\\.[0-9] )?x")),
        ) {
            let reply = reply.map(|(code, text)| Reply::parse(format!("{code} {text}\r\n").as_bytes()).unwrap().unwrap().0);
            let verdict = Verdict::of(stage, fault, reply.as_ref());
            prop_assert_ne!(verdict.outcome, O::Accepted);
            prop_assert_eq!(verdict.outcome == O::Uncertain, verdict.cause == C::Uncertain);
            prop_assert!(verdict.outcome != O::Uncertain || stage == Dot);
        }
    }
}
