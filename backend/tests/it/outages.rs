//! What a user sees while the database is away, and after it is back.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;

#[test]
fn the_api_recovers_when_the_database_drops_its_connections() {
    let app = TestApp::start();
    let alice = app.alice();
    for _ in 0..8 {
        app.get(&alice, "/recipients").expect(200);
    }
    let drop_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    app.sql().batch_execute(drop_all).unwrap();
    let statuses: Vec<u16> = (0..12)
        .map(|_| app.get(&alice, "/recipients").status)
        .collect();
    assert!(
        statuses.iter().all(|status| [200, 503].contains(status)),
        "{statuses:?}"
    );
    assert!(
        statuses.ends_with(&[200, 200, 200, 200]),
        "every dropped connection fails once at most: {statuses:?}"
    );
}

#[test]
fn without_a_database_every_request_is_told_so_soon() {
    let app = TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.database.url = "postgres://nobody@127.0.0.1:9/nothing".to_owned();
    });
    let asked = Instant::now();
    let away = app.send(
        "POST",
        "/auth/sign-in",
        &[],
        Some(&json!({"email": "a@example.org", "password": "correct horse"})),
    );
    assert!(!away.header("retry-after").is_empty());
    away.expect_problem(503, "unavailable");
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    let root = format!("http://{}", app.address);
    assert_eq!(
        app.send_to(&format!("{root}/healthz"), "GET", &[], None)
            .status,
        200
    );
    assert_eq!(
        app.send_to(&format!("{root}/readyz"), "GET", &[], None)
            .status,
        503
    );
}

#[test]
fn a_wrong_method_is_told_apart_from_a_wrong_path() {
    let app = TestApp::start();
    let alice = app.alice();
    let wrong = app.send("PUT", "/recipients/1", &[alice.bearer()], Some(&json!({})));
    assert_eq!(wrong.header("allow"), "GET, PATCH, DELETE");
    wrong.expect_problem(405, "method_not_allowed");
    app.get(&alice, "/recipes").expect_problem(404, "not_found");
    app.send("POST", "/recipients", &[alice.bearer()], None)
        .expect_problem(415, "unsupported_media_type");
    let long = json!({"email": "a@example.org", "comment": "x".repeat(70_000)});
    app.post(&alice, "/recipients", &long)
        .expect_problem(413, "payload_too_large");
}
