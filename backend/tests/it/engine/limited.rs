//! A mail server that allows fewer connections than configured: the accepted ones do the work, the limit is shown,
//! and one more is tried every few minutes. The server counts as failing only if no session works.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::mail_servers;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::people::Person;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

const ALL: i64 = 120;

/// How a server refuses excess connections.
fn refusals() -> [Action; 4] {
    [
        Action::Say(b"421 4.7.0 too many connections\r\n".into()),
        Action::SayAndClose(b"554 5.7.0 too many connections\r\n".into()),
        Action::Drop,
        // Some servers accept the connection and refuse the first command.
        Action::SayAndClose(b"220 scripted ESMTP\r\n421 4.7.0 busy\r\n".into()),
    ]
}

fn limited_to(connections: usize, surplus: Action) -> ScriptedServer {
    let pace = Duration::from_millis(20);
    ScriptedServer::setup()
        .replying_after(pace)
        .allowing(connections, surplus)
        .start()
}

/// As above, but the others are refused only at this stage of their first mail.
fn limited_at(stage: At, connections: usize, surplus: Action) -> ScriptedServer {
    ScriptedServer::setup()
        .replying_after(Duration::from_millis(20))
        .allowing(connections, surplus)
        .refusing_others_at(stage)
        .start()
}

/// How a server ends an excess connection in the middle of its first mail.
fn late_refusals() -> impl Iterator<Item = (At, Action)> {
    let refusals = [Action::Say(b"421 4.7.0 too many\r\n".into()), Action::Drop];
    let at = move |stage| refusals.clone().map(|refusal| (stage, refusal));
    [At::Mail, At::Rcpt, At::Data].into_iter().flat_map(at)
}

/// Session limit and breaker cause, as known to all processes.
fn known(app: &TestApp) -> (Option<i32>, Option<String>) {
    mail_servers::table
        .order(mail_servers::smtp_server_id.asc().nulls_last())
        .select((mail_servers::session_limit, mail_servers::cause))
        .first(&mut app.sql())
        .unwrap()
}

/// Asserts that every recipient was mailed once, with one attempt.
fn assert_sent(app: &TestApp, owner: &Person, server: &ScriptedServer) {
    assert_eq!(server.copies().len(), usize::try_from(ALL).unwrap());
    assert_eq!(server.taken(), usize::try_from(ALL).unwrap());
    let log = app.log(owner);
    let outcomes: Vec<&Value> = log.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, vec![&json!("accepted"); 120]);
}

#[test]
fn connections_refused_while_others_work_cost_no_attempt_and_open_no_breaker() {
    for surplus in refusals() {
        let server = limited_to(3, surplus.clone());
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "8")]);
        let alice = app.alice();
        app.recipients(&alice, ALL);
        app.mailing(&alice, &json!({}));
        app.tick();
        assert_sent(&app, &alice, &server);
        assert_eq!(known(&app), (Some(3), None), "{surplus:?}");
    }
}

#[test]
fn connections_that_end_in_their_first_mail_while_others_work_open_no_breaker() {
    for (stage, surplus) in late_refusals() {
        let server = limited_at(stage, 3, surplus.clone());
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "8")]);
        let alice = app.alice();
        app.recipients(&alice, ALL);
        app.mailing(&alice, &json!({}));
        app.tick();
        assert_sent(&app, &alice, &server);
        assert_eq!(known(&app), (Some(3), None), "{stage:?} {surplus:?}");
    }
}

#[test]
fn a_server_that_ends_every_connection_in_its_first_mail_is_failing_and_not_limited() {
    for (stage, surplus) in late_refusals() {
        let server = limited_at(stage, 0, surplus.clone());
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "4")]);
        let alice = app.alice();
        app.recipients(&alice, 50);
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(app.state(&alice, mailing).1, "mail_server_unreachable");
        let trouble = Some("mail_server_unreachable".to_owned());
        assert_eq!(known(&app), (None, trouble), "{stage:?} {surplus:?}");
    }
}

