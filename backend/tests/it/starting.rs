//! Mailings that fall due beside others, and what keeps one of them from starting.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

#[test]
fn a_mailing_whose_start_fails_keeps_no_other_from_starting() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let broken = app.mailing(&alice, &json!({"starts_at": "2026-05-01T09:00:00Z"}));
    let healthy = app.mailing(&alice, &json!({}));
    app.sql()
        .batch_execute(&format!(
            "ALTER TABLE runs ADD CONSTRAINT broken CHECK (mailing_id <> {broken})"
        ))
        .unwrap();
    for _ in 0..3 {
        app.tick();
        app.wait(TimeDelta::seconds(1));
    }
    assert_eq!(app.last_run(&alice, healthy)["status"], "finished");
    assert_eq!(
        app.state(&alice, broken),
        ("created".into(), "waiting".into())
    );

    app.sql()
        .batch_execute("ALTER TABLE runs DROP CONSTRAINT broken")
        .unwrap();
    app.tick();
    assert_eq!(server.accepted().len(), 1, "once a minute is enough");
    app.wait(TimeDelta::minutes(1));
    app.tick();
    assert_eq!(app.last_run(&alice, broken)["status"], "finished");
}

#[test]
fn an_occurrence_waits_for_retries_of_the_run_before_that_are_just_being_sent() {
    let server = ScriptedServer::start().once(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    let other = app.mailing(&alice, &json!({"starts_at": "2026-05-02T10:00:00Z"}));
    app.tick();
    // Another worker has the retry in hand when the next occurrence falls due.
    app.sql()
        .batch_execute(
            "UPDATE chunks SET lease_token = 1, lease_owner = 'other', lease_expires_at = now() + interval '1 minute'",
        )
        .unwrap();
    app.wait(TimeDelta::hours(24));
    app.tick();
    let runs = || {
        let page = app
            .get(&alice, &format!("/mailings/{mailing}/runs"))
            .expect(200);
        let runs = page["items"].as_array().unwrap().iter();
        runs.map(|run| run["status"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(runs(), ["running"], "nothing is recorded yet");
    assert_eq!(
        app.last_run(&alice, other)["status"],
        "finished",
        "others start meanwhile"
    );
    app.sql()
        .batch_execute(
            "UPDATE chunks SET lease_token = NULL, lease_owner = NULL, lease_expires_at = NULL",
        )
        .unwrap();
    app.wait(TimeDelta::seconds(1));
    app.tick();
    assert_eq!(runs(), ["finished", "finished"]);
    let counts = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    assert_eq!(
        (
            &counts["items"][1]["counts"]["expired"],
            &counts["items"][0]["counts"]["accepted"]
        ),
        (&json!(1), &json!(1))
    );
}

#[test]
fn the_scheduler_and_those_who_change_a_mailing_do_not_get_in_each_others_way() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for n in 0..20 {
        app.recipient(&alice, &format!("r{n}@example.org"));
    }
    for _ in 0..8 {
        let mailing = app.mailing(&alice, &json!({}));
        let path = format!("/mailings/{mailing}");
        std::thread::scope(|scope| {
            let ticking = scope.spawn(|| app.tick());
            for action in ["pause", "resume", "cancel", "send"] {
                let answer = app.post(&alice, &format!("{path}/{action}"), &json!({}));
                assert!([202, 204, 409].contains(&answer.status), "{}", answer.body);
            }
            app.delete(&alice, &path).expect(204);
            ticking.join().unwrap();
        });
        app.wait(TimeDelta::seconds(1));
        app.tick();
    }
    let left = app.get(&alice, "/mailings").expect(200);
    assert_eq!(left["total"], 0);
}
