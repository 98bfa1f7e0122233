//! Addresses that are mailed no more: entered by hand, or refused run after run.

mod refusals;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use dispatch::engine::scheduler;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

fn suppress(app: &TestApp, owner: &Person, email: &str) -> i64 {
    app.post(owner, "/suppressions", &json!({"email": email}))
        .id()
}

/// The addresses that are suppressed, as they are sorted by the query.
fn listed(app: &TestApp, owner: &Person, query: &str) -> Vec<String> {
    let page = app
        .get(owner, &format!("/suppressions?{query}"))
        .expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["email"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_address_is_entered_once_whatever_its_case_and_lifted_again() {
    let app = TestApp::start();
    let alice = app.alice();
    let added = app.post(
        &alice,
        "/suppressions",
        &json!({"email": " Ada@Example.org "}),
    );
    let location = added.header("location").to_owned();
    let added = added.expect(201);
    let id = added["id"].as_i64().unwrap();
    assert_eq!(
        added,
        json!({"id": id, "owner": {"id": alice.id, "email": alice.email}, "email": "Ada@example.org", "reason": "manual", "run_id": null, "created_at": app.now()})
    );
    assert_eq!(location, format!("/api/v1/suppressions/{id}"));
    let again = app
        .post(
            &alice,
            "/suppressions",
            &json!({"email": "ada@example.ORG"}),
        )
        .expect_problem(409, "already_suppressed");
    assert_eq!(again["fields"][0]["field"], "email");
    assert_eq!(listed(&app, &alice, ""), ["Ada@example.org"]);

    let path = format!("/suppressions/{id}");
    app.delete(&alice, &path).expect(204);
    app.delete(&alice, &path).expect_problem(404, "not_found");
    assert_eq!(listed(&app, &alice, ""), [""; 0]);
    suppress(&app, &alice, "ada@example.org");
}

#[test]
fn a_mistake_is_named_by_its_field_and_nothing_is_stored() {
    let app = TestApp::start();
    let alice = app.alice();
    let long = format!("{}@example.org", "a".repeat(250));
    for (body, field, code) in [
        (json!({}), "email", "required"),
        (json!({"email": "nobody"}), "email", "invalid_email"),
        (json!({"email": long}), "email", "too_long"),
        (
            json!({"email": "a\u{0}@example.org"}),
            "email",
            "control_characters",
        ),
        (json!({"email": null}), "email", "wrong_type"),
        (
            json!({"email": "a@example.org", "reason": "unsubscribed"}),
            "reason",
            "unknown_field",
        ),
    ] {
        app.post(&alice, "/suppressions", &body)
            .expect_invalid(field, code);
    }
    for (query, field, code) in [
        ("page=0", "page", "out_of_range"),
        ("per_page=101", "per_page", "out_of_range"),
        ("sort=owner_id", "sort", "unknown_value"),
        ("q=%00", "q", "control_characters"),
        ("reason=manual", "reason", "unknown_field"),
    ] {
        app.get(&alice, &format!("/suppressions?{query}"))
            .expect_invalid(field, code);
    }
    assert_eq!(app.get(&alice, "/suppressions").expect(200)["total"], 0);
    for id in ["0", "-1", "9223372036854775808", "abc", "%00"] {
        app.delete(&alice, &format!("/suppressions/{id}"))
            .expect_problem(404, "not_found");
    }
}

#[test]
fn a_list_is_sorted_searched_and_cut_into_pages() {
    let app = TestApp::start();
    let alice = app.alice();
    for email in ["b@example.org", "C@example.org", "a_b@example.com"] {
        suppress(&app, &alice, email);
        app.wait(TimeDelta::seconds(1));
    }
    for (query, emails) in [
        (
            "",
            &["a_b@example.com", "C@example.org", "b@example.org"][..],
        ),
        (
            "sort=created_at",
            &["b@example.org", "C@example.org", "a_b@example.com"],
        ),
        (
            "sort=email",
            &["a_b@example.com", "b@example.org", "C@example.org"],
        ),
        (
            "sort=-email",
            &["C@example.org", "b@example.org", "a_b@example.com"],
        ),
        ("sort=email&per_page=2&page=2", &["C@example.org"]),
        (
            "q=EXAMPLE.ORG&sort=email",
            &["b@example.org", "C@example.org"],
        ),
        ("q=_", &["a_b@example.com"]),
    ] {
        assert_eq!(listed(&app, &alice, query), emails, "{query}");
    }
}

#[test]
fn a_stranger_finds_nothing_and_a_manager_enters_nothing() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let path = format!(
        "/suppressions/{}",
        suppress(&app, &alice, "ada@example.org")
    );
    app.delete(&bob, &path).expect_problem(404, "not_found");
    app.delete(&manager, &path).expect_problem(403, "forbidden");
    app.post(
        &manager,
        "/suppressions",
        &json!({"email": "a@example.org"}),
    )
    .expect_problem(403, "forbidden");
    assert_eq!(listed(&app, &bob, ""), [""; 0]);
    suppress(&app, &bob, "ada@example.org");
    assert_eq!(listed(&app, &alice, ""), ["ada@example.org"]);
}

#[test]
fn no_test_goes_to_a_recipient_who_is_suppressed() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    let path = format!("/messages/{}/test", app.message(&alice));
    let to_ada = json!({"email": "ada@example.org"});
    app.post(&alice, &path, &to_ada).expect(202);
    suppress(&app, &alice, "ADA@example.org");
    app.post(&alice, &path, &to_ada)
        .expect_invalid("email", "not_found");
    // Whoever tries things out may well have unsubscribed from their own.
    suppress(&app, &alice, &alice.email);
    app.post(&alice, &path, &json!({})).expect(202);
}

