//! When a mailing may start: not at a mistyped year, and immediately only on request.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// A valid mailing to all of the owner's recipients, with no start yet.
fn without_start(app: &TestApp, owner: &Person) -> Value {
    json!({"message_id": app.message(owner), "recurrence": "once", "time_zone": "UTC", "recipients": {"all": true}})
}

fn with(mut base: Value, fields: &Value) -> Value {
    let object = base.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    base
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn a_start_more_than_a_day_in_the_past_is_a_mistake_at_its_field_and_mails_nobody() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let base = without_start(&app, &alice);
    let days = |days| app.now() - TimeDelta::days(days);
    let a_day_and = |more| days(1) - more;
    for starts_at in [
        days(365),
        days(2),
        a_day_and(TimeDelta::seconds(1)),
        a_day_and(TimeDelta::microseconds(1)),
    ] {
        for recurrence in ["once", "daily", "weekly", "monthly"] {
            let fields = json!({"starts_at": starts_at, "recurrence": recurrence});
            let mailing = with(base.clone(), &fields);
            app.post(&alice, "/mailings", &mailing)
                .expect_invalid("starts_at", "start_in_past");
            let tried =
                json!({"starts_at": starts_at, "recurrence": recurrence, "time_zone": "UTC"});
            app.post(&alice, "/occurrences/preview", &tried)
                .expect_invalid("starts_at", "start_in_past");
        }
    }
    app.tick();
    assert_eq!(app.get(&alice, "/mailings").expect(200)["total"], 0);
    assert!(server.accepted().is_empty());

    let a_day_ago = with(base, &json!({"starts_at": days(1)}));
    app.post(&alice, "/mailings", &a_day_ago).expect(201);
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn a_mailing_that_is_to_start_now_starts_now_whatever_start_in_the_past_it_names() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let now = json!({"start_now": true, "recurrence": "daily"});
    for fields in [
        now.clone(),
        with(now, &json!({"starts_at": "2025-05-01T10:00:00Z"})),
    ] {
        let mailing = with(without_start(&app, &alice), &fields);
        let created = app.post(&alice, "/mailings", &mailing).expect(201);
        assert_eq!(moment(&created["starts_at"]), app.now(), "{fields}");
        assert_eq!(moment(&created["next_run_at"]), app.now());
        app.tick();
        let path = format!("/mailings/{}", created["id"]);
        let after = app.get(&alice, &path).expect(200);
        assert_eq!(
            moment(&after["next_run_at"]),
            app.now() + TimeDelta::days(1)
        );
    }
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn now_and_another_start_are_not_both_taken() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let base = without_start(&app, &alice);
    let later = app.now() + TimeDelta::seconds(1);
    for (fields, field, code) in [
        (json!({}), "starts_at", "required"),
        (json!({"start_now": false}), "starts_at", "required"),
        (
            json!({"start_now": true, "starts_at": later}),
            "starts_at",
            "conflicts_with_start_now",
        ),
        (
            json!({"start_now": true, "ends_at": app.now()}),
            "ends_at",
            "not_after_start",
        ),
        (
            json!({"start_now": "yes", "starts_at": app.now()}),
            "start_now",
            "wrong_type",
        ),
        (
            json!({"start_now": null, "starts_at": app.now()}),
            "start_now",
            "wrong_type",
        ),
        (
            json!({"start_now": true, "starts_at": null}),
            "starts_at",
            "wrong_type",
        ),
        (
            json!({"start_now": true, "starts_at": "1999-12-31T23:59:59Z"}),
            "starts_at",
            "out_of_range",
        ),
    ] {
        let mailing = with(base.clone(), &fields);
        app.post(&alice, "/mailings", &mailing)
            .expect_invalid(field, code);
        let tried = with(json!({"recurrence": "once", "time_zone": "UTC"}), &fields);
        app.post(&alice, "/occurrences/preview", &tried)
            .expect_invalid(field, code);
    }
    assert_eq!(app.get(&alice, "/mailings").expect(200)["total"], 0);
}

#[test]
fn a_mailing_is_created_for_nobody_unless_its_recipients_are_named() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mut mailing = with(without_start(&app, &alice), &json!({"start_now": true}));
    mailing.as_object_mut().unwrap().remove("recipients");
    app.post(&alice, "/mailings", &mailing)
        .expect_invalid("recipients", "required");
}

