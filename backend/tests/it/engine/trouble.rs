//! A mail server in trouble, or one that does not want what it is given: nobody is lost, nothing is hammered, and what can
//! go on by itself does.

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::mail_servers;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

fn is_left_alone(app: &TestApp) -> Option<String> {
    mail_servers::table
        .select(mail_servers::cause)
        .first(&mut app.sql())
        .unwrap()
}

fn counts(app: &TestApp, owner: &Person, mailing: i64) -> Value {
    app.last_run(owner, mailing)["counts"].clone()
}

#[test]
fn an_outage_of_ten_minutes_loses_none_of_a_hundred_thousand_deliveries() {
    const EVERYBODY: i64 = 100_000;
    let server = ScriptedServer::start().on("*", Rule::act(At::Greeting, Action::Drop));
    let app = TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("SMTP_SESSIONS", "8"),
        ("SMTP_RATE", "0"),
    ]);
    let alice = app.alice();
    app.recipients(&alice, EVERYBODY);
    let mailing = app.mailing(&alice, &json!({}));
    for _ in 0..20 {
        app.tick();
        app.wait(TimeDelta::seconds(30));
    }
    assert_eq!(
        is_left_alone(&app).as_deref(),
        Some("mail_server_unreachable")
    );
    let tried = app.log(&alice).len();
    assert!(
        (5..40).contains(&tried),
        "five and one for each of a few probes, not {tried}"
    );
    server.forget_rules();
    for _ in 0..11 {
        app.tick();
        app.wait(TimeDelta::seconds(30));
    }
    let counts = counts(&app, &alice, mailing);
    assert_eq!(counts["accepted"], EVERYBODY, "{counts}");
    assert_eq!(is_left_alone(&app), None);
    assert_eq!(app.last_run(&alice, mailing)["status"], "finished");
}

#[test]
fn probes_are_single_and_increasingly_rare() {
    let server = ScriptedServer::start().on("*", Rule::act(At::Greeting, Action::Drop));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 50);
    app.mailing(&alice, &json!({}));
    app.tick();
    let mut asked = server.connections();
    let mut waits = Vec::new();
    for second in 1..=1500 {
        app.wait(TimeDelta::seconds(1));
        if second % 10 != 0 {
            continue;
        }
        app.tick();
        if server.connections() > asked {
            assert_eq!(server.connections(), asked + 1, "one probe at a time");
            asked = server.connections();
            waits.push(second);
        }
    }
    let gaps: Vec<_> = waits.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        (waits[0], gaps.as_slice()),
        (30, &[60, 120, 240, 300, 300, 300][..])
    );
}

