//! `Idempotency-Key`: a request that is sent again because its answer was lost makes nothing a second time.

use std::collections::BTreeSet;
use std::thread;

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::idempotency_keys;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// A request that has a name.
fn named(app: &TestApp, who: &Person, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [who.bearer(), ("idempotency-key", key.to_owned())];
    app.send("POST", path, &headers, Some(body))
}

fn total(app: &TestApp, who: &Person, path: &str) -> Value {
    app.get(who, path).expect(200)["total"].clone()
}

fn message(app: &TestApp, who: &Person) -> Value {
    let text = json!({"subject": "News", "text": "Hello"});
    app.post(who, "/messages", &text).id().into()
}

/// To everybody, a day from now.
fn mailing_of(app: &TestApp, message_id: &Value) -> Value {
    json!({
        "message_id": message_id, "recipients": {"all": true}, "recurrence": "once", "time_zone": "UTC",
        "starts_at": app.services.clock.now() + TimeDelta::days(1),
    })
}

#[test]
fn what_is_created_under_a_key_is_created_once_and_shown_as_it_is_now() {
    let app = TestApp::start();
    let alice = app.alice();
    let of_mailing = mailing_of(&app, &message(&app, &alice));
    for (path, body) in [
        ("/recipients", json!({"email": "ada@example.org"})),
        ("/messages", json!({"subject": "More", "text": "Hello"})),
        ("/mailings", of_mailing),
    ] {
        let before = total(&app, &alice, path).as_i64().unwrap();
        let first = named(&app, &alice, path, path, &body);
        let location = first.header("location").to_owned();
        let again = named(&app, &alice, path, path, &body);
        assert_eq!(first.expect(201), again.expect(201), "{path}");

        let thing = location.strip_prefix("/api/v1").unwrap();
        let (field, changed) = match path {
            "/recipients" => ("comment", "changed"),
            "/messages" => ("subject", "Changed"),
            _ => ("recurrence", "daily"),
        };
        app.patch(&alice, thing, &json!({field: changed}))
            .expect(200);
        let again = named(&app, &alice, path, path, &body);
        assert_eq!(again.header("location"), location);
        assert_eq!(again.expect(201)[field], changed, "{path}");
        assert_eq!(total(&app, &alice, path), before + 1, "{path}");
    }
}

#[test]
fn a_repeated_request_returns_the_mailing_also_after_its_window() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    let mut body = mailing_of(&app, &message(&app, &alice));
    let now = app.services.clock.now();
    body["starts_at"] = json!(now);
    body["ends_at"] = json!(now + TimeDelta::minutes(1));
    let made = named(&app, &alice, "/mailings", "k", &body).id();
    app.wait(TimeDelta::minutes(2));
    assert_eq!(named(&app, &alice, "/mailings", "k", &body).id(), made);
    named(&app, &alice, "/mailings", "other", &body).expect_problem(422, "validation_failed");
}

#[test]
fn a_mailing_is_sent_once_under_a_key_also_when_that_run_has_ended() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    app.wait(TimeDelta::seconds(1));
    let (path, nothing) = (format!("/mailings/{mailing}/send"), json!({}));
    let run = named(&app, &alice, &path, "now", &nothing).expect(202)["id"].clone();
    app.tick();
    let sent = server.accepted().len();
    let again = named(&app, &alice, &path, "now", &nothing).expect(202);
    assert_eq!((&again["id"], &again["status"]), (&run, &json!("finished")));
    app.tick();
    assert_eq!(server.accepted().len(), sent);
}

#[test]
fn another_request_under_the_same_key_is_refused_and_another_owners_key_is_their_own() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let (ada, ann) = (
        json!({"email": "ada@example.org"}),
        json!({"email": "ann@example.org"}),
    );
    let first = named(&app, &alice, "/recipients", "k", &ada).expect(201);
    for (path, body) in [
        ("/recipients", &ann),
        ("/messages", &json!({"subject": "News", "text": "Hello"})),
    ] {
        let refused = named(&app, &alice, path, "k", body).expect_problem(422, "validation_failed");
        assert_eq!(refused["fields"][0]["field"], "Idempotency-Key");
        assert_eq!(refused["fields"][0]["code"], "reused");
    }
    assert_eq!(total(&app, &alice, "/recipients"), 1);
    let theirs = named(&app, &bob, "/recipients", "k", &ada).expect(201);
    assert_ne!(first["id"], theirs["id"]);
}

#[test]
fn of_concurrent_requests_one_is_executed_and_all_get_its_result() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    let body = mailing_of(&app, &message(&app, &alice));
    let made: BTreeSet<_> = thread::scope(|scope| {
        let asked: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| named(&app, &alice, "/mailings", "k", &body).id()))
            .collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 1);
    assert_eq!(total(&app, &alice, "/mailings"), 1);
}

#[test]
fn a_rejected_request_does_not_use_its_key() {
    let app = TestApp::start();
    let alice = app.alice();
    let ada = json!({"email": "ada@example.org"});
    let id = app.post(&alice, "/recipients", &ada).id();
    named(&app, &alice, "/recipients", "k", &ada).expect_problem(409, "email_taken");
    app.delete(&alice, &format!("/recipients/{id}")).expect(204);
    let made = named(&app, &alice, "/recipients", "k", &ada).expect(201);
    let path = format!("/recipients/{}", made["id"]);
    app.delete(&alice, &path).expect(204);
    named(&app, &alice, "/recipients", "k", &ada).expect_problem(409, "already_deleted");
}

#[test]
fn a_key_is_forgotten_after_a_day() {
    let app = TestApp::start();
    let alice = app.alice();
    let text = json!({"subject": "News", "text": "Hello"});
    let first = named(&app, &alice, "/messages", "k", &text).id();
    app.wait(TimeDelta::hours(24));
    let second = named(&app, &alice, "/messages", "k", &text).id();
    assert_ne!(first, second);
    assert_eq!(named(&app, &alice, "/messages", "k", &text).id(), second);
    app.wait(TimeDelta::hours(25));
    let maintenance = app.services.maintenance();
    maintenance.pass(&mut app.sql()).unwrap();
    let kept: i64 = idempotency_keys::table
        .count()
        .get_result(&mut app.sql())
        .unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn an_invalid_key_is_rejected() {
    let app = TestApp::start();
    let alice = app.alice();
    let ada = json!({"email": "ada@example.org"});
    for key in ["", "with a blank", "ключ", &"k".repeat(201)] {
        let refused = named(&app, &alice, "/recipients", key, &ada);
        let refused = refused.expect_problem(422, "validation_failed");
        assert_eq!(
            refused["fields"][0]["code"], "invalid_idempotency_key",
            "{key}"
        );
    }
    assert_eq!(total(&app, &alice, "/recipients"), 0);
}
