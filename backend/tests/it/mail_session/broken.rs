//! Connections that break, servers that do not keep to SMTP, sends that are cancelled: never a false "accepted".

use std::{pin::pin, time::Duration};

use smtp::failure::FailureClass;

use super::{
    Action, At, BODY, Outcome, Reason, Rule, ScriptedServer, Stage, assert_verdict, large_body,
    patient, run, say, send, send_one, session, to,
};

#[test]
fn a_dropped_connection_is_uncertain_after_the_dot_and_server_trouble_before_it() {
    use Stage as S;
    for (at, stage) in [
        (At::Greeting, S::Greeting),
        (At::Ehlo, S::Ehlo),
        (At::Mail, S::Mail),
        (At::Rcpt, S::Rcpt),
        (At::Data, S::Data),
    ] {
        assert_verdict(
            at,
            Action::Drop,
            stage,
            Outcome::Unreachable,
            Reason::ServerTrouble,
        );
    }
    assert_verdict(
        At::Dot,
        Action::Drop,
        S::Dot,
        Outcome::Uncertain,
        Reason::Uncertain,
    );
    assert_verdict(
        At::Dot,
        Action::AcceptAndDrop,
        S::Dot,
        Outcome::Uncertain,
        Reason::Uncertain,
    );
}

#[test]
fn a_connection_dropped_in_the_body_is_surely_not_sent() {
    let server = ScriptedServer::start().on("*", Rule::act(At::Body, Action::Drop));
    let failure = run(send_one(&server.server(), &patient(), &large_body())).unwrap_err();
    assert_eq!(
        (failure.stage, failure.disposition().outcome),
        (Stage::Body, Outcome::Unreachable)
    );
}

#[test]
fn words_that_are_not_smtp_are_a_protocol_error_before_the_dot() {
    for (at, stage) in [
        (At::Greeting, Stage::Greeting),
        (At::Ehlo, Stage::Ehlo),
        (At::Mail, Stage::Mail),
        (At::Rcpt, Stage::Rcpt),
        (At::Data, Stage::Data),
    ] {
        for answer in ["hello\r\n", "333 what?\r\n", "25\r\n"] {
            assert_verdict(
                at,
                say(answer),
                stage,
                Outcome::Unreachable,
                Reason::Protocol,
            );
        }
    }
}

#[test]
fn a_reply_of_a_megabyte_is_not_read_to_its_end() {
    for megabyte in [
        vec![b'2'; 1_000_000],
        b"250-and on and on\r\n".repeat(60_000),
    ] {
        let server = ScriptedServer::start().on("*", Rule::say(At::Mail, megabyte));
        let failure = run(send_one(&server.server(), &patient(), BODY)).unwrap_err();
        assert_eq!(
            (failure.class, failure.detail.as_str()),
            (
                FailureClass::Protocol,
                "the server's reply is longer than 64 kB"
            )
        );
    }
}

#[test]
fn an_extra_reply_is_not_taken_for_the_answer_to_the_next_question() {
    // One answer too many to DATA: it would be read as "250 queued" for a mail that is then refused.
    let server = ScriptedServer::start()
        .on(
            "*",
            Rule::say(At::Data, "354 go ahead\r\n250 2.0.0 queued\r\n"),
        )
        .on("*", Rule::say(At::Dot, "554 5.6.0 no\r\n"));
    let failure = run(send_one(&server.server(), &patient(), BODY)).unwrap_err();
    assert_eq!(
        (failure.stage, failure.class),
        (Stage::Body, FailureClass::Protocol)
    );

    // One too many to the dot: the next mail must not profit from it.
    let server =
        ScriptedServer::start().once("*", Rule::say(At::Dot, "250 queued\r\n250 queued\r\n"));
    run(async {
        let mut session = session(&server).await;
        assert_eq!(
            send(&mut session, "bob@example.org").await.unwrap().code,
            250
        );
        let failure = send(&mut session, "eve@example.org").await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.disposition().outcome),
            (Stage::Mail, Outcome::Unreachable)
        );
    });
}

#[test]
fn a_cancelled_send_takes_its_connection_with_it() {
    let server =
        ScriptedServer::start().on("slow@example.org", Rule::act(At::Dot, Action::FallSilent));
    run(async {
        let mut session = session(&server).await;
        session.open(&to("slow@example.org")).await.unwrap();
        {
            let mut sending = pin!(session.transmit(BODY, None));
            let cancelled = tokio::time::timeout(Duration::from_millis(50), &mut sending).await;
            assert!(cancelled.is_err());
        }
        assert!(!session.is_reusable());
        // Its late answer can reach nobody: not this mail, and not this session.
        assert_eq!(
            session
                .open(&to("bob@example.org"))
                .await
                .unwrap_err()
                .class,
            FailureClass::Closed
        );
    });
}

#[test]
fn an_announced_mail_that_is_not_sent_leaves_nothing_behind() {
    let server = ScriptedServer::start();
    run(async {
        let mut session = session(&server).await;
        session.open(&to("bob@example.org")).await.unwrap();
        let failure = session.open(&to("eve@example.org")).await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.class),
            (Stage::Mail, FailureClass::Closed)
        );
        assert_eq!(
            session.transmit(BODY, None).await.unwrap_err().class,
            FailureClass::Closed
        );
    });
    assert_eq!(server.accepted(), []);
}

#[test]
fn another_mail_than_the_one_announced_does_not_get_its_answers() {
    let server = ScriptedServer::start();
    run(async {
        let mut session = session(&server).await;
        session.open(&to("a@example.org")).await.unwrap();
        session
            .transmit(BODY, Some(&to("b@example.org")))
            .await
            .unwrap();
        assert_eq!(
            session.open(&to("c@example.org")).await.unwrap_err().class,
            FailureClass::Closed
        );
    });
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn a_connection_that_the_server_closed_while_idle_is_seen_before_it_is_used() {
    let server = ScriptedServer::start().once(
        "*",
        Rule::say(At::Dot, "250 queued\r\n421 4.4.2 idle too long\r\n"),
    );
    run(async {
        let mut session = session(&server).await;
        send(&mut session, "bob@example.org").await.unwrap();
        assert!(!session.is_reusable());
    });
}

#[test]
fn after_a_wrong_answer_to_the_dot_the_next_mail_cannot_get_the_answers_that_follow() {
    // "354" for the first mail, then "250" to the dot, MAIL and RCPT: shifted by one they would accept the second.
    for answer in ["354 go ahead\r\n", "421 4.3.2 closing\r\n"] {
        let server = ScriptedServer::start().on("a@example.org", Rule::say(At::Dot, answer));
        run(async {
            let mut session = session(&server).await;
            session.open(&to("a@example.org")).await.unwrap();
            let next = to("b@example.org");
            session.transmit(BODY, Some(&next)).await.unwrap_err();
            assert!(!session.is_reusable());
            assert_eq!(
                session.open(&next).await.unwrap_err().class,
                FailureClass::Closed
            );
        });
        assert_eq!(server.accepted(), []);
    }
}
