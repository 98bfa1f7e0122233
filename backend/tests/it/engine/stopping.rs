//! What ends a run before everybody is served: nobody gets anything after it, and nothing is lost from the log.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use dispatch::delivery::deliveries::model::DeliveryStatus;
use dispatch::delivery::deliveries::results::{self, AttemptResult, ChunkKey};
use serde_json::json;
use smtp::disposition::Outcome;
use smtp::reply::Stage;

use crate::support::app::TestApp;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

#[test]
fn after_the_end_nothing_is_sent_and_the_rest_is_shown_as_expired() {
    let server = ScriptedServer::start().on(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({"ends_at": "2026-05-01T11:00:00Z"}));
    app.tick();
    app.wait(TimeDelta::hours(1));
    app.tick();
    app.wait(TimeDelta::hours(5));
    app.tick();
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (
            run["counts"]["accepted"].as_i64(),
            run["counts"]["expired"].as_i64(),
            run["status"].as_str()
        ),
        (Some(1), Some(1), Some("finished"))
    );
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "window_over".into())
    );
    assert_eq!(app.log(&alice).len(), 2);
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect_problem(409, "outside_window");
}

#[test]
fn a_deleted_mailing_stops_and_its_log_stays() {
    let server = ScriptedServer::start().on(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let run = app.last_run(&alice, mailing)["id"].clone();
    app.delete(&alice, &format!("/mailings/{mailing}"))
        .expect(204);
    app.delete(&alice, &format!("/mailings/{mailing}"))
        .expect_problem(404, "not_found");
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_eq!((server.accepted().len(), app.log(&alice).len()), (1, 2));
    let run = app.get(&alice, &format!("/runs/{run}")).expect(200);
    assert_eq!(
        (run["status"].as_str(), run["counts"]["skipped"].as_i64()),
        (Some("cancelled"), Some(1))
    );
}

#[test]
fn a_recipient_deleted_before_the_run_is_not_mailed_and_one_deleted_after_stays_in_the_log() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let (ann, bob) = (
        app.recipient(&alice, "ann@example.org"),
        app.recipient(&alice, "bob@example.org"),
    );
    let mailing = app.mailing(&alice, &json!({}));
    app.delete(&alice, &format!("/recipients/{ann}"))
        .expect(204);
    assert_eq!(
        app.get(&alice, &format!("/mailings/{mailing}")).expect(200)["recipients_count"],
        1
    );
    app.tick();
    app.delete(&alice, &format!("/recipients/{bob}"))
        .expect(204);
    let log = app.log(&alice);
    assert_eq!(
        (log.len(), log[0]["recipient"]["email"].as_str()),
        (1, Some("bob@example.org"))
    );
}

#[test]
fn a_run_keeps_the_message_it_started_with() {
    let server = ScriptedServer::start().once(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let message = app.message(&alice);
    app.mailing(&alice, &json!({"message_id": message}));
    app.tick();
    app.patch(
        &alice,
        &format!("/messages/{message}"),
        &json!({"text": "Something else"}),
    )
    .expect(200);
    app.wait(TimeDelta::hours(1));
    app.tick();
    let mail = server.accepted()[0].words();
    assert!(
        mail.contains("Hello, Ada!") && !mail.contains("Something else"),
        "{mail}"
    );
}

#[test]
fn deliveries_of_a_lost_worker_are_uncertain_and_sent_again() {
    let server = ScriptedServer::start().once(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    // As a worker leaves it whose machine is lost while it sends what was deferred.
    let held = "UPDATE chunks SET next_attempt_at = NULL, lease_token = 1, lease_owner = 'dead', lease_expires_at =";
    app.sql()
        .batch_execute(&format!("{held} now() + interval '1 minute'"))
        .unwrap();
    app.wait(TimeDelta::minutes(7));
    app.tick();
    assert_eq!(server.accepted().len(), 1, "the lease still holds");
    app.sql()
        .batch_execute(&format!("{held} now() - interval '1 second'"))
        .unwrap();
    app.tick();
    let log = app.log(&alice);
    assert_eq!(
        (log[0]["outcome"].as_str(), log[0]["attempt_no"].as_i64()),
        (Some("uncertain"), Some(2))
    );
    assert_eq!(server.accepted().len(), 1, "its answer may still come");
    app.wait(TimeDelta::minutes(15));
    app.tick();
    assert_eq!(
        (
            server.accepted().len(),
            app.last_run(&alice, mailing)["status"].as_str()
        ),
        (2, Some("finished"))
    );
}

#[test]
fn a_server_that_fails_after_its_greeting_opens_the_breaker() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for n in 0..60 {
        let email = format!("r{n}@example.org");
        app.recipient(&alice, &email);
        server.add(&email, Rule::act(At::Rcpt, Action::Drop), None);
    }
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    assert!(
        app.log(&alice).len() < 10,
        "{} attempts",
        app.log(&alice).len()
    );
    let counts = &app.last_run(&alice, mailing)["counts"];
    assert_eq!(
        counts["pending"].as_i64().unwrap() + counts["deferred"].as_i64().unwrap(),
        60,
        "{counts}"
    );
}

#[test]
fn a_result_recorded_after_its_delivery_was_closed_is_counted_once() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    // The worker that was too late: the delivery expired, and now its acceptance comes.
    app.sql()
        .batch_execute(
            "DELETE FROM attempts;
             UPDATE deliveries SET status = 'expired', attempts = 0;
             UPDATE chunks SET accepted = 0, expired = 1;",
        )
        .unwrap();
    let late = AttemptResult {
        recipient_id: 1,
        attempt_no: 1,
        at: app.now(),
        outcome: Outcome::Accepted,
        stage: Stage::Dot,
        smtp_code: Some(250),
        enhanced_code: None,
        response: "ok".to_owned(),
        duration_ms: 1,
        before: DeliveryStatus::Pending,
        after: DeliveryStatus::Accepted,
        next_attempt_at: None,
        body_at: None,
    };
    let place = ChunkKey {
        run_id: 1,
        chunk_no: 0,
        mailing_id: mailing,
        owner_id: alice.id,
    };
    for _ in 0..2 {
        results::record(&mut app.sql(), "late", &place, std::slice::from_ref(&late)).unwrap();
    }
    let counts = &app.last_run(&alice, mailing)["counts"];
    assert_eq!(
        (
            counts["accepted"].as_i64(),
            counts["expired"].as_i64(),
            counts["total"].as_i64()
        ),
        (Some(1), Some(0), Some(1))
    );
    assert_eq!(app.log(&alice).len(), 1);
}
