//! Times of a mailing given in local time: what was entered is the anchor, whatever the clock skips.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use dispatch::core::zone;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;

/// A mailing at the hour that New York's clock skips on 14 March 2027, with other fields as given.
fn skipped_hour(fields: &Value) -> Value {
    let mut body = json!({"starts_at_local": "2027-03-14T02:30:00", "recurrence": "weekly", "time_zone": "America/New_York"});
    let with = body.as_object_mut().unwrap();
    with.extend(fields.as_object().unwrap().clone());
    body
}

fn create(app: &TestApp, owner: &Person, fields: &Value) -> i64 {
    app.recipient(owner, "ann@example.org");
    let extra = json!({"message_id": app.message(owner), "recipients": {"all": true}});
    let mut body = skipped_hour(fields);
    let with = body.as_object_mut().unwrap();
    with.extend(extra.as_object().unwrap().clone());
    app.post(owner, "/mailings", &body).id()
}

/// The first occurrences in local time, each with its note.
fn series(occurrences: &Value, count: usize) -> Vec<String> {
    let items = occurrences["items"].as_array().unwrap().iter().take(count);
    items
        .map(|item| {
            let note = item["note"].as_str().unwrap_or_default();
            format!("{} {note}", item["local"].as_str().unwrap())
        })
        .collect()
}

const WEEKLY: [&str; 3] = [
    "2027-03-14T03:30:00-04:00 dst_gap",
    "2027-03-21T02:30:00-04:00 ",
    "2027-03-28T02:30:00-04:00 ",
];

#[test]
fn a_first_date_in_the_skipped_hour_moves_alone_and_says_so() {
    let app = TestApp::start();
    let alice = app.alice();
    let preview = app.post(&alice, "/occurrences/preview", &skipped_hour(&json!({})));
    assert_eq!(series(&preview.expect(200), 3), WEEKLY);
    let path = format!("/mailings/{}", create(&app, &alice, &json!({})));
    let stored = app.get(&alice, &path).expect(200);
    assert_eq!(stored["starts_at"], "2027-03-14T07:30:00Z");
    assert_eq!(stored["starts_at_local"], "2027-03-14T02:30:00");
    let listed = app.get(&alice, &format!("{path}/occurrences")).expect(200);
    assert_eq!(series(&listed, 3), WEEKLY);
}

#[test]
fn the_local_time_survives_what_else_is_changed_and_follows_its_zone() {
    let app = TestApp::start();
    let alice = app.alice();
    let path = format!("/mailings/{}", create(&app, &alice, &json!({})));
    let stored = app.get(&alice, &path).expect(200);
    let again = json!({"starts_at_local": stored["starts_at_local"], "ends_at_local": null, "on_uncertain": "hold"});
    app.patch(&alice, &path, &again).expect(200);
    let listed = app.get(&alice, &format!("{path}/occurrences")).expect(200);
    assert_eq!(series(&listed, 3), WEEKLY);
    let moved = app
        .patch(&alice, &path, &json!({"time_zone": "Europe/Berlin"}))
        .expect(200);
    assert_eq!(moved["starts_at"], "2027-03-14T01:30:00Z");
    assert_eq!(moved["starts_at_local"], "2027-03-14T02:30:00");
}

#[test]
fn an_instant_is_still_an_instant_and_its_local_time_the_anchor() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    // The second 01:30 of that night.
    let mailing = app.mailing(&alice, &json!({"starts_at": "2026-11-01T06:30:00Z", "recurrence": "daily", "time_zone": "America/New_York"}));
    let path = format!("/mailings/{mailing}");
    let stored = app.get(&alice, &path).expect(200);
    assert_eq!(
        (&stored["starts_at"], &stored["starts_at_local"]),
        (
            &json!("2026-11-01T06:30:00Z"),
            &json!("2026-11-01T01:30:00")
        )
    );
    let listed = app.get(&alice, &format!("{path}/occurrences")).expect(200);
    assert_eq!(
        series(&listed, 2),
        ["2026-11-01T01:30:00-05:00 ", "2026-11-02T01:30:00-05:00 "]
    );
    let zone = json!({"time_zone": "Europe/Berlin"});
    let moved = app.patch(&alice, &path, &zone).expect(200);
    assert_eq!(moved["starts_at"], "2026-11-01T06:30:00Z");
}

#[test]
fn a_local_time_that_the_clock_shows_twice_is_the_first() {
    let app = TestApp::start();
    let preview =
        skipped_hour(&json!({"starts_at_local": "2026-11-01T01:30", "recurrence": "daily"}));
    let preview = app.post(&app.alice(), "/occurrences/preview", &preview);
    assert_eq!(
        series(&preview.expect(200), 2),
        [
            "2026-11-01T01:30:00-04:00 dst_overlap",
            "2026-11-02T01:30:00-05:00 "
        ]
    );
}

