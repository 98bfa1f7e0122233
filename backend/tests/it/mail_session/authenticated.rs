//! AUTH: who gets in, and what a closed door means.

use smtp::failure::FailureClass;

use super::{
    At, BODY, Disposition, Outcome, Reason, Rule, ScriptedServer, Server, SmtpSession, Stage,
    patient, run, send_one,
};

#[test]
fn plain_and_login_open_the_door_and_a_wrong_password_does_not() {
    for mechanisms in ["AUTH PLAIN LOGIN", "AUTH LOGIN XOAUTH2", "AUTH=LOGIN"] {
        for setup in [ScriptedServer::setup(), ScriptedServer::setup().starttls()] {
            let server = setup
                .offering(mechanisms)
                .knowing("me@example.org", "pässword")
                .start();
            run(send_one(&server.server(), &patient(), BODY)).unwrap();

            let wrong = Server {
                credentials: Some(("me@example.org", "guess").into()),
                ..server.server()
            };
            let failure = run(SmtpSession::connect(&wrong, &patient())).err().unwrap();
            assert_eq!(
                (
                    failure.stage,
                    failure.reply.as_ref().map(|reply| reply.code)
                ),
                (Stage::Auth, Some(535))
            );
            assert_eq!(
                failure.disposition(),
                Disposition {
                    outcome: Outcome::Unreachable,
                    reason: Reason::Configuration
                }
            );
            assert!(!format!("{failure:?}").contains("guess"));
        }
    }
}

#[test]
fn a_server_that_cannot_authenticate_now_is_in_trouble_and_one_that_never_can_is_misconfigured() {
    let busy = ScriptedServer::setup()
        .offering("AUTH PLAIN")
        .knowing("me", "secret")
        .start();
    let busy = busy.on("*", Rule::say(At::Auth, "454 4.7.0 try later\r\n"));
    let failure = run(SmtpSession::connect(&busy.server(), &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.stage, failure.disposition().reason),
        (Stage::Auth, Reason::ServerTrouble)
    );

    let unable = ScriptedServer::setup()
        .offering("AUTH CRAM-MD5")
        .knowing("me", "secret")
        .start();
    let failure = run(SmtpSession::connect(&unable.server(), &patient()))
        .err()
        .unwrap();
    assert_eq!(
        (failure.class, failure.disposition().reason),
        (FailureClass::NotOffered, Reason::Configuration)
    );
}
