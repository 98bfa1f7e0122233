//! Everything a mail server may do to one recipient's mail, in one run: each leaves its own attempt in the log, nothing is
//! taken for accepted that was not, and the recipients before and after get their mail.

use std::collections::HashMap;

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

/// What the server does to whom, and what the log and the ledger say of it.
type Case = (&'static str, Rule, &'static str, &'static str);

/// It says no.
fn refusals() -> Vec<Case> {
    let say = |at, words: &str| Rule::say(at, words.as_bytes());
    vec![
        (
            "greylisted",
            Rule::refuse(450, "4.7.1 later"),
            "deferred",
            "deferred",
        ),
        (
            "busy",
            Rule::refuse(421, "4.3.2 closing"),
            "deferred",
            "deferred",
        ),
        (
            "unknown",
            Rule::refuse(550, "5.1.1 nobody"),
            "rejected",
            "rejected",
        ),
        (
            "full",
            Rule::refuse(552, "5.2.2 full"),
            "deferred",
            "deferred",
        ),
        (
            "relay",
            Rule::refuse(554, "5.7.1 no relaying"),
            "rejected",
            "rejected",
        ),
        (
            "no.data",
            say(At::Data, "554 5.5.1 no\r\n"),
            "rejected",
            "rejected",
        ),
        (
            "not.now",
            say(At::Data, "451 4.3.0 not now\r\n"),
            "deferred",
            "deferred",
        ),
        (
            "spam",
            say(At::Dot, "554 5.7.1 spam\r\n"),
            "rejected",
            "rejected",
        ),
        (
            "later",
            say(At::Dot, "451 4.3.0 later\r\n"),
            "deferred",
            "deferred",
        ),
    ]
}

/// It goes away, falls silent, or says what is no answer.
fn breaks() -> Vec<Case> {
    let say = |at, words: &str| Rule::say(at, words.as_bytes());
    let long = format!("250 {}\r\n", "x".repeat(1_000_000));
    vec![
        (
            "gone",
            Rule::act(At::Rcpt, Action::Drop),
            "unreachable",
            "deferred",
        ),
        (
            // A small mail has left with its dot before the server says anything.
            "cut",
            Rule::act(At::Body, Action::Drop),
            "uncertain",
            "uncertain",
        ),
        (
            "taken",
            Rule::act(At::Dot, Action::AcceptAndDrop),
            "uncertain",
            "uncertain",
        ),
        (
            "lost",
            Rule::act(At::Dot, Action::Drop),
            "uncertain",
            "uncertain",
        ),
        (
            "silent",
            Rule::act(At::Dot, Action::FallSilent),
            "uncertain",
            "uncertain",
        ),
        (
            "black.hole",
            Rule::act(At::Rcpt, Action::FallSilent),
            "unreachable",
            "deferred",
        ),
        (
            "go.ahead",
            say(At::Dot, "354 go ahead\r\n"),
            "uncertain",
            "uncertain",
        ),
        (
            "garbage",
            say(At::Dot, "\x01\x02 what?\r\n"),
            "uncertain",
            "uncertain",
        ),
        ("endless", say(At::Dot, &long), "uncertain", "uncertain"),
        (
            "chatty",
            say(At::Rcpt, "250 2.1.5 ok\r\n250 2.1.5 and more\r\n"),
            "unreachable",
            "deferred",
        ),
    ]
}

#[test]
fn any_reply_to_one_mail_is_logged_truthfully_and_others_are_sent() {
    for extension in ["", "PIPELINING"] {
        let server = ScriptedServer::setup()
            .without(extension_or_none(extension))
            .start();
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        let mut expected = HashMap::new();
        for (number, (name, rule, outcome, status)) in
            refusals().into_iter().chain(breaks()).enumerate()
        {
            let email = format!("{name}@example.org");
            app.recipient(&alice, &email);
            server.add(&email, rule, None);
            expected.insert(email, (outcome, status));
            for good in 0..3 {
                app.recipient(&alice, &format!("good{number}.{good}@example.org"));
            }
        }
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        app.tick();

        let mut first: HashMap<String, (String, String)> = HashMap::new();
        for attempt in app.log(&alice).iter().rev() {
            let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let email = word(&attempt["recipient"]["email"]);
            let told = (word(&attempt["outcome"]), word(&attempt["response"]));
            assert!(told.1.len() <= 1024, "{email}: {} bytes", told.1.len());
            first.entry(email).or_insert(told);
        }
        let taken = |email: &str| server.accepted().iter().any(|mail| mail.to[0] == email);
        for (email, (outcome, response)) in &first {
            let wanted = expected
                .get(email)
                .map_or("accepted", |(outcome, _)| outcome);
            assert_eq!(outcome, wanted, "{email} without {extension:?}: {response}");
            assert!(
                outcome != "accepted" || taken(email),
                "{email} is a false acceptance"
            );
        }
        assert_eq!(first.len(), expected.len() * 4, "everybody was tried");

        let run = app.last_run(&alice, mailing)["id"].clone();
        let deliveries = app
            .get(&alice, &format!("/runs/{run}/deliveries?limit=200"))
            .expect(200);
        for delivery in deliveries["items"].as_array().unwrap() {
            let email = delivery["recipient"]["email"].as_str().unwrap();
            let wanted = expected.get(email).map_or("accepted", |(_, status)| status);
            assert_eq!(delivery["status"], wanted, "{email}");
        }
    }
}

/// `without` takes the name of an extension; this one does not exist.
fn extension_or_none(extension: &str) -> &str {
    if extension.is_empty() {
        "NONE"
    } else {
        extension
    }
}
