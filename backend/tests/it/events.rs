//! The journal of events: what leaves one, what does not, who reads them.

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::accounts::audit_log::model::EventKind;
use dispatch::accounts::audit_log::store;
use dispatch::accounts::identity::Origin;
use dispatch::core::db::schema::events;
use dispatch::engine::maintenance::Maintenance;
use serde_json::{Value, json};

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

const ADA: &str = "ada@example.org";

impl TestApp {
    /// The events that the filter lets through, the oldest first.
    fn events(&self, staff: &Person, filter: &str) -> Vec<Value> {
        let path = format!("/events?limit=200&{filter}");
        let mut items = self.get(staff, &path).expect(200)["items"].take();
        let mut events = std::mem::take(items.as_array_mut().unwrap());
        events.reverse();
        events
    }
}

/// What happened, to what, with which words.
fn gist(event: &Value) -> (&str, &str, &str) {
    (
        event["kind"].as_str().unwrap(),
        event["subject"]["name"].as_str().unwrap_or_default(),
        event["details"].as_str().unwrap_or_default(),
    )
}

#[test]
fn sign_ins_and_failed_ones_are_recorded_without_secrets() {
    let app = TestApp::start();
    let manager = app.manager();
    let browser = app.browser(ADA);
    let wrong = "a wrong password 7";
    app.sign_in(ADA, wrong)
        .expect_problem(401, "invalid_credentials");
    app.sign_in("no\u{a}body@example.org", wrong)
        .expect_problem(401, "invalid_credentials");
    for _ in 0..2 {
        let cookie = [("cookie", browser.cookie.clone())];
        app.send("POST", "/auth/sign-out", &cookie, None)
            .expect(204);
    }

    let events = app.events(&manager, "");
    let gists: Vec<_> = events.iter().map(gist).collect();
    assert_eq!(
        gists,
        [
            ("signed_up", ADA, ""),
            ("confirmed", "", ""),
            ("signed_in", "", ""),
            ("sign_in_failed", ADA, ADA),
            ("sign_in_failed", "", "nobody@example.org"),
            ("signed_out", "", ""),
        ]
    );
    let ada = &events[0]["subject"]["id"];
    for event in &events {
        let known = ["confirmed", "signed_in", "signed_out"].contains(&gist(event).0);
        let actor = if known {
            json!({"id": ada, "email": ADA})
        } else {
            Value::Null
        };
        assert_eq!(event["actor"], actor, "{event}");
        assert_eq!(event["address"], "127.0.0.1", "{event}");
        assert_eq!(event["at"], json!(app.now()), "{event}");
    }
    let all = Value::from(events).to_string();
    let token = browser.cookie.split('=').nth(1).unwrap();
    for secret in [PASSWORD, wrong, token, &browser.access_token] {
        assert!(!all.contains(secret), "{secret}");
    }
}

#[test]
fn the_reuse_of_a_refresh_token_is_recorded() {
    let app = TestApp::start();
    let manager = app.manager();
    let first = app.browser(ADA);
    let second = Browser::of(app.refresh(&first.cookie));
    app.refresh(&second.cookie).expect(200);
    for _ in 0..2 {
        app.refresh(&first.cookie)
            .expect_problem(401, "unauthenticated");
    }
    let events = app.events(&manager, "kind=refresh_reused");
    let gists: Vec<_> = events.iter().map(gist).collect();
    assert_eq!(gists, [("refresh_reused", ADA, "")]);
    assert_eq!(events[0]["actor"], Value::Null);
}

#[test]
fn each_change_by_a_user_is_recorded_once() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let act = |path: &str| app.post(&alice, path, &json!({})).expect(204);

    let friend = app.recipient(&alice, "friend@example.org");
    let at = format!("/recipients/{friend}");
    app.patch(&alice, &at, &json!({"email": "new@example.org"}))
        .expect(200);
    let message = app.message(&alice);
    let later = json!({"message_id": message, "starts_at": "2030-01-01T00:00:00Z"});
    let mailing = app.mailing(&alice, &later);
    let at_message = format!("/messages/{message}");
    app.patch(&alice, &at_message, &json!({"subject": "News"}))
        .expect(200);
    let at_mailing = format!("/mailings/{mailing}");
    app.patch(&alice, &at_mailing, &json!({"recurrence": "daily"}))
        .expect(200);
    for action in ["pause", "pause", "resume", "resume"] {
        act(&format!("{at_mailing}/{action}"));
    }
    for path in [&at_mailing, &at_message, &at] {
        app.delete(&alice, path).expect(204);
        app.delete(&alice, path).expect_problem(404, "not_found");
    }

    let events = app.events(&manager, &format!("actor_id={}", alice.id));
    let gists: Vec<_> = events.iter().map(gist).collect();
    let news = "News for {{ full_name }}";
    assert_eq!(
        gists,
        [
            ("recipient_created", "friend@example.org", ""),
            ("recipient_changed", "new@example.org", ""),
            ("message_created", news, ""),
            ("mailing_created", news, ""),
            ("message_changed", "News", ""),
            ("mailing_changed", "News", ""),
            ("mailing_paused", "News", ""),
            ("mailing_resumed", "News", ""),
            ("mailing_deleted", "News", ""),
            ("message_deleted", "News", ""),
            ("recipient_deleted", "new@example.org", ""),
        ]
    );
    assert_eq!(
        events[0]["subject"],
        json!({"kind": "recipient", "id": friend, "name": "friend@example.org"})
    );
    for event in &events {
        assert_eq!(
            event["actor"],
            json!({"id": alice.id, "email": alice.email})
        );
        assert_eq!(event["address"], "127.0.0.1");
    }
}