#[test]
fn an_old_mailing_keeps_its_start_and_is_moved_to_no_other_past() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let later = json!({"starts_at": app.now() + TimeDelta::hours(1), "recurrence": "weekly"});
    let id = app.mailing(&alice, &later);
    let path = format!("/mailings/{id}");
    app.post(&alice, &format!("{path}/pause"), &Value::Null)
        .expect(204);
    let starts_at = app.get(&alice, &path).expect(200)["starts_at"].clone();
    app.wait(TimeDelta::days(30));

    // Unrelated changes and an unchanged start can be saved.
    for fields in [
        json!({"starts_at": starts_at}),
        json!({"recurrence": "daily"}),
        json!({"starts_at": starts_at, "time_zone": "Europe/Moscow"}),
        json!({"ends_at": app.now() + TimeDelta::days(30)}),
    ] {
        app.patch(&alice, &path, &fields).expect(200);
    }
    let days_ago = |days| app.now() - TimeDelta::days(days);
    for starts_at in [days_ago(2), days_ago(29), days_ago(365)] {
        app.patch(&alice, &path, &json!({"starts_at": starts_at}))
            .expect_invalid("starts_at", "start_in_past");
    }
    assert_eq!(app.get(&alice, &path).expect(200)["starts_at"], starts_at);
    app.patch(&alice, &path, &json!({"starts_at": days_ago(1)}))
        .expect(200);
}

#[test]
fn a_changed_schedule_is_tried_out_as_the_one_of_its_mailing() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipient(&alice, "bob@example.org");
    let sent = app.mailing(&alice, &json!({"recurrence": "weekly"}));
    app.tick();
    let starts_at = app.now();
    app.wait(TimeDelta::days(30));
    let preview = |fields: &Value| {
        let base =
            json!({"starts_at": starts_at, "recurrence": "weekly", "time_zone": "UTC", "count": 1});
        with(base, fields)
    };
    let ask = |fields: &Value| app.post(&alice, "/occurrences/preview", &preview(fields));
    // It has already been sent: saving sends nothing, whatever changes.
    for recurrence in ["weekly", "daily"] {
        let items = ask(&json!({"mailing_id": sent, "recurrence": recurrence})).expect(200);
        assert_eq!(items["items"][0]["note"], Value::Null, "{recurrence}");
        assert!(moment(&items["items"][0]["at"]) > app.now());
    }
    ask(&json!({})).expect_invalid("starts_at", "start_in_past");
    let moved = json!({"mailing_id": sent, "starts_at": app.now() - TimeDelta::days(2)});
    ask(&moved).expect_invalid("starts_at", "start_in_past");
    ask(&json!({"mailing_id": 0})).expect_invalid("mailing_id", "out_of_range");
    for (who, id) in [(&alice, 999_999), (&bob, sent)] {
        let tried = preview(&json!({"mailing_id": id}));
        app.post(who, "/occurrences/preview", &tried)
            .expect_invalid("mailing_id", "not_found");
    }

    // It has never been sent: with a start a moment ago, saving sends immediately.
    let waiting = json!({"starts_at": app.now() + TimeDelta::days(3)});
    let waiting = app.mailing(&alice, &waiting);
    let moved = json!({"mailing_id": waiting, "recurrence": "once", "starts_at": app.now()});
    let items = ask(&moved).expect(200);
    assert_eq!(items["items"][0]["note"], "at_once");
}

#[test]
fn a_creation_repeated_under_its_key_is_not_refused_when_its_start_has_grown_old() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let due = json!({"starts_at": app.now() - TimeDelta::hours(23)});
    let mailing = with(without_start(&app, &alice), &due);
    let headers = [alice.bearer(), ("idempotency-key", "one".to_owned())];
    let first = app.send("POST", "/mailings", &headers, Some(&mailing));
    app.wait(TimeDelta::hours(2));
    let headers = [alice.bearer(), ("idempotency-key", "one".to_owned())];
    let again = app.send("POST", "/mailings", &headers, Some(&mailing));
    assert_eq!(first.id(), again.id());
    app.post(&alice, "/mailings", &mailing)
        .expect_invalid("starts_at", "start_in_past");
}

#[test]
fn a_start_in_the_past_is_refused_with_advice_that_the_operation_understands() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let past = json!({"starts_at": app.now() - TimeDelta::days(2)});
    let advice = |answer: Answer| {
        let problem = answer.expect(422);
        problem["fields"][0]["message"].as_str().unwrap().to_owned()
    };
    let new = with(without_start(&app, &alice), &past);
    let created = advice(app.post(&alice, "/mailings", &new));
    assert!(created.contains("start_now"), "{created}");
    let waiting = json!({"starts_at": app.now() + TimeDelta::days(3)});
    let path = format!("/mailings/{}", app.mailing(&alice, &waiting));
    let changed = advice(app.patch(&alice, &path, &past));
    assert!(!changed.contains("start_now"), "{changed}");
}
