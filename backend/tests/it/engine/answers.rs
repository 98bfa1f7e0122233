//! What a mail server may do, and the attempt that each leaves in the log.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

/// One recipient's mail to a server with this rule: the attempt and the delivery's status.
fn one_attempt(rule: Rule) -> (Value, String) {
    let server = ScriptedServer::start().on("bob@example.org", rule);
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();

    let log = app.log(&alice);
    assert_eq!(log.len(), 1, "{log:?}");
    let run = app.last_run(&alice, mailing)["id"].clone();
    let deliveries = app
        .get(&alice, &format!("/runs/{run}/deliveries"))
        .expect(200);
    let status = deliveries["items"][0]["status"]
        .as_str()
        .unwrap()
        .to_owned();
    (log[0].clone(), status)
}

fn told(attempt: &Value) -> (&str, &str, Option<i64>, Option<&str>, &str) {
    let word = |field: &str| attempt[field].as_str();
    let (outcome, stage, response) = (
        word("outcome").unwrap(),
        word("stage").unwrap(),
        word("response").unwrap(),
    );
    (
        outcome,
        stage,
        attempt["smtp_code"].as_i64(),
        word("enhanced_code"),
        response,
    )
}

#[test]
fn an_accepted_mail_is_logged_with_the_servers_response() {
    let (attempt, status) = one_attempt(Rule::say(At::Dot, b"250 2.0.0 Ok: queued as 4Fq1\r\n"));
    assert_eq!(
        told(&attempt),
        (
            "accepted",
            "dot",
            Some(250),
            Some("2.0.0"),
            "2.0.0 Ok: queued as 4Fq1"
        )
    );
    assert_eq!(
        (
            attempt["ok"].as_bool(),
            attempt["attempt_no"].as_i64(),
            status.as_str()
        ),
        (Some(true), Some(1), "accepted")
    );
    assert_eq!(attempt["recipient"]["email"], "bob@example.org");
}

#[test]
fn a_greylisted_recipient_is_deferred() {
    let (attempt, status) = one_attempt(Rule::refuse(450, "4.7.1 come back later"));
    assert_eq!(
        told(&attempt),
        (
            "deferred",
            "rcpt",
            Some(450),
            Some("4.7.1"),
            "4.7.1 come back later"
        )
    );
    assert_eq!(
        (attempt["ok"].as_bool(), status.as_str()),
        (Some(false), "deferred")
    );
}

#[test]
fn an_unknown_recipient_is_rejected_permanently() {
    let (attempt, status) = one_attempt(Rule::refuse(550, "5.1.1 no such user"));
    assert_eq!(
        told(&attempt),
        (
            "rejected",
            "rcpt",
            Some(550),
            Some("5.1.1"),
            "5.1.1 no such user"
        )
    );
    assert_eq!(status, "rejected");
}

#[test]
fn a_connection_dropped_during_the_body_is_not_uncertain() {
    let (attempt, status) = one_attempt(Rule::act(At::Rcpt, Action::Drop));
    let (outcome, stage, code, ..) = told(&attempt);
    assert_eq!(
        (outcome, stage, code, status.as_str()),
        ("unreachable", "rcpt", None, "deferred")
    );
}

#[test]
fn a_connection_dropped_after_the_dot_leaves_the_delivery_uncertain() {
    let (attempt, status) = one_attempt(Rule::act(At::Dot, Action::AcceptAndDrop));
    let (outcome, stage, code, ..) = told(&attempt);
    assert_eq!(
        (outcome, stage, code, status.as_str()),
        ("uncertain", "dot", None, "uncertain")
    );
}

#[test]
fn a_silent_server_times_out() {
    let (attempt, status) = one_attempt(Rule::act(At::Rcpt, Action::FallSilent));
    let (outcome, stage, ..) = told(&attempt);
    assert_eq!(
        (outcome, stage, status.as_str()),
        ("unreachable", "rcpt", "deferred")
    );
    assert!(attempt["duration_ms"].as_i64().unwrap() >= 300, "{attempt}");
    let (attempt, status) = one_attempt(Rule::act(At::Dot, Action::FallSilent));
    assert_eq!(
        (told(&attempt).0, told(&attempt).1, status.as_str()),
        ("uncertain", "dot", "uncertain")
    );
}

#[test]
fn an_unreachable_mail_server_loses_no_delivery() {
    let app = TestApp::start();
    let alice = app.alice();
    for n in 0..30 {
        app.recipient(&alice, &format!("r{n}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();

    let log = app.log(&alice);
    assert!(
        !log.is_empty() && log.len() < 30,
        "the server is left alone after it failed: {}",
        log.len()
    );
    assert!(
        log.iter()
            .all(|attempt| attempt["outcome"] == "unreachable" && attempt["stage"] == "connect"),
        "{log:?}"
    );
    let counts = &app.last_run(&alice, mailing)["counts"];
    assert_eq!(
        counts["pending"].as_i64().unwrap() + counts["deferred"].as_i64().unwrap(),
        30,
        "{counts}"
    );
    assert_eq!(
        app.state(&alice, mailing),
        ("running".into(), "mail_server_unreachable".into())
    );
}

#[test]
fn one_refusal_does_not_affect_other_recipients() {
    let server =
        ScriptedServer::start().on("bob@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob", "cay", "dan"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();

    let mut reached: Vec<String> = server
        .accepted()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    reached.sort();
    assert_eq!(
        reached,
        ["ann@example.org", "cay@example.org", "dan@example.org"]
    );
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (
            run["counts"]["accepted"].as_i64(),
            run["counts"]["rejected"].as_i64(),
            run["status"].as_str()
        ),
        (Some(3), Some(1), Some("finished"))
    );
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "finished".into())
    );
}

#[test]
fn each_mail_names_one_recipient_and_no_other() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let everybody = ["ann@example.org", "bob@example.org", "cay@example.org"];
    for email in everybody {
        app.recipient(&alice, email);
    }
    app.mailing(&alice, &json!({}));
    app.tick();

    let mails = server.accepted();
    assert_eq!(mails.len(), 3);
    for mail in mails {
        let words = mail.words();
        let text = String::from_utf8(mail.data).unwrap();
        let named: Vec<_> = everybody
            .into_iter()
            .filter(|email| text.contains(email))
            .collect();
        assert_eq!(
            (mail.to.len(), named),
            (1, vec![mail.to[0].as_str()]),
            "{text}"
        );
        assert!(
            words.contains("Hello, Ada!") && text.contains("Subject: News for Ada"),
            "{text}"
        );
    }
}

#[test]
fn a_deferred_mail_is_retried_when_due_under_the_same_message_id() {
    let server = ScriptedServer::start().once(
        "bob@example.org",
        Rule::say(At::Dot, b"451 4.3.0 not now\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    app.wait(TimeDelta::minutes(3));
    app.tick();
    assert_eq!(app.log(&alice).len(), 1, "not before its time");
    app.wait(TimeDelta::minutes(4));
    app.tick();

    let log = app.log(&alice);
    let outcomes: Vec<_> = log
        .iter()
        .map(|attempt| {
            (
                attempt["attempt_no"].as_i64().unwrap(),
                attempt["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(outcomes, [(2, "accepted"), (1, "deferred")]);
    assert_eq!(app.last_run(&alice, mailing)["status"], "finished");
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn an_invalid_address_is_rejected_in_the_log_and_stops_no_other_delivery() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "info@пример.рф");
    app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({}));
    app.tick();
    let mut reached: Vec<String> = server
        .accepted()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    reached.sort();
    assert_eq!(reached, ["bob@example.org", "info@xn--e1afmkfd.xn--p1ai"]);
}