#[test]
fn the_end_keeps_what_was_typed_too() {
    let app = TestApp::start();
    let alice = app.alice();
    let fields =
        json!({"starts_at_local": "2027-03-01T02:30:00", "ends_at_local": "2027-03-14T02:30:00"});
    let path = format!("/mailings/{}", create(&app, &alice, &fields));
    let stored = app.get(&alice, &path).expect(200);
    assert_eq!(
        (&stored["ends_at"], &stored["ends_at_local"]),
        (
            &json!("2027-03-14T07:30:00Z"),
            &json!("2027-03-14T02:30:00")
        )
    );
    let without = app
        .patch(&alice, &path, &json!({"ends_at_local": null}))
        .expect(200);
    assert_eq!(
        (&without["ends_at"], &without["ends_at_local"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn each_time_is_given_in_exactly_one_form() {
    let app = TestApp::start();
    let alice = app.alice();
    let later = "2027-06-01T10:00:00Z";
    for (fields, field, code) in [
        (json!({"starts_at": later}), "starts_at_local", "exclusive"),
        (
            json!({"ends_at": later, "ends_at_local": "2027-06-01T10:00:00"}),
            "ends_at_local",
            "exclusive",
        ),
        (
            json!({"ends_at_local": "2027-03-14T03:30:00"}),
            "ends_at_local",
            "not_after_start",
        ),
        (
            json!({"starts_at_local": "2027-03-14T02:30:00Z"}),
            "starts_at_local",
            "wrong_type",
        ),
        (
            json!({"starts_at_local": "2027-02-29T02:30:00"}),
            "starts_at_local",
            "wrong_type",
        ),
        (
            json!({"starts_at_local": "2100-12-31T23:30:00"}),
            "starts_at_local",
            "out_of_range",
        ),
        (
            json!({"starts_at_local": "2026-04-01T02:30:00"}),
            "starts_at_local",
            "start_in_past",
        ),
    ] {
        app.post(&alice, "/occurrences/preview", &skipped_hour(&fields))
            .expect_invalid(field, code);
    }
    let neither = json!({"recurrence": "daily", "time_zone": "UTC"});
    app.post(&alice, "/occurrences/preview", &neither)
        .expect_invalid("starts_at", "required");
}

#[test]
fn clocks_change_in_2100_and_morocco_keeps_utc_from_2026_on() {
    let app = TestApp::start();
    let alice = app.alice();
    for (zone, local, at) in [
        (
            "America/New_York",
            "2100-07-01T09:00:00",
            "2100-07-01T13:00:00Z",
        ),
        (
            "America/New_York",
            "2100-12-01T09:00:00",
            "2100-12-01T14:00:00Z",
        ),
        (
            "Africa/Casablanca",
            "2027-07-01T09:00:00",
            "2027-07-01T09:00:00Z",
        ),
    ] {
        let tried = json!({"starts_at_local": local, "recurrence": "once", "time_zone": zone});
        let preview = app.post(&alice, "/occurrences/preview", &tried).expect(200);
        assert_eq!(preview["items"][0]["at"], at, "{zone}");
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[test]
fn newer_zone_data_move_what_waits_to_what_the_clock_is_to_show() {
    let app = TestApp::start();
    let alice = app.alice();
    let mailing = create(
        &app,
        &alice,
        &json!({"time_zone": "Africa/Casablanca", "starts_at_local": "2027-07-01T09:00:00"}),
    );
    let path = format!("/mailings/{mailing}");
    app.tick();
    let before = app.get(&alice, &path).expect(200);
    // As computed by a program with older data.
    app.sql()
        .batch_execute(
            "UPDATE mailings SET starts_at = starts_at - interval '1 hour', next_run_at = next_run_at - interval '1 hour';
             UPDATE time_zone_data SET version = '2025b'",
        )
        .unwrap();
    app.tick();
    let after = app.get(&alice, &path).expect(200);
    for field in ["starts_at", "starts_at_local", "next_run_at", "status"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let known: Version = diesel::sql_query("SELECT version FROM time_zone_data")
        .get_result(&mut app.sql())
        .unwrap();
    assert_eq!(known.version, zone::data_version());
}

#[test]
fn data_that_are_older_than_those_of_another_process_change_nothing() {
    let app = TestApp::start();
    let alice = app.alice();
    let mailing = create(&app, &alice, &json!({}));
    app.tick();
    app.sql()
        .batch_execute(
            "UPDATE mailings SET next_run_at = next_run_at + interval '1 hour'; UPDATE time_zone_data SET version = '2999a'",
        )
        .unwrap();
    app.tick();
    let stored = app.get(&alice, &format!("/mailings/{mailing}")).expect(200);
    assert_eq!(stored["next_run_at"], "2027-03-14T08:30:00Z");
}
