//! Mailings as their owner keeps them.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;

fn with(mut base: Value, fields: &Value) -> Value {
    base.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    base
}

fn draft(app: &TestApp, owner: &Person, fields: &Value) -> Value {
    let base = json!({"message_id": app.message(owner), "starts_at": "2026-05-02T10:00:00Z", "recurrence": "once", "time_zone": "UTC", "recipients": {"all": true}});
    with(base, fields)
}

#[test]
fn a_mistake_is_named_by_its_field_and_nothing_is_stored() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    for (fields, field, code) in [
        (
            json!({"ends_at": "2026-05-02T10:00:00Z"}),
            "ends_at",
            "not_after_start",
        ),
        (
            json!({"starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-05-01T09:00:00Z"}),
            "ends_at",
            "in_past",
        ),
        (
            json!({"starts_at": "2026-05-02T10:00:00.0000001Z", "ends_at": "2026-05-02T10:00:00.0000002Z"}),
            "ends_at",
            "not_after_start",
        ),
        (
            json!({"starts_at": "1999-12-31T23:59:59Z"}),
            "starts_at",
            "out_of_range",
        ),
        (
            json!({"starts_at": "9999-01-01T00:00:00Z"}),
            "starts_at",
            "out_of_range",
        ),
        (json!({"starts_at": "tomorrow"}), "starts_at", "wrong_type"),
        (
            json!({"recurrence": "yearly"}),
            "recurrence",
            "unknown_value",
        ),
        (
            json!({"time_zone": "../../etc/passwd"}),
            "time_zone",
            "unknown_time_zone",
        ),
        (json!({"message_id": 999}), "message_id", "not_found"),
        (
            json!({"recipients": {"ids": [999]}}),
            "recipients.ids",
            "not_found",
        ),
        (
            json!({"recipients": {"ids": []}}),
            "recipients.ids",
            "out_of_range",
        ),
        (
            json!({"recipients": {"q": "nobody"}}),
            "recipients",
            "not_found",
        ),
        (json!({"recipients": {}}), "recipients", "required"),
        (
            json!({"recipients": {"all": true, "q": "ann"}}),
            "recipients",
            "required",
        ),
        (
            json!({"recipients": {"all": "yes"}}),
            "recipients.all",
            "wrong_type",
        ),
        (json!({"status": "completed"}), "status", "unknown_field"),
    ] {
        app.post(&alice, "/mailings", &draft(&app, &alice, &fields))
            .expect_invalid(field, code);
    }
    assert_eq!(app.get(&alice, "/mailings").expect(200)["total"], 0);
    app.post(
        &alice,
        "/mailings",
        &draft(&app, &alice, &json!({"time_zone": "Europe/Kiev"})),
    )
    .expect(201);
}

#[test]
fn two_thousand_recipients_are_chosen_without_naming_them() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    for owner in [&alice, &bob] {
        let fill = format!(
            "INSERT INTO recipients (owner_id, email, full_name, created_at, updated_at)
             SELECT {}, 'r' || n || '@example.org', CASE WHEN n % 10 = 0 THEN 'Иванова' ELSE '' END, now(), now()
             FROM generate_series(1, 2000) n",
            owner.id
        );
        app.sql().batch_execute(&fill).unwrap();
    }
    let mailing = app.mailing(&alice, &json!({"starts_at": "2026-05-02T10:00:00Z"}));
    let path = format!("/mailings/{mailing}");
    let count = |choice: Value| {
        app.patch(&alice, &path, &json!({"recipients": choice}))
            .expect(200)["recipients_count"]
            .as_i64()
    };
    assert_eq!(app.get(&alice, &path).expect(200)["recipients_count"], 2000);
    assert_eq!(count(json!({"q": "иванова"})), Some(200));
    let found = app
        .get(&alice, &format!("{path}/recipients?per_page=100&page=2"))
        .expect(200);
    assert_eq!(
        (
            found["total"].as_i64(),
            found["items"].as_array().unwrap().len()
        ),
        (Some(200), 100)
    );
    assert_eq!(
        app.get(&alice, &format!("{path}/recipients?q=r1000@"))
            .expect(200)["total"],
        1
    );
    let first = found["items"][0]["id"].as_i64().unwrap();
    assert_eq!(count(json!({"ids": [first, first]})), Some(1));
}

#[test]
fn a_mailing_like_another_goes_to_those_the_other_goes_to_now() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    app.recipients(&alice, 2000);
    let tomorrow = json!({"starts_at": "2026-05-02T10:00:00Z"});
    let first = app.mailing(&alice, &tomorrow);
    let all = app.get(&alice, "/recipients?q=r1").expect(200);
    let one = all["items"][0]["id"].clone();
    app.delete(&alice, &format!("/recipients/{one}"))
        .expect(204);
    app.recipient(&alice, "later@example.org");

    let message = app.message(&alice);
    let like = |other: i64| json!({"message_id": message, "starts_at": "2026-05-02T10:00:00Z", "recurrence": "once", "time_zone": "UTC", "recipients": {"mailing_id": other}});
    let second = app.post(&alice, "/mailings", &like(first)).expect(201);
    assert_eq!(second["recipients_count"], 1999);
    let path = format!("/mailings/{}/recipients?q=", second["id"]);
    assert_eq!(
        app.get(&alice, &format!("{path}later")).expect(200)["total"],
        0
    );

    app.recipient(&bob, "his@example.org");
    for not_hers in [app.mailing(&bob, &tomorrow), 999_999_999] {
        app.post(&alice, "/mailings", &like(not_hers))
            .expect_invalid("recipients.mailing_id", "not_found");
    }
    app.post(&alice, "/mailings", &like(0))
        .expect_invalid("recipients.mailing_id", "out_of_range");
}