#[test]
fn refused_credentials_are_not_retried_often_and_cost_no_attempt() {
    let server = ScriptedServer::setup()
        .knowing("me", "secret")
        .offering("AUTH PLAIN")
        .start()
        .on("*", Rule::say(At::Auth, b"535 5.7.8 bad credentials\r\n"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 30);
    let mailing = app.mailing(&alice, &json!({}));
    for _ in 0..3 {
        app.tick();
    }
    assert!(server.connections() <= 2, "{}", server.connections());
    assert_eq!(is_left_alone(&app).as_deref(), Some("mail_server_refuses"));
    server.forget_rules();
    app.wait(TimeDelta::minutes(5));
    app.tick();
    app.wait(TimeDelta::minutes(1));
    app.tick();
    assert_eq!(counts(&app, &alice, mailing)["accepted"], 30);
}

#[test]
fn a_server_that_refuses_the_content_pauses_the_run() {
    let server =
        ScriptedServer::start().on("*", Rule::say(At::Dot, b"554 5.7.1 looks like spam\r\n"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 200);
    let mailing = app.mailing(&alice, &json!({}));
    for _ in 0..3 {
        app.tick();
        app.wait(TimeDelta::hours(1));
    }
    let refused = counts(&app, &alice, mailing)["rejected"].as_i64().unwrap();
    assert!((10..15).contains(&refused), "{refused} were refused");
    assert_eq!(hold(&app).as_deref(), Some("content_rejected"));
    server.forget_rules();
    app.tick();
    assert!(server.accepted().is_empty(), "until somebody resumes it");
    diesel::sql_query("UPDATE runs SET pause_reason = NULL")
        .execute(&mut app.sql())
        .unwrap();
    app.tick();
    assert_eq!(
        counts(&app, &alice, mailing)["accepted"].as_i64(),
        Some(200 - refused)
    );
}

#[test]
fn a_server_that_refuses_the_sender_pauses_the_run_at_once() {
    let server =
        ScriptedServer::start().on("*", Rule::say(At::Mail, b"550 5.7.1 sender refused\r\n"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 50);
    let mailing = app.mailing(&alice, &json!({}));
    for _ in 0..3 {
        app.tick();
    }
    let refused = counts(&app, &alice, mailing)["rejected"].as_i64().unwrap();
    assert!(refused <= 2, "one for each session at most: {refused}");
    assert_eq!(hold(&app).as_deref(), Some("content_rejected"));
}

#[test]
fn a_server_that_defers_everything_pauses_the_run_for_a_while() {
    let server =
        ScriptedServer::start().on("*", Rule::say(At::Data, b"451 4.3.1 no disk space\r\n"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 300);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    app.tick();
    let tried = app.log(&alice).len();
    assert!((20..25).contains(&tried), "{tried} were tried");
    assert_eq!(hold(&app).as_deref(), Some("mail_server_defers"));
    server.forget_rules();
    for _ in 0..4 {
        app.wait(TimeDelta::minutes(5));
        app.tick();
    }
    assert_eq!(counts(&app, &alice, mailing)["accepted"], 300);
}

#[test]
fn a_server_that_confirms_no_mail_opens_the_breaker_after_a_few() {
    let silences = [
        Action::AcceptAndDrop,
        Action::SayAndClose(b"250-2.0.0 queued\r\n".into()),
    ];
    for silence in silences {
        let server = ScriptedServer::start().on("*", Rule::act(At::Dot, silence.clone()));
        for refused in ["r1", "r3", "r5"] {
            let address = format!("{refused}@example.org");
            server.add(&address, Rule::refuse(550, "5.7.1 not you"), None);
        }
        let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "2")]);
        let alice = app.alice();
        app.recipients(&alice, 100);
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        let first = counts(&app, &alice, mailing)["uncertain"].as_i64().unwrap();
        assert!((5..=6).contains(&first), "{first} are uncertain");
        let cause = "mail_server_does_not_confirm";
        assert_eq!(is_left_alone(&app).as_deref(), Some(cause));
        assert_eq!(app.state(&alice, mailing).1, cause);
        for _ in 0..2 {
            app.wait(TimeDelta::seconds(29));
            app.tick();
            app.wait(TimeDelta::seconds(1));
            app.tick();
            app.tick();
        }
        let sent = app
            .log(&alice)
            .iter()
            .filter(|attempt| attempt["outcome"] == "uncertain")
            .count();
        assert_eq!(
            i64::try_from(sent).unwrap(),
            first + 1,
            "one probe in a minute: {silence:?}"
        );
        server.forget_rules();
        for _ in 0..8 {
            app.wait(TimeDelta::minutes(2));
            app.tick();
        }
        assert_eq!(is_left_alone(&app), None);
        let counts = counts(&app, &alice, mailing);
        assert_eq!(
            (&counts["uncertain"], &counts["deferred"]),
            (&json!(0), &json!(0)),
            "{counts}"
        );
    }
}

#[test]
fn an_uncertain_mail_is_sent_again_under_its_message_id_or_held() {
    for (policy, copies) in [("retry", 2), ("hold", 1)] {
        let server = ScriptedServer::start()
            .once("bob@example.org", Rule::act(At::Dot, Action::AcceptAndDrop));
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        app.recipient(&alice, "bob@example.org");
        let mailing = app.mailing(&alice, &json!({}));
        diesel::sql_query(format!("UPDATE mailings SET on_uncertain = '{policy}'"))
            .execute(&mut app.sql())
            .unwrap();
        app.tick();
        app.wait(TimeDelta::hours(2));
        app.tick();
        let mails = server.accepted();
        let ids: Vec<String> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(mails.len(), copies, "{policy}");
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
        let uncertain = i64::from(policy == "hold");
        assert_eq!(counts(&app, &alice, mailing)["uncertain"], uncertain);
        assert_eq!(app.last_run(&alice, mailing)["status"], "finished");
    }
}

#[test]
fn failures_of_the_server_do_not_lengthen_a_recipients_retry_delay() {
    let server = ScriptedServer::start();
    server.add(
        "bob@example.org",
        Rule::act(At::Rcpt, Action::Drop),
        Some(3),
    );
    server.add(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
        Some(1),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({}));
    for _ in 0..4 {
        app.tick();
        app.wait(TimeDelta::minutes(1));
    }
    assert_eq!(app.log(&alice).len(), 4);
    // Greylisted for the first time, it waits five minutes and a fifth at most, not forty.
    app.wait(TimeDelta::minutes(6));
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}

fn hold(app: &TestApp) -> Option<String> {
    #[derive(QueryableByName)]
    struct Hold {
        #[diesel(sql_type = diesel::sql_types::Text)]
        reason: String,
    }
    let hold: Option<Hold> = diesel::sql_query("SELECT reason FROM run_holds")
        .get_result(&mut app.sql())
        .optional()
        .unwrap();
    hold.map(|hold| hold.reason)
}