#[test]
fn a_server_that_refuses_at_once_and_greets_late_is_not_failing() {
    let late = Action::late(
        Duration::from_millis(400),
        Action::Say(b"220 scripted\r\n".into()),
    );
    let server = limited_to(3, Action::Say(b"421 4.7.0 too many connections\r\n".into()))
        .on("*", Rule::act(At::Greeting, late));
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "12")]);
    let alice = app.alice();
    app.recipients(&alice, ALL);
    app.mailing(&alice, &json!({}));
    app.tick();
    assert_sent(&app, &alice, &server);
    assert_eq!(known(&app), (Some(3), None));
}

#[test]
fn the_same_holds_for_a_users_server_and_is_shown_to_its_owner() {
    for surplus in refusals() {
        let installation = ScriptedServer::start();
        let own = limited_to(2, surplus.clone());
        let app = TestApp::letting_in(&installation, &[&own]);
        let alice = app.alice();
        app.recipients(&alice, ALL);
        let id = app.own_server(&alice, &own, &json!({"sessions": 6}));
        app.mailing(&alice, &json!({"smtp_server_id": id}));
        app.tick();
        assert_sent(&app, &alice, &own);
        assert_eq!(known(&app), (Some(2), None), "{surplus:?}");
        let shown = app.get(&alice, &format!("/smtp-servers/{id}")).expect(200);
        assert_eq!(shown["session_limit"]["sessions"], 2, "{shown}");
        // Treated as another server.
        let changed = json!({"sessions": 5});
        app.patch(&alice, &format!("/smtp-servers/{id}"), &changed)
            .expect(200);
        let shown = app.get(&alice, &format!("/smtp-servers/{id}")).expect(200);
        assert_eq!(shown["session_limit"], Value::Null);
    }
}

#[test]
fn a_running_run_shows_the_session_limit_of_the_server() {
    let server = limited_to(2, Action::Drop);
    let app = TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("SMTP_SESSIONS", "4"),
        ("SMTP_RATE", "20"),
    ]);
    let alice = app.alice();
    app.recipients(&alice, ALL);
    let mailing = app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    let run = eventually("the limit is told", || {
        let run = app.last_run(&alice, mailing);
        (run["session_limit"] != Value::Null).then_some(run)
    });
    let (limit, status) = (&run["session_limit"], &run["status"]);
    assert!(limit.as_i64().unwrap() < 4, "{limit}");
    assert_eq!(
        (status, &run["pause_reason"]),
        (&json!("running"), &Value::Null)
    );
}

#[test]
fn one_more_session_is_tried_every_few_minutes() {
    let server = limited_to(1, Action::Drop);
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "3")]);
    let alice = app.alice();
    app.recipients(&alice, 20);
    let send = || {
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(app.last_run(&alice, mailing)["counts"]["accepted"], 20);
        known(&app).0
    };
    assert_eq!(send(), Some(1));
    assert_eq!(send(), Some(1), "not before its time");
    server.allow(3);
    app.wait(TimeDelta::minutes(2));
    let (mut limits, mut limit) = (Vec::new(), send());
    while let Some(sessions) = limit {
        limits.push(sessions);
        app.wait(TimeDelta::minutes(2));
        limit = send();
    }
    assert!(limits.is_sorted() && limits.len() <= 2, "{limits:?}");
}

#[test]
fn a_server_that_refuses_every_connection_is_failing_and_not_limited() {
    for surplus in refusals() {
        let server = limited_to(0, surplus.clone());
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "4")]);
        let alice = app.alice();
        app.recipients(&alice, 50);
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(app.state(&alice, mailing).1, "mail_server_unreachable");
        let trouble = Some("mail_server_unreachable".to_owned());
        assert_eq!(known(&app), (None, trouble), "{surplus:?}");
        assert!(server.connections() < 12, "{}", server.connections());
    }
}