#[derive(QueryableByName)]
struct Ledger {
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
    #[diesel(sql_type = Bool)]
    counters_agree: bool,
}

#[test]
fn a_large_run_leaves_the_suppressed_out_chunk_by_chunk() {
    let app = TestApp::start();
    let alice = app.alice();
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO recipients (owner_id, email, created_at, updated_at)
             SELECT {0}, 'r' || n || '@example.org', now(), now() FROM generate_series(1, 2500) n;
             INSERT INTO suppressions (owner_id, email, reason, created_at)
             SELECT {0}, 'R' || n || '@Example.org', 'manual', now() FROM generate_series(901, 2100) n",
            alice.id
        ))
        .unwrap();
    let mailing = app.mailing(&alice, &json!({}));
    while scheduler::pass(
        &mut app.sql(),
        &app.services.clock,
        app.services.config.quotas,
    )
    .unwrap()
    .more
    {}
    let counts = app.last_run(&alice, mailing)["counts"].clone();
    assert_eq!(
        (&counts["total"], &counts["pending"], &counts["skipped"]),
        (&json!(2500), &json!(1300), &json!(1200))
    );
    let ledger: Ledger = diesel::sql_query(
        "SELECT (SELECT count(*) FROM deliveries WHERE status = 'pending' AND skip_reason IS NULL) AS pending,
                (SELECT count(*) FROM deliveries WHERE status = 'skipped' AND skip_reason = 'suppressed') AS skipped,
                (SELECT bool_and((pending, skipped) = (
                     SELECT count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'skipped')
                     FROM deliveries d WHERE recipient_id BETWEEN first_recipient_id AND last_recipient_id))
                 FROM chunks) AS counters_agree",
    )
    .get_result(&mut app.sql())
    .unwrap();
    assert_eq!((ledger.pending, ledger.skipped), (1300, 1200));
    assert!(ledger.counters_agree);
}

#[test]
fn a_run_to_the_suppressed_alone_ends_without_a_mail() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    suppress(&app, &alice, "ada@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (&run["status"], &run["counts"]["skipped"]),
        (&json!("finished"), &json!(1))
    );
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "finished".into())
    );
    assert_eq!(server.commands(), [""; 0], "nothing was said to the server");
}

#[test]
fn an_address_entered_during_a_run_is_skipped_at_once() {
    let server = ScriptedServer::start().on("ada@example.org", Rule::refuse(450, "4.2.0 later"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    assert_eq!(app.last_run(&alice, mailing)["counts"]["deferred"], 1);
    suppress(&app, &alice, "Ada@example.org");
    app.tick();
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (&run["status"], &run["counts"]["skipped"]),
        (&json!("finished"), &json!(1))
    );
}
