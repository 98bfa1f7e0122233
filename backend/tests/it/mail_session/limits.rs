//! Every step ends, and a connection is not used for ever.

use std::time::Duration;

use smtp::failure::FailureClass;
use tokio::net::TcpSocket;

use super::{
    Action, At, BODY, Outcome, Reason, Rule, ScriptedServer, Server, SmtpSession, Stage, Timeouts,
    large_body, patient, run, send, send_one, session, to,
};

/// A short time for one step; all the others are long.
fn short(step: fn(&mut Timeouts) -> &mut Duration) -> Timeouts {
    let mut timeouts = patient();
    *step(&mut timeouts) = Duration::from_millis(100);
    timeouts
}

#[test]
fn every_step_has_its_own_time() {
    for (at, stage, timeouts) in [
        (At::Greeting, Stage::Greeting, short(|t| &mut t.command)),
        (At::Ehlo, Stage::Ehlo, short(|t| &mut t.command)),
        (At::Mail, Stage::Mail, short(|t| &mut t.command)),
        (At::Rcpt, Stage::Rcpt, short(|t| &mut t.command)),
        (At::Data, Stage::Data, short(|t| &mut t.data)),
        (At::Body, Stage::Body, short(|t| &mut t.body_most)),
        (At::Dot, Stage::Dot, short(|t| &mut t.dot)),
    ] {
        let server = ScriptedServer::start().on("*", Rule::act(at, Action::FallSilent));
        let body = if at == At::Body {
            large_body()
        } else {
            BODY.to_vec()
        };
        let failure = run(send_one(&server.server(), &timeouts, &body)).unwrap_err();
        assert_eq!(
            (failure.stage, failure.class),
            (stage, FailureClass::Timeout)
        );
        let expected = if at == At::Dot {
            Outcome::Uncertain
        } else {
            Outcome::Unreachable
        };
        assert_eq!(failure.disposition().outcome, expected, "{at:?}");
    }
}

#[test]
fn a_server_that_does_not_even_answer_the_call_is_given_up() {
    run(async {
        // A queue of one, and nobody who takes calls: the next ones hang.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let waiting: Vec<_> = (0..2)
            .map(|_| std::net::TcpStream::connect(address).unwrap())
            .collect();
        let server = Server::parse(&format!("smtp://{address}")).unwrap();
        let failure = SmtpSession::connect(&server, &short(|t| &mut t.connect))
            .await
            .err()
            .unwrap();
        assert_eq!(
            (failure.stage, failure.class),
            (Stage::Connect, FailureClass::Timeout)
        );
        drop(waiting);
    });
}

#[test]
fn nobody_listening_and_no_such_name_are_server_trouble_at_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for url in [
        format!("smtp://{closed}"),
        "smtp://nowhere.invalid".to_owned(),
    ] {
        let failure = run(SmtpSession::connect(
            &Server::parse(&url).unwrap(),
            &patient(),
        ))
        .err()
        .unwrap();
        assert_eq!(
            (failure.stage, failure.disposition().reason),
            (Stage::Connect, Reason::ServerTrouble)
        );
    }
}

#[test]
fn a_connection_carries_only_so_many_mails() {
    let server = ScriptedServer::start();
    run(async {
        let limited = Server {
            mails_per_connection: 2,
            ..server.server()
        };
        let mut session = SmtpSession::connect(&limited, &patient()).await.unwrap();
        session.open(&to("a@example.org")).await.unwrap();
        session
            .transmit(BODY, Some(&to("b@example.org")))
            .await
            .unwrap();
        assert!(session.is_reusable());
        session.open(&to("b@example.org")).await.unwrap();
        session
            .transmit(BODY, Some(&to("c@example.org")))
            .await
            .unwrap();
        assert!(!session.is_reusable());
        session.quit().await;
    });
    assert!(
        !server
            .commands()
            .iter()
            .any(|command| command.contains("c@example.org")),
        "not announced for nothing"
    );
    assert_eq!(server.commands().last().unwrap(), "QUIT");
}

#[test]
fn a_connection_is_not_used_beyond_its_time() {
    let server = ScriptedServer::start();
    run(async {
        let timeouts = Timeouts {
            lifetime: Duration::ZERO,
            ..patient()
        };
        let mut session = SmtpSession::connect(&server.server(), &timeouts)
            .await
            .unwrap();
        send(&mut session, "bob@example.org").await.unwrap();
        assert!(!session.is_reusable());
    });
}

#[test]
fn a_slow_server_is_not_a_dead_one() {
    let server = ScriptedServer::setup()
        .replying_after(Duration::from_millis(20))
        .start();
    run(async {
        let mut session = session(&server).await;
        assert_eq!(
            send(&mut session, "bob@example.org").await.unwrap().code,
            250
        );
    });
}