#[test]
fn the_next_ten_occurrences_are_shown_before_saving() {
    let app = TestApp::start();
    let alice = app.alice();
    let preview = |fields: Value| {
        let base = json!({"starts_at": "2026-10-24T00:30:00Z", "recurrence": "daily", "time_zone": "Europe/Berlin"});
        app.post(&alice, "/occurrences/preview", &with(base, &fields))
    };
    let days = preview(json!({})).expect(200)["items"].clone();
    assert_eq!(days.as_array().unwrap().len(), 10);
    assert_eq!(
        days[0],
        json!({"at": "2026-10-24T00:30:00Z", "local": "2026-10-24T02:30:00+02:00", "note": null})
    );
    assert_eq!(
        days[1],
        json!({"at": "2026-10-25T00:30:00Z", "local": "2026-10-25T02:30:00+02:00", "note": "dst_overlap"})
    );
    assert_eq!(
        days[2],
        json!({"at": "2026-10-26T01:30:00Z", "local": "2026-10-26T02:30:00+01:00", "note": null})
    );

    let months =
        preview(json!({"starts_at": "2027-01-31T09:00:00Z", "recurrence": "monthly", "count": 2}))
            .expect(200)["items"]
            .clone();
    assert_eq!(
        (months[1]["local"].as_str(), months[1]["note"].as_str()),
        (Some("2027-02-28T10:00:00+01:00"), Some("month_end"))
    );

    let open =
        preview(json!({"starts_at": "2026-04-30T12:00:00Z", "recurrence": "weekly", "count": 2}))
            .expect(200)["items"]
            .clone();
    assert_eq!(
        (open[0]["at"].as_str(), open[0]["note"].as_str()),
        (Some("2026-05-01T10:00:00Z"), Some("at_once"))
    );
    assert_eq!(open[1]["at"], "2026-05-07T12:00:00Z");
    preview(json!({"count": 101})).expect_invalid("count", "out_of_range");
    preview(json!({"ends_at": "2026-10-24T00:30:00Z"}))
        .expect_invalid("ends_at", "not_after_start");
}

#[test]
fn a_mailing_is_changed_in_parts_and_its_end_taken_away() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let created = app.post(
        &alice,
        "/mailings",
        &draft(
            &app,
            &alice,
            &json!({"ends_at": "2026-06-01T00:00:00Z", "recurrence": "weekly"}),
        ),
    );
    let tag = created.header("etag").to_owned();
    let mailing = created.expect(201);
    assert_eq!(
        (mailing["status"].as_str(), mailing["next_run_at"].as_str()),
        (Some("created"), Some("2026-05-02T10:00:00Z"))
    );
    let path = format!("/mailings/{}", mailing["id"]);
    app.wait(chrono::TimeDelta::seconds(1));
    let patched = app
        .patch(
            &alice,
            &path,
            &json!({"ends_at": null, "time_zone": "Europe/Moscow"}),
        )
        .expect(200);
    assert_eq!(
        (patched["ends_at"].clone(), patched["recurrence"].as_str()),
        (Value::Null, Some("weekly"))
    );
    app.patch(&alice, &path, &json!({"starts_at": null}))
        .expect_invalid("starts_at", "wrong_type");
    let stale = [alice.bearer(), ("if-match", tag)];
    app.send(
        "PATCH",
        &path,
        &stale,
        Some(&json!({"recurrence": "daily"})),
    )
    .expect_problem(412, "precondition_failed");
    app.send("DELETE", &path, &stale, None)
        .expect_problem(412, "precondition_failed");
    let occurrences = app
        .get(&alice, &format!("{path}/occurrences?count=2"))
        .expect(200);
    assert_eq!(occurrences["items"][1]["at"], "2026-05-09T10:00:00Z");
}

#[test]
fn a_message_in_use_cannot_be_deleted_until_its_mailing_is() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let message = app.message(&alice);
    let mailing = app.mailing(&alice, &json!({"message_id": message}));
    app.delete(&alice, &format!("/messages/{message}"))
        .expect_problem(409, "message_in_use");
    app.delete(&alice, &format!("/mailings/{mailing}"))
        .expect(204);
    app.delete(&alice, &format!("/messages/{message}"))
        .expect(204);
}

#[test]
fn mailings_are_listed_by_status_subject_and_order() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    for day in 2..7 {
        app.mailing(
            &alice,
            &json!({"starts_at": format!("2026-05-0{day}T10:00:00Z")}),
        );
    }
    let starts = |query: &str| {
        let page = app.get(&alice, &format!("/mailings?{query}")).expect(200);
        let days = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["starts_at"].as_str().unwrap()[8..10].to_owned());
        days.collect::<Vec<_>>()
    };
    assert_eq!(starts("sort=starts_at&per_page=2&page=3"), ["06"]);
    assert_eq!(starts("sort=-next_run_at&per_page=2"), ["06", "05"]);
    assert_eq!(starts("status=running"), [""; 0]);
    assert_eq!(starts("q=NEWS").len(), 5);
    app.get(&alice, "/mailings?status=sent")
        .expect_invalid("status", "unknown_value");
}
