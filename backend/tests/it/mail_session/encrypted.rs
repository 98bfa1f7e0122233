//! TLS: what was asked for or nothing.

use smtp::failure::FailureClass;

use super::{
    Action, At, BODY, Reason, Rule, ScriptedServer, Server, SmtpSession, Stage, patient, run, say,
    send_one, session, to,
};
use crate::support::smtp_server::Setup;

#[test]
fn starttls_and_implicit_tls_carry_mail() {
    for setup in [
        ScriptedServer::setup().starttls(),
        ScriptedServer::setup().implicit_tls(),
    ] {
        let server = setup.start();
        run(async {
            let mut session = session(&server).await;
            for person in ["a@example.org", "b@example.org"] {
                session.open(&to(person)).await.unwrap();
                session
                    .transmit(BODY, Some(&to("b@example.org")))
                    .await
                    .unwrap();
            }
        });
        let mails = server.accepted();
        assert!(mails.len() == 2 && mails.iter().all(|mail| mail.encrypted && mail.data == BODY));
    }
}

#[test]
fn a_large_body_goes_through_tls() {
    let server = ScriptedServer::setup().implicit_tls().start();
    let body = b"a line of a large mail\r\n".repeat(100_000);
    run(send_one(&server.server(), &patient(), &body)).unwrap();
    assert_eq!(server.accepted()[0].data, body);
}

#[test]
fn a_server_without_starttls_gets_no_mail_and_no_password() {
    let server = ScriptedServer::setup()
        .starttls()
        .without("STARTTLS")
        .offering("AUTH PLAIN")
        .knowing("me", "secret")
        .start();
    let failure = run(SmtpSession::connect(&server.server(), &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.stage, failure.disposition().reason),
        (Stage::Tls, Reason::Configuration)
    );
    assert!(
        server
            .commands()
            .iter()
            .all(|command| command.starts_with("EHLO"))
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_or_that_names_another_is_refused() {
    for starttls in [true, false] {
        let mode = |setup: Setup| {
            if starttls {
                setup.starttls()
            } else {
                setup.implicit_tls()
            }
        };
        let (server, other) = (
            mode(ScriptedServer::setup()).start(),
            mode(ScriptedServer::setup()).start(),
        );
        let stranger = Server {
            tls: other.server().tls,
            ..server.server()
        };
        let misnamed = mode(ScriptedServer::setup().named("mail.example.org")).start();
        for server in [stranger, misnamed.server()] {
            let failure = run(SmtpSession::connect(&server, &patient()))
                .err()
                .unwrap();
            assert_eq!(
                (failure.stage, failure.class),
                (Stage::Tls, FailureClass::Certificate),
                "{failure}"
            );
            assert_eq!(failure.disposition().reason, Reason::Configuration);
        }
    }
}

#[test]
fn words_slipped_in_behind_the_go_ahead_for_tls_are_not_believed() {
    let injected = "220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    let server = ScriptedServer::setup()
        .starttls()
        .start()
        .on("*", Rule::say(At::StartTls, injected));
    let failure = run(SmtpSession::connect(&server.server(), &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.stage, failure.class),
        (Stage::Tls, FailureClass::Protocol)
    );
}

#[test]
fn a_server_that_begins_in_clear_where_tls_is_expected_is_a_mistake_in_the_settings() {
    let plain = ScriptedServer::start();
    let confused = Server {
        tls: ScriptedServer::setup().implicit_tls().start().server().tls,
        host: "localhost".to_owned(),
        ..plain.server()
    };
    let failure = run(SmtpSession::connect(&confused, &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.stage, failure.class),
        (Stage::Tls, FailureClass::BeginsInClear)
    );
    assert_eq!(failure.disposition().reason, Reason::Configuration);
}

#[test]
fn a_server_that_turns_us_away_in_clear_where_tls_is_expected_is_in_trouble() {
    for words in ["421 4.7.0 too many connections\r\n", "554 5.7.0 busy\r\n"] {
        let plain = ScriptedServer::start().on("*", Rule::say(At::Greeting, words));
        let server = Server {
            tls: ScriptedServer::setup().implicit_tls().start().server().tls,
            host: "localhost".to_owned(),
            ..plain.server()
        };
        let failure = run(SmtpSession::connect(&server, &patient()))
            .err()
            .unwrap();
        assert_eq!(
            failure.disposition().reason,
            Reason::ServerTrouble,
            "{failure}"
        );
    }
}

#[test]
fn a_dropped_or_silent_handshake_is_server_trouble() {
    assert_verdict_of_starttls(Action::Drop, FailureClass::Closed);
    assert_verdict_of_starttls(say("454 4.7.0 not now\r\n"), FailureClass::Refused);
}

fn assert_verdict_of_starttls(action: Action, class: FailureClass) {
    let server = ScriptedServer::setup()
        .starttls()
        .start()
        .on("*", Rule::act(At::StartTls, action));
    let failure = run(SmtpSession::connect(&server.server(), &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.class, failure.disposition().reason),
        (class, Reason::ServerTrouble)
    );
}