#[test]
fn rejected_requests_are_not_recorded() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let friend = app.recipient(&alice, "friend@example.org");
    let mailing = app.mailing(&alice, &json!({"starts_at": "2030-01-01T00:00:00Z"}));
    let noted = app.events(&manager, "").len();

    let again = json!({"email": "FRIEND@example.org"});
    app.post(&alice, "/recipients", &again)
        .expect_problem(409, "email_taken");
    app.patch(&bob, &format!("/recipients/{friend}"), &json!({}))
        .expect_problem(404, "not_found");
    let at = format!("/mailings/{mailing}");
    app.patch(&alice, &at, &json!({"message_id": 999}))
        .expect_invalid("message_id", "not_found");
    for action in ["cancel", "send"] {
        let refused = app.post(&alice, &format!("{at}/{action}"), &json!({}));
        assert_eq!(refused.status, 409, "{action}");
    }
    app.post(
        &manager,
        "/messages",
        &json!({"subject": "Hi", "text": "Hi"}),
    )
    .expect_problem(403, "forbidden");
    let reason = json!({"reason": "A quarrel"});
    app.post(&manager, &format!("/users/{}/block", manager.id), &reason)
        .expect_problem(409, "not_blockable");
    assert_eq!(app.events(&manager, "").len(), noted);
}

#[test]
fn actions_of_staff_are_recorded_with_their_reason() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let admin = app.person("admin@example.org", "admin");
    app.recipient(&alice, "friend@example.org");
    let mailing = app.mailing(&alice, &json!({"starts_at": "2030-01-01T00:00:00Z"}));
    let act = |path: String, body: Value| app.post(&manager, &path, &body).expect(204);
    act(
        format!("/mailings/{mailing}/disable"),
        json!({"reason": "Complaints"}),
    );
    for _ in 0..2 {
        act(format!("/mailings/{mailing}/enable"), json!({}));
    }
    act(
        format!("/users/{}/block", alice.id),
        json!({"reason": "Spam"}),
    );
    for _ in 0..2 {
        act(format!("/users/{}/unblock", alice.id), json!({}));
    }
    let role = format!("/users/{}/role", alice.id);
    for _ in 0..2 {
        let wanted = json!({"role": "manager"});
        app.send("PUT", &role, &[admin.bearer()], Some(&wanted))
            .expect(204);
    }
    let news = "News for {{ full_name }}";
    let events = app.events(&manager, &format!("actor_id={}", manager.id));
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [
            ("mailing_disabled", news, "Complaints"),
            ("mailing_enabled", news, ""),
            ("user_blocked", "alice@example.org", "Spam"),
            ("user_unblocked", "alice@example.org", ""),
        ]
    );
    let events = app.events(&manager, &format!("actor_id={}", admin.id));
    assert_eq!(
        events.iter().map(gist).collect::<Vec<_>>(),
        [("role_changed", "alice@example.org", "user → manager")]
    );
}

