//! What the server refuses: how it is judged, and that the connection goes on.

use smtp::failure::FailureClass;

use super::{
    At, Outcome, Reason, Rule, ScriptedServer, Stage, assert_verdict, large_body, patient, run,
    say, send, send_one, session, to,
};

#[test]
fn every_refusal_is_judged_by_its_stage_and_code() {
    use {Outcome as O, Reason as C, Stage as S};
    let judged = |at, answer: &str, stage, outcome, reason| {
        assert_verdict(at, say(&format!("{answer}\r\n")), stage, outcome, reason);
    };
    judged(
        At::Greeting,
        "554 no",
        S::Greeting,
        O::Unreachable,
        C::ServerTrouble,
    );
    judged(
        At::Ehlo,
        "450 not now",
        S::Ehlo,
        O::Unreachable,
        C::ServerTrouble,
    );
    judged(At::Mail, "451 later", S::Mail, O::Deferred, C::Transient);
    judged(
        At::Mail,
        "550 not you",
        S::Mail,
        O::Rejected,
        C::SenderOrContent,
    );
    judged(
        At::Rcpt,
        "450 4.2.0 grey",
        S::Rcpt,
        O::Deferred,
        C::RecipientTransient,
    );
    judged(
        At::Rcpt,
        "550 5.1.1 who?",
        S::Rcpt,
        O::Rejected,
        C::RecipientPermanent,
    );
    judged(
        At::Rcpt,
        "552 5.2.2 full",
        S::Rcpt,
        O::Deferred,
        C::MailboxFull,
    );
    judged(
        At::Rcpt,
        "421 4.3.2 bye",
        S::Rcpt,
        O::Deferred,
        C::ServerTrouble,
    );
    judged(At::Data, "451 later", S::Data, O::Deferred, C::Transient);
    judged(At::Data, "554 no", S::Data, O::Rejected, C::SenderOrContent);
    judged(At::Dot, "451 later", S::Dot, O::Deferred, C::Transient);
    judged(
        At::Dot,
        "554 5.6.0 spam",
        S::Dot,
        O::Rejected,
        C::SenderOrContent,
    );
    judged(
        At::Dot,
        "552 5.2.2 full",
        S::Dot,
        O::Deferred,
        C::MailboxFull,
    );
    judged(
        At::Dot,
        "421 4.3.2 bye",
        S::Dot,
        O::Deferred,
        C::ServerTrouble,
    );
}

#[test]
fn a_thousand_refused_recipients_need_one_connection() {
    for setup in [
        ScriptedServer::setup(),
        ScriptedServer::setup().without("PIPELINING"),
    ] {
        let server = setup
            .start()
            .on("no@example.org", Rule::refuse(550, "5.1.1 no such user"));
        run(async {
            let mut session = session(&server).await;
            for _ in 0..1000 {
                assert_eq!(
                    send(&mut session, "no@example.org")
                        .await
                        .unwrap_err()
                        .stage,
                    Stage::Rcpt
                );
            }
            assert_eq!(
                send(&mut session, "bob@example.org").await.unwrap().code,
                250
            );
        });
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_server_that_says_go_ahead_after_refusing_the_recipient_gets_no_body() {
    let server = ScriptedServer::start()
        .on("no@example.org", Rule::refuse(550, "5.1.1 no such user"))
        .on(
            "no@example.org",
            Rule::say(At::Data, "354 go ahead anyway\r\n"),
        );
    run(async {
        let mut session = session(&server).await;
        assert_eq!(
            send(&mut session, "no@example.org")
                .await
                .unwrap_err()
                .stage,
            Stage::Rcpt
        );
        assert_eq!(
            send(&mut session, "bob@example.org").await.unwrap().code,
            250
        );
    });
    assert_eq!((server.accepted().len(), server.connections()), (1, 1));
}

#[test]
fn after_a_421_the_connection_is_not_used_again() {
    let server = ScriptedServer::start().on("*", Rule::refuse(421, "4.3.2 closing"));
    run(async {
        let mut session = session(&server).await;
        session.open(&to("bob@example.org")).await.unwrap_err();
        assert!(!session.is_reusable());
        assert_eq!(
            send(&mut session, "bob@example.org")
                .await
                .unwrap_err()
                .class,
            FailureClass::Closed
        );
    });
}

#[test]
fn a_server_that_stops_reading_a_body_is_heard() {
    let server = ScriptedServer::start().on("*", Rule::say(At::Body, "421 4.3.1 disk full\r\n"));
    let failure = run(send_one(&server.server(), &patient(), &large_body())).unwrap_err();
    assert_eq!(
        (failure.stage, failure.disposition().reason),
        (Stage::Body, Reason::ServerTrouble)
    );
    assert_eq!(failure.reply.map(|reply| reply.code), Some(421));
}
