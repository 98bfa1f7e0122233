//! How many recipients an owner may keep and how many mails they may send in a day, where the operator has said so.

use std::thread;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

/// An app with a quota, and Alice with two recipients.
fn with_quota(server: &ScriptedServer, name: &str, quota: &str) -> (TestApp, Person) {
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), (name, quota)]);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    app.recipient(&alice, "carol@example.org");
    (app, alice)
}

fn send(app: &TestApp, owner: &Person, mailing: i64) -> Answer {
    app.post(owner, &format!("/mailings/{mailing}/send"), &Value::Null)
}

#[test]
fn the_quota_of_recipients_holds_for_concurrent_requests() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("QUOTA_RECIPIENTS", "3"),
    ]);
    let (alice, bob) = (app.alice(), app.bob());
    let add = |n: usize| {
        let new = json!({"email": format!("n{n}@example.org")});
        app.post(&alice, "/recipients", &new).status
    };
    let added: Vec<u16> = thread::scope(|scope| {
        let adding: Vec<_> = (0..8).map(|n| scope.spawn(move || add(n))).collect();
        let joined = adding.into_iter().map(thread::ScopedJoinHandle::join);
        joined.map(|status| status.expect("no panic")).collect()
    });
    let count = |status: u16| added.iter().filter(|each| **each == status).count();
    assert_eq!((count(201), count(409)), (3, 5));
    assert_eq!(app.get(&alice, "/recipients").expect(200)["total"], 3);
    app.post(
        &alice,
        "/recipients",
        &json!({"email": "one-more@example.org"}),
    )
    .expect_problem(409, "recipients_quota");
    app.recipient(&bob, "bob@example.org");

    let first = &app.get(&alice, "/recipients").expect(200)["items"][0]["id"];
    app.delete(&alice, &format!("/recipients/{first}"))
        .expect(204);
    app.recipient(&alice, "one-more@example.org");
}

#[test]
fn a_mailing_over_the_daily_quota_waits_shows_it_and_continues_automatically() {
    let server = ScriptedServer::start();
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "3");
    let first = app.mailing(&alice, &json!({}));
    app.tick();
    let second = app.mailing(&alice, &json!({}));
    app.tick();
    assert_eq!(app.last_run(&alice, first)["status"], "finished");
    assert_eq!(
        app.state(&alice, second),
        ("created".into(), "quota_used_up".into())
    );
    let bob = app.bob();
    app.recipient(&bob, "bob@example.org");
    app.mailing(&bob, &json!({}));
    app.tick();
    assert_eq!(server.accepted().len(), 3, "others have a day of their own");

    app.wait(TimeDelta::hours(24));
    app.tick();
    assert_eq!(app.last_run(&alice, second)["status"], "finished");
    assert_eq!(server.accepted().len(), 5);
}

#[test]
fn sending_now_over_the_daily_quota_returns_when_to_retry() {
    let server = ScriptedServer::start();
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "3");
    let later = json!({"ends_at": "2026-06-01T00:00:00Z"});
    let (first, second) = (app.mailing(&alice, &later), app.mailing(&alice, &later));
    send(&app, &alice, first).expect(202);
    app.wait(TimeDelta::hours(1));
    let refusal = send(&app, &alice, second);
    assert_eq!(refusal.header("retry-after"), (23 * 3600).to_string());
    refusal.expect_problem(429, "quota_used_up");

    // What was never sent is given back.
    app.post(&alice, &format!("/mailings/{first}/cancel"), &Value::Null)
        .expect(204);
    send(&app, &alice, second).expect(202);
}

#[test]
fn mails_postponed_by_a_pause_count_until_they_are_sent() {
    let server = ScriptedServer::start();
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "3");
    let later = json!({"ends_at": "2026-06-01T00:00:00Z"});
    let (first, second) = (app.mailing(&alice, &later), app.mailing(&alice, &later));
    send(&app, &alice, first).expect(202);
    app.act(&alice, first, "pause");
    app.wait(TimeDelta::hours(25));
    send(&app, &alice, second).expect_problem(429, "quota_used_up");
    app.act(&alice, first, "cancel");
    send(&app, &alice, second).expect(202);
}

#[test]
fn retrying_an_old_run_uses_the_daily_quota_and_a_recent_one_does_not() {
    let server = ScriptedServer::start().on("*", Rule::refuse(550, "5.7.1 not now"));
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "3");
    let later = json!({"ends_at": "2026-06-01T00:00:00Z"});
    let (first, second) = (app.mailing(&alice, &later), app.mailing(&alice, &later));
    send(&app, &alice, first).expect(202);
    app.tick();
    let run = app.last_run(&alice, first)["id"].clone();
    let retry = || app.post(&alice, &format!("/runs/{run}/retry"), &json!({}));
    retry().expect(202);
    app.tick();
    send(&app, &alice, second).expect_problem(429, "quota_used_up");

    // A day later the run itself does not count any more, but its last retry does.
    app.wait(TimeDelta::hours(25));
    server.forget_rules();
    send(&app, &alice, second).expect(202);
    app.tick();
    app.wait(TimeDelta::hours(1));
    let refusal = retry();
    assert_eq!(refusal.header("retry-after"), (23 * 3600).to_string());
    refusal.expect_problem(429, "quota_used_up");
    assert_eq!(app.last_run(&alice, first)["status"], "finished");
    app.wait(TimeDelta::hours(23));
    retry().expect(202);
    app.tick();
    assert_eq!(app.last_run(&alice, first)["counts"]["accepted"], 2);
    send(&app, &alice, second).expect_problem(429, "quota_used_up");
}