#[test]
fn the_start_and_the_end_of_a_run_are_recorded() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "friend@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    let by_itself = app.last_run(&alice, mailing)["id"].clone();
    app.wait(TimeDelta::hours(1));
    let send = format!("/mailings/{mailing}/send");
    let on_demand = app.post(&alice, &send, &json!({})).expect(202)["id"].clone();
    let cancel = format!("/mailings/{mailing}/cancel");
    app.post(&alice, &cancel, &json!({})).expect(204);
    app.tick();

    let events = app.events(&manager, "from=2026-05-01T00:00:00Z");
    let of_runs = events
        .iter()
        .filter(|event| event["subject"]["kind"] == "mailing")
        .skip(1);
    let told: Vec<_> = of_runs
        .map(|event| {
            assert_eq!(event["subject"]["id"], mailing);
            assert_eq!(event["subject"]["name"], "News for {{ full_name }}");
            (
                event["kind"].as_str().unwrap(),
                event["details"].as_str().unwrap_or_default().to_owned(),
                event["actor"]["id"].as_i64(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("run_started", format!("#{by_itself}"), None),
            ("run_finished", format!("#{by_itself}"), None),
            ("run_started", format!("#{on_demand}"), Some(alice.id)),
            ("mailing_cancelled", String::new(), Some(alice.id)),
        ]
    );
}

#[test]
fn the_end_of_a_retried_run_is_recorded_again() {
    let server = ScriptedServer::start();
    let refusal = Rule::refuse(550, "5.7.1 not welcome");
    server.add("friend@example.org", refusal, Some(1));
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "friend@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let run = app.last_run(&alice, mailing)["id"].clone();
    let retry = format!("/runs/{run}/retry");
    app.post(&alice, &retry, &json!({})).expect(202);
    app.tick();
    app.post(&alice, &retry, &json!({}))
        .expect_problem(409, "nothing_to_retry");

    let events = app.events(&manager, "");
    let told: Vec<_> = events[3..].iter().map(gist).collect();
    let (name, number) = ("News for {{ full_name }}", format!("#{run}"));
    assert_eq!(
        told,
        [
            ("run_started", name, number.as_str()),
            ("run_finished", name, &number),
            ("run_retried", name, &number),
            ("run_finished", name, &number),
        ]
    );
    let [.., retried, _] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(retried["actor"]["id"], alice.id);
}

#[test]
fn the_audit_log_can_be_filtered_and_is_paged_by_key() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    for n in 0..5 {
        app.recipient(&alice, &format!("r{n}@example.org"));
        app.wait(TimeDelta::minutes(i64::from(n % 2 == 1)));
    }
    app.message(&bob);

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let stretch = app
            .get(&manager, &format!("/events?limit=2&cursor={cursor}"))
            .expect(200);
        seen.extend(stretch["items"].as_array().unwrap().clone());
        match stretch["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    seen.reverse();
    assert_eq!(seen, app.events(&manager, ""));
    assert_eq!(seen.len(), 6);

    let found = |filter: &str| app.events(&manager, filter).len();
    assert_eq!(
        (
            found(&format!("actor_id={}", alice.id)),
            found("kind=message_created"),
            found(&format!("actor_id={}&kind=message_created", alice.id)),
        ),
        (5, 1, 0)
    );
    assert_eq!(
        (
            found("from=2026-05-01T10:01:00Z"),
            found("to=2026-05-01T10:01:00Z")
        ),
        (4, 2)
    );
    for (query, field, code) in [
        ("kind=exploded", "kind", "unknown_value"),
        ("actor_id=ada", "actor_id", "wrong_type"),
        ("limit=201", "limit", "out_of_range"),
        ("from=1999-01-01T00:00:00Z", "from", "out_of_range"),
        ("cursor=abc", "cursor", "wrong_type"),
        // ["-9999-01-01T00:00:00Z",1]
        (
            "cursor=WyItOTk5OS0wMS0wMVQwMDowMDowMFoiLDFd",
            "cursor",
            "wrong_type",
        ),
        ("subject_id=1", "subject_id", "unknown_field"),
    ] {
        app.get(&manager, &format!("/events?{query}"))
            .expect_invalid(field, code);
    }
}

#[test]
fn only_staff_can_read_the_audit_log() {
    let app = TestApp::start();
    let alice = app.alice();
    let own = format!("/events?actor_id={}", alice.id);
    for path in ["/events", &own] {
        app.get(&alice, path).expect_problem(403, "forbidden");
        app.send("GET", path, &[], None)
            .expect_problem(401, "unauthenticated");
    }
    let admin = app.person("admin@example.org", "admin");
    for staff in [app.manager(), admin] {
        app.get(&staff, "/events").expect(200);
    }
}

#[test]
fn the_database_accepts_every_kind_of_event_singly_and_in_batches() {
    let app = TestApp::start();
    let origin = Origin::service(app.now());
    let all: Vec<_> = EventKind::ALL
        .iter()
        .map(|kind| origin.event(*kind))
        .collect();
    let mut conn = app.sql();
    for event in &all {
        store::audit(&mut conn, event).unwrap();
    }
    store::audit_all(&mut conn, &all).unwrap();
    let read = app.events(&app.manager(), "");
    let kinds: Vec<_> = read.iter().map(|event| gist(event).0).collect();
    let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, names.repeat(2));
}

#[test]
fn entries_are_purged_after_their_retention_period_and_not_before() {
    let app = TestApp::start();
    let mut conn = app.sql();
    let signed_in = Origin::service(app.now()).event(EventKind::SignedIn);
    store::audit_all(&mut conn, &vec![signed_in; 1500]).unwrap();
    app.wait(TimeDelta::days(1));
    store::audit(
        &mut conn,
        &Origin::service(app.now()).event(EventKind::SignedOut),
    )
    .unwrap();
    let kept = app.services.config.audit_log_retention;
    assert_eq!(kept, TimeDelta::days(365));
    let maintenance = Maintenance::new(app.services.db.clone(), app.services.clock.clone(), kept);
    let left = || -> i64 { events::table.count().get_result(&mut app.sql()).unwrap() };

    app.wait(TimeDelta::days(364));
    assert!(!maintenance.pass(&mut conn).unwrap());
    assert_eq!(left(), 1501);
    app.wait(TimeDelta::seconds(1));
    assert!(maintenance.pass(&mut conn).unwrap(), "a bounded step");
    assert_eq!(left(), 501);
    for _ in 0..2 {
        assert!(!maintenance.pass(&mut conn).unwrap());
        assert_eq!(left(), 1);
    }
}
