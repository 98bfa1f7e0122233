//! The rule over all stages, failures and replies.

use proptest::prelude::*;

use super::{
    Outcome as O, Reason as C,
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
        let disposition = Disposition::of(stage, FailureClass::Refused, Some(&reply));
        assert_eq!(
            (disposition.outcome, disposition.reason),
            expected,
            "{stage}: {line}"
        );
    }
}

fn breaks(stage: Stage, classes: &[FailureClass], expected: (O, C)) {
    for class in classes {
        let disposition = Disposition::of(stage, *class, None);
        assert_eq!(
            (disposition.outcome, disposition.reason),
            expected,
            "{stage}: {class:?}"
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
            &[
                FailureClass::Timeout,
                FailureClass::NotFound,
                FailureClass::Closed,
                FailureClass::Tls,
            ],
            trouble,
        );
        breaks(
            stage,
            &[FailureClass::Protocol],
            (O::Unreachable, C::Protocol),
        );
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
        &[
            FailureClass::Certificate,
            FailureClass::NotOffered,
            FailureClass::BeginsInClear,
        ],
        configuration,
    );
    breaks(Greeting, &[FailureClass::ExpectsTls], configuration);
    breaks(
        Connect,
        &[FailureClass::NotAllowed, FailureClass::Unreadable],
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
                let reason = Disposition::of(stage, FailureClass::Refused, Some(&reply)).reason;
                let of_recipient = matches!(
                    reason,
                    C::RecipientPermanent | C::RecipientRefused | C::RecipientTransient
                );
                let elsewhere = matches!(reason, C::ServerTrouble | C::MailboxFull);
                assert!(
                    elsewhere || of_recipient == (stage == Rcpt),
                    "{stage}: {reply}: {reason:?}"
                );
            }
        }
    }
}

#[test]
fn without_a_complete_reply_after_the_dot_nobody_knows() {
    let broken = [
        FailureClass::Timeout,
        FailureClass::Closed,
        FailureClass::Protocol,
        FailureClass::Tls,
        FailureClass::Refused,
    ];
    breaks(Dot, &broken, (O::Uncertain, C::Uncertain));
}

#[test]
fn a_mail_that_cannot_be_sent_is_rejected_without_smtp() {
    breaks(
        Mail,
        &[FailureClass::Unsendable],
        (O::Rejected, C::Unsendable),
    );
}

proptest! {
    #[test]
    fn no_failure_is_ever_accepted(
        stage in prop::sample::select(&STAGES),
        class in prop::sample::select(&[FailureClass::Refused, FailureClass::Timeout, FailureClass::Closed, FailureClass::Protocol, FailureClass::Tls,
            FailureClass::Certificate, FailureClass::NotOffered, FailureClass::Unsendable]),
        reply in prop::option::of((200u16..600, "([245]\\.[0-9]\\.[0-9] )?x")),
    ) {
        let reply = reply.map(|(code, text)| Reply::parse(format!("{code} {text}\r\n").as_bytes()).unwrap().unwrap().0);
        let disposition = Disposition::of(stage, class, reply.as_ref());
        prop_assert_ne!(disposition.outcome, O::Accepted);
        prop_assert_eq!(disposition.outcome == O::Uncertain, disposition.reason == C::Uncertain);
        prop_assert!(disposition.outcome != O::Uncertain || stage == Dot);
    }
}