#[test]
fn more_retries_than_the_daily_quota_are_rejected() {
    let server = ScriptedServer::start().on("*", Rule::refuse(550, "5.7.1 not now"));
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "2");
    let first = app.mailing(&alice, &json!({"ends_at": "2026-06-01T00:00:00Z"}));
    app.tick();
    app.wait(TimeDelta::hours(25));
    let admin = app.person("admin@example.org", "admin");
    let quotas = json!({"mails_a_day": 1});
    let path = format!("/users/{}/quotas", alice.id);
    app.send("PUT", &path, &[admin.bearer()], Some(&quotas))
        .expect(200);
    let run = app.last_run(&alice, first);
    let path = format!("/runs/{}/retry", run["id"]);
    app.post(&alice, &path, &json!({}))
        .expect_problem(409, "over_quota");
    let counts = &app.last_run(&alice, first)["counts"];
    assert_eq!(counts["rejected"], 2, "{counts}");
}

#[test]
fn a_mailing_to_more_recipients_than_the_daily_quota_is_rejected() {
    let server = ScriptedServer::start();
    let (app, alice) = with_quota(&server, "QUOTA_MAILS_A_DAY", "1");
    let message = app.message(&alice);
    let mailing = json!({"message_id": message, "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC"});
    let to = |recipients: Value| {
        let mut mailing = mailing.clone();
        mailing["recipients"] = recipients;
        mailing
    };
    app.post(&alice, "/mailings", &to(json!({"all": true})))
        .expect_invalid("recipients", "over_quota");
    assert_eq!(app.get(&alice, "/mailings").expect(200)["total"], 0);
    let id = app.post(&alice, "/mailings", &to(json!({"q": "bob"}))).id();
    app.patch(
        &alice,
        &format!("/mailings/{id}"),
        &json!({"recipients": {"all": true}}),
    )
    .expect_invalid("recipients", "over_quota");
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn new_accounts_have_default_quotas_and_existing_ones_are_unchanged() {
    let app = TestApp::start();
    app.account("new@example.org");
    let manager = app.manager();
    let alice = app.alice();
    let users = app.get(&manager, "/users?q=new@").expect(200);
    let limits = |id: &Value| {
        let quotas = app
            .get(&manager, &format!("/users/{id}/quotas"))
            .expect(200);
        (
            quotas["recipients"]["limit"].clone(),
            quotas["mails_a_day"]["limit"].clone(),
        )
    };
    let finite = limits(&users["items"][0]["id"]);
    assert_eq!(finite, (json!(10_000), json!(10_000)));
    assert_eq!(limits(&json!(alice.id)), (Value::Null, Value::Null));
}

#[test]
fn an_administrator_sets_and_resets_the_quotas_of_an_account() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("QUOTA_RECIPIENTS", "1"),
    ]);
    let (admin, alice, bob) = (
        app.person("admin@example.org", "admin"),
        app.alice(),
        app.bob(),
    );
    let path = format!("/users/{}/quotas", alice.id);
    let set = |quotas: Value| app.send("PUT", &path, &[admin.bearer()], Some(&quotas));
    let other = json!({"recipients": 2, "mails_a_day": 0});
    assert_eq!(
        set(other).expect(200),
        json!({"recipients": {"limit": 2, "own": 2}, "mails_a_day": {"limit": null, "own": 0}})
    );
    for owner in [&alice, &bob] {
        app.recipient(owner, "one@example.org");
    }
    app.recipient(&alice, "two@example.org");
    for owner in [&alice, &bob] {
        app.post(owner, "/recipients", &json!({"email": "three@example.org"}))
            .expect_problem(409, "recipients_quota");
    }
    set(json!({})).expect(200);
    app.delete(
        &alice,
        &format!(
            "/recipients/{}",
            app.get(&alice, "/recipients").expect(200)["items"][0]["id"]
        ),
    )
    .expect(204);
    app.post(
        &alice,
        "/recipients",
        &json!({"email": "three@example.org"}),
    )
    .expect_problem(409, "recipients_quota");
    for wrong in [json!(-1), json!(1_000_000_001), json!("many"), json!(1.5)] {
        let refused = set(json!({"recipients": wrong}));
        refused.expect_invalid_named("recipients");
    }
    let events = app.get(&admin, "/events?kind=quotas_changed").expect(200);
    assert_eq!(events["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        events["items"][1]["details"],
        "recipients: 2, mails_a_day: 0"
    );
}
