//! A mailing as it changes, told to whoever watches it and may see it, and for no longer than that.

use std::thread;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::live::Stream;
use crate::support::machine::eventually;
use crate::support::people::Person;
use crate::support::process::Service;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// So soon a page learns what has happened, or that it may see no more, on a busy machine, too.
const SOON: Duration = Duration::from_secs(5);

/// An app whose streams look fifty times a second.
fn quick_app() -> TestApp {
    quick_app_with("smtp://127.0.0.1:9")
}

fn quick_app_with(smtp: &str) -> TestApp {
    TestApp::start_tuned(&[("SMTP_URL", smtp)], |config| {
        config.live_updates.poll = Duration::from_millis(20);
        config.live_updates.heartbeat = Duration::from_millis(100);
    })
}

/// A mailing that goes tomorrow.
fn waiting_mailing(app: &TestApp, owner: &Person) -> i64 {
    app.recipient(owner, "ann@example.org");
    let tomorrow = app.now() + TimeDelta::days(1);
    app.mailing(owner, &json!({"starts_at": tomorrow}))
}

/// A token that may only read: its id, and the header that shows it.
fn api_token(app: &TestApp, owner: &Person) -> (Value, (&'static str, String)) {
    let token = json!({"name": "screen", "scope": "read"});
    let token = app.post(owner, "/me/tokens", &token).expect(201);
    let secret = token["token"].as_str().unwrap();
    let bearer = ("authorization", format!("Bearer {secret}"));
    (token["id"].clone(), bearer)
}

/// Fails unless the stream ends, and soon.
fn ends_soon(stream: Stream) {
    let begun = Instant::now();
    stream.drain();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn who_watches_sees_a_mailing_go_and_how_it_ended() {
    let server = ScriptedServer::start().once(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let app = quick_app_with(&server.url());
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({}));
    let mut stream = app.watch(&alice, mailing);
    let first = stream.mailing().unwrap();
    assert_eq!(
        first,
        app.get(&alice, &format!("/mailings/{mailing}")).expect(200)
    );
    assert_eq!(first["last_run"], json!(null));

    app.tick();
    let under_way = stream.until(|seen| seen["last_run"]["counts"]["deferred"] == 1);
    assert_eq!(under_way["status"], "running");
    assert_eq!(under_way["last_run"]["counts"]["accepted"], 1);

    app.wait(TimeDelta::minutes(10));
    let mut stream = app.watch(&alice, mailing);
    app.tick();
    let last = stream.until(|seen| seen["status"] == "completed");
    assert_eq!(last["last_run"]["counts"]["accepted"], 2);
}

#[test]
fn an_event_is_neither_kept_nor_packed_and_silence_is_told_from_death() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let packed = ("accept-encoding", "gzip, br".to_owned());
    let stream = app.try_to_watch(mailing, &[alice.bearer(), packed]);
    let mut stream = stream.unwrap_or_else(|refusal| panic!("{}", refusal.body));
    assert_eq!(stream.head.header("content-type"), "text/event-stream");
    assert_eq!(stream.head.header("cache-control"), "no-store");
    assert_eq!(stream.head.header("x-accel-buffering"), "no");
    assert_eq!(stream.head.header("content-encoding"), "identity");
    stream.mailing().unwrap();
    assert_eq!(stream.line().as_deref(), Some(":"));
}

#[test]
fn nobody_watches_a_mailing_of_somebody_else_but_staff() {
    let app = quick_app();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let mailing = waiting_mailing(&app, &alice);
    let refusal = app.try_to_watch(mailing, &[bob.bearer()]).err().unwrap();
    refusal.expect_problem(404, "not_found");
    let refusal = app.try_to_watch(mailing, &[]).err().unwrap();
    refusal.expect_problem(401, "unauthenticated");
    let seen = app.watch(&manager, mailing).mailing().unwrap();
    assert_eq!(seen["id"], mailing);
}

#[test]
fn a_stream_ends_when_its_user_is_blocked() {
    let app = quick_app();
    let (alice, manager) = (app.alice(), app.manager());
    let mailing = waiting_mailing(&app, &alice);
    let mut stream = app.watch(&alice, mailing);
    stream.mailing().unwrap();
    let block = format!("/users/{}/block", alice.id);
    app.post(&manager, &block, &json!({"reason": "Spam"}))
        .expect(204);
    ends_soon(stream);
}

#[test]
fn a_stream_ends_when_another_process_ends_its_session() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let mut stream = app.watch(&alice, mailing);
    stream.mailing().unwrap();
    app.sql()
        .batch_execute("UPDATE sessions SET revoked_at = now()")
        .unwrap();
    let begun = Instant::now();
    stream.drain();
    // What is known of a session is up to five seconds old.
    assert!(begun.elapsed() < 2 * SOON, "{:?}", begun.elapsed());
}

