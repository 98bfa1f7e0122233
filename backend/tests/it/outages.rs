//! What a user sees while the database is away, and after it is back.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use dispatch::web::error::ApiError;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;

/// What a client may be kept waiting for a refusal.
const SOON: Duration = Duration::from_secs(3);

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
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
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
    assert_eq!(wrong.header("allow"), "GET, PATCH, DELETE, HEAD");
    wrong.expect_problem(405, "method_not_allowed");
    app.get(&alice, "/recipes").expect_problem(404, "not_found");
    app.send("POST", "/recipients", &[alice.bearer()], None)
        .expect_problem(415, "unsupported_media_type");
    let long = json!({"email": "a@example.org", "comment": "x".repeat(70_000)});
    app.post(&alice, "/recipients", &long)
        .expect_problem(413, "payload_too_large");
}

/// Thirty requests at once: how each was answered, and how long the slowest took.
fn a_crowd(app: &TestApp, ask: impl Fn() -> u16 + Sync) -> (Vec<u16>, Duration) {
    let begun = Instant::now();
    let statuses = thread::scope(|scope| {
        let asking: Vec<_> = (0..30).map(|_| scope.spawn(&ask)).collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    let slowest = begun.elapsed();
    let alive = format!("http://{}/healthz", app.address);
    assert_eq!(app.send_to(&alive, "GET", &[], None).status, 200);
    (statuses, slowest)
}

#[test]
fn a_crowd_without_a_database_is_told_so_as_soon_as_a_single_client() {
    let app = TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.database.url = "postgres://nobody@127.0.0.1:9/nothing".to_owned();
    });
    let ready = format!("http://{}/readyz", app.address);
    let ask = || app.send_to(&ready, "GET", &[], None).status;
    let (statuses, slowest) = a_crowd(&app, ask);
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    assert!(slowest < SOON, "{slowest:?}");
}

#[test]
fn a_crowd_with_invented_tokens_is_told_so_as_soon() {
    let app = TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.database.url = "postgres://nobody@127.0.0.1:9/nothing".to_owned();
    });
    let ask = || {
        // Of the form that tokens had before they had a MAC.
        let token = format!("Bearer dsp_{:0>43}", rand::random::<u64>());
        app.send("GET", "/me", &[("authorization", token)], None)
            .status
    };
    let (statuses, slowest) = a_crowd(&app, ask);
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    assert!(slowest < SOON, "{slowest:?}");
}

#[test]
fn while_every_connection_is_busy_a_crowd_is_told_so_soon_and_nothing_is_done_later() {
    let app = TestApp::start_with(&[("SMTP_URL", "smtp://127.0.0.1:9"), ("DB_POOL_SIZE", "1")]);
    let alice = app.alice();
    app.get(&alice, "/me").expect(200);
    let mut elsewhere = app.sql();
    elsewhere
        .batch_execute("BEGIN; LOCK TABLE recipients IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let (statuses, slowest) = thread::scope(|scope| {
        let stuck = scope.spawn(|| app.get(&alice, "/recipients").status);
        until_somebody_waits_for_a_lock(&app);
        let body = json!({"email": "late@example.org"});
        let crowd = a_crowd(&app, || app.post(&alice, "/recipients", &body).status);
        elsewhere.batch_execute("ROLLBACK").unwrap();
        assert_eq!(stuck.join().unwrap(), 200);
        crowd
    });
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    assert!(slowest < SOON, "{slowest:?}");
    assert_eq!(app.get(&alice, "/recipients").expect(200)["total"], 0);
}

fn until_somebody_waits_for_a_lock(app: &TestApp) {
    let mut conn = app.sql();
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("a request that waits for a lock", || {
        let found = diesel::sql_query(waiting).execute(&mut conn).unwrap();
        (found > 0).then_some(())
    });
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    statement_timeout: String,
}

#[test]
fn no_statement_takes_longer_than_ten_seconds_and_one_that_does_is_asked_to_come_back() {
    let app = TestApp::start();
    let db = &app.services.db;
    let setting: Setting = db
        .run_here(|conn| {
            diesel::sql_query("SHOW statement_timeout")
                .get_result(conn)
                .map_err(ApiError::from)
        })
        .unwrap();
    assert_eq!(setting.statement_timeout, "10s");
    let late = db.run_here(|conn| {
        conn.batch_execute("SET statement_timeout = '10ms'; SELECT pg_sleep(60)")
            .map_err(ApiError::from)
    });
    assert_eq!(late.unwrap_err().to_string(), "503 unavailable");
}
