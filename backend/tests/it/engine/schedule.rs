//! When mailings start by themselves, and that they start once.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::sending::at;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

#[test]
fn a_mailing_whose_window_is_open_starts_at_once() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"starts_at": "2026-04-30T10:00:00Z", "ends_at": "2026-06-01T00:00:00Z", "recurrence": "weekly"}));
    assert_eq!(
        app.state(&alice, mailing),
        ("created".into(), "waiting".into())
    );
    app.tick();
    assert_eq!(server.accepted().len(), 1);
    let after = app.get(&alice, &format!("/mailings/{mailing}")).expect(200);
    assert_eq!(
        (
            after["status"].as_str(),
            after["state_reason"].as_str(),
            after["next_run_at"].as_str()
        ),
        (
            Some("running"),
            Some("waiting"),
            Some("2026-05-07T10:00:00Z")
        )
    );
}

#[test]
fn nothing_is_sent_before_the_start() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"starts_at": "2026-05-01T12:00:00Z"}));
    app.tick();
    app.wait(TimeDelta::minutes(119));
    app.tick();
    assert!(server.accepted().is_empty());
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect_problem(409, "outside_window");
    app.wait(TimeDelta::minutes(1));
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn a_daily_mailing_is_sent_every_day_until_its_end() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(
        &alice,
        &json!({"recurrence": "daily", "ends_at": "2026-05-04T10:00:00Z"}),
    );
    for hour in 0..120 {
        app.tick();
        assert_eq!(
            server.accepted().len(),
            (hour / 24 + 1).min(3),
            "after {hour} hours"
        );
        app.wait(TimeDelta::hours(1));
    }
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "finished".into())
    );
    let runs = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    assert_eq!(
        (
            runs["total"].as_i64(),
            runs["items"][0]["scheduled_for"].as_str()
        ),
        (Some(3), Some("2026-05-03T10:00:00Z"))
    );
}

#[test]
fn after_downtime_only_the_newest_occurrence_is_sent_and_the_others_are_recorded() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    app.wait(TimeDelta::hours(3 * 24 + 2));
    app.tick();
    assert_eq!(server.accepted().len(), 2);
    let runs = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    let statuses: Vec<_> = runs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["finished", "missed", "missed", "finished"]);
}

#[test]
fn send_now_requested_twice_starts_one_run() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let send = format!("/mailings/{mailing}/send");
    app.wait(TimeDelta::seconds(5));
    let begun = app.post(&alice, &send, &json!({}));
    let location = begun.header("location").to_owned();
    let run = begun.expect(202);
    assert_eq!(
        (
            location,
            run["trigger"].as_str(),
            run["counts"]["pending"].as_i64()
        ),
        (
            format!("/api/v1/runs/{}", run["id"]),
            Some("manual"),
            Some(1)
        )
    );
    app.post(&alice, &send, &json!({}))
        .expect_problem(409, "run_open");
    app.post(&bob, &send, &json!({}))
        .expect_problem(404, "not_found");
    app.tick();
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn two_concurrent_schedulers_start_a_mailing_once() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for n in 0..60 {
        app.recipient(&alice, &format!("r{n}@example.org"));
    }
    for _ in 0..5 {
        app.mailing(&alice, &json!({}));
    }
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| app.tick());
        }
    });
    app.tick();
    assert_eq!(server.accepted().len(), 300);
    let mailings = app.get(&alice, "/mailings").expect(200);
    assert!(
        mailings["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|m| m["status"] == "completed" && m["last_run"]["counts"]["accepted"] == 60),
        "{mailings}"
    );
}

#[test]
fn an_occurrence_due_while_the_previous_one_is_in_its_first_pass_is_recorded_as_skipped() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    for n in 0..40 {
        app.recipient(&alice, &format!("r{n}@example.org"));
    }
    app.patch(
        &alice,
        &format!("/mailings/{mailing}"),
        &json!({"recipients": {"all": true}}),
    )
    .expect(200);
    // Nobody answers: most are not even tried.
    app.tick();
    app.wait(TimeDelta::hours(24));
    app.tick();
    let runs = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    let statuses: Vec<_> = runs["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["skipped_overlap", "paused"]);
}

#[test]
fn retries_end_when_the_next_occurrence_comes() {
    let server = ScriptedServer::start().on(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    for _ in 0..25 {
        app.tick();
        app.wait(TimeDelta::hours(1));
    }
    app.tick();
    let runs = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    assert_eq!(
        (
            runs["items"][1]["status"].as_str(),
            runs["items"][1]["counts"]["expired"].as_i64()
        ),
        (Some("finished"), Some(1))
    );
    assert_eq!(runs["items"][0]["status"], "running");
}

#[test]
fn a_changed_schedule_sends_nothing_twice() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    let path = format!("/mailings/{mailing}");
    app.tick();
    app.wait(TimeDelta::hours(1));
    app.patch(&alice, &path, &json!({"recurrence": "weekly"}))
        .expect(200);
    app.tick();
    assert_eq!(server.accepted().len(), 1);
    let next = app.get(&alice, &path).expect(200);
    assert_eq!(next["next_run_at"], "2026-05-08T10:00:00Z");

    let moved = app.patch(&alice, &path, &json!({"recurrence": "once", "starts_at": "2026-05-02T09:00:00Z", "ends_at": "2026-05-03T00:00:00Z"})).expect(200);
    assert_eq!(moved["next_run_at"], "2026-05-02T09:00:00Z");
    app.patch(&alice, &path, &json!({"ends_at": "2026-05-01T10:30:00Z"}))
        .expect_invalid("ends_at", "not_after_start");
    app.wait(at("2026-05-02T09:00:00Z") - app.now());
    app.tick();
    assert_eq!(
        (server.accepted().len(), app.state(&alice, mailing)),
        (2, ("completed".into(), "finished".into()))
    );
}

#[test]
fn the_recipients_of_a_run_do_not_change_while_it_is_prepared() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    let path = format!("/mailings/{mailing}");
    app.tick();
    app.wait(TimeDelta::seconds(1));
    app.post(&alice, &format!("{path}/send"), &json!({}))
        .expect(202);
    app.patch(&alice, &path, &json!({"recipients": {"all": true}}))
        .expect_problem(409, "run_open");
    app.tick();
    app.patch(&alice, &path, &json!({"recipients": {"all": true}}))
        .expect(200);
}
