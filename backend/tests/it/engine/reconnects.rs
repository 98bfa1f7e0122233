//! A server that closes connections after a number of mails, as many do: the next mail is sent through another
//! connection immediately, and no attempt is counted.

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer, Setup};

const ALL: i64 = 30;

fn say(answer: &str) -> Action {
    Action::Say(format!("{answer}\r\n").into())
}

/// The outcomes of these attempts in the log, with their counts.
fn outcomes(app: &TestApp, owner: &Person) -> Vec<(Value, usize)> {
    let mut counted: Vec<(Value, usize)> = Vec::new();
    for attempt in app.log(owner) {
        match counted
            .iter_mut()
            .find(|(outcome, _)| *outcome == attempt["outcome"])
        {
            Some((_, count)) => *count += 1,
            None => counted.push((attempt["outcome"].clone(), 1)),
        }
    }
    counted
}

fn pipelining_or_not() -> [Setup; 2] {
    [
        ScriptedServer::setup(),
        ScriptedServer::setup().without("PIPELINING"),
    ]
}

#[test]
fn a_connection_that_ends_after_a_mail_costs_no_recipient_an_attempt() {
    let ends = [
        Rule::act(At::Dot, Action::SayAndClose(b"250 2.0.0 queued\r\n".into())),
        Rule::act(At::NextMail, say("421 4.7.0 enough for this connection")),
        Rule::act(At::NextMail, Action::Drop),
        Rule::act(
            At::NextMail,
            Action::SayAndClose(b"421 4.4.2 idle\r\n".into()),
        ),
    ];
    for end in ends {
        for setup in pipelining_or_not() {
            let server = setup.start().on("*", end.clone());
            let app = TestApp::sending_through(&server);
            let alice = app.alice();
            app.recipients(&alice, ALL);
            let mailing = app.mailing(&alice, &json!({}));
            app.tick();
            assert_eq!(outcomes(&app, &alice), [(json!("accepted"), 30)], "{end:?}");
            assert_eq!(app.state(&alice, mailing).1, "finished");
        }
    }
}

#[test]
fn a_refused_reset_costs_the_next_recipient_no_attempt() {
    for refusal in [
        say("500 5.5.1 what?"),
        say("421 4.3.2 closing"),
        Action::Drop,
    ] {
        for setup in pipelining_or_not() {
            let server = setup.start();
            for number in (1..=ALL).step_by(3) {
                let address = format!("r{number}@example.org");
                server.add(&address, Rule::refuse(550, "5.1.1 no such user"), None);
            }
            let server = server.on("*", Rule::act(At::Rset, refusal.clone()));
            let app = TestApp::sending_through(&server);
            let alice = app.alice();
            app.recipients(&alice, ALL);
            app.mailing(&alice, &json!({}));
            app.tick();
            let mut found = outcomes(&app, &alice);
            found.sort_by_key(|(_, count)| *count);
            let expected = [(json!("rejected"), 10), (json!("accepted"), 20)];
            assert_eq!(found, expected, "{refusal:?}");
        }
    }
}

#[test]
fn a_server_that_ends_every_connection_before_a_mail_opens_the_breaker() {
    for end in [say("421 4.7.0 not now"), Action::Drop] {
        let server = ScriptedServer::start().on("*", Rule::act(At::Mail, end));
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        app.recipients(&alice, ALL);
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(app.state(&alice, mailing).1, "mail_server_unreachable");
        assert!(server.connections() < 12, "{}", server.connections());
        assert_eq!(server.taken(), 0);
    }
}