#[test]
fn a_stream_ends_with_its_access_token_and_a_fresh_one_goes_on() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let mut stream = app.watch(&alice, mailing);
    stream.mailing().unwrap();
    app.wait(TimeDelta::minutes(11));
    ends_soon(stream);
    app.watch(&alice, mailing).mailing().unwrap();
}

#[test]
fn a_stream_opened_with_an_api_token_ends_when_the_token_is_taken_back() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let (id, bearer) = api_token(&app, &alice);
    let stream = app.try_to_watch(mailing, &[bearer]);
    let mut stream = stream.unwrap_or_else(|refusal| panic!("{}", refusal.body));
    stream.mailing().unwrap();
    app.delete(&alice, &format!("/me/tokens/{id}")).expect(204);
    ends_soon(stream);
}

#[test]
fn a_stream_ends_with_its_mailing() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let mut stream = app.watch(&alice, mailing);
    stream.mailing().unwrap();
    app.delete(&alice, &format!("/mailings/{mailing}"))
        .expect(204);
    ends_soon(stream);
}

#[test]
fn a_seventh_stream_of_one_user_is_refused_until_one_is_closed() {
    let app = quick_app();
    let (alice, manager) = (app.alice(), app.manager());
    let mailing = waiting_mailing(&app, &alice);
    let mut open: Vec<_> = (0..6).map(|_| app.watch(&alice, mailing)).collect();
    let refusal = app.try_to_watch(mailing, &[alice.bearer()]).err().unwrap();
    assert!(!refusal.header("retry-after").is_empty());
    refusal.expect_problem(429, "too_many_requests");
    app.watch(&manager, mailing).mailing().unwrap();
    open.pop();
    let free = || app.try_to_watch(mailing, &[alice.bearer()]).ok();
    eventually("a place", free).mailing().unwrap();
}

/// How many statements wait for the mailings, which somebody has locked.
fn waiting(conn: &mut PgConnection) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let count: Count = diesel::sql_query(waiting).get_result(conn).unwrap();
    count.count
}

#[test]
fn however_many_watch_a_mailing_it_is_read_once_at_a_time() {
    let app = quick_app();
    let (alice, bob) = (app.alice(), app.bob());
    let (many, one) = (waiting_mailing(&app, &alice), waiting_mailing(&app, &bob));
    let mut watchers: Vec<_> = (0..6).map(|_| app.watch(&alice, many)).collect();
    let mut alone = app.watch(&bob, one);
    for stream in watchers.iter_mut().chain([&mut alone]) {
        stream.mailing().unwrap();
    }
    let (mut lock, mut watch) = (app.sql(), app.sql());
    lock.batch_execute("BEGIN; LOCK TABLE mailings IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    eventually("two reads that wait", || {
        (waiting(&mut watch) == 2).then_some(())
    });
    // While seven watchers ask fifty times a second each, and two connections of four are free.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(300) {
        assert_eq!(waiting(&mut watch), 2);
        thread::yield_now();
    }
    lock.batch_execute("UPDATE mailings SET time_zone = 'Europe/Moscow'; COMMIT")
        .unwrap();
    for stream in watchers.iter_mut().chain([&mut alone]) {
        stream.until(|seen| seen["time_zone"] == "Europe/Moscow");
    }
}

#[test]
fn a_service_that_is_told_to_end_does_not_wait_for_who_watches() {
    let app = quick_app();
    let alice = app.alice();
    let mailing = waiting_mailing(&app, &alice);
    let (_, bearer) = api_token(&app, &alice);
    let settings = [
        ("APP_SECRET", "a secret that only the tests know of"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ];
    let service = Service::start(&app, &settings);
    let stream = Stream::open(&service.url, mailing, &[bearer]);
    let mut stream = stream.unwrap_or_else(|refusal| panic!("{}", refusal.body));
    stream.mailing().unwrap();
    let told = Instant::now();
    service.stop();
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
    stream.drain();
}
