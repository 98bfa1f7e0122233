//! API tokens: what a program may do with one, and what it may not.

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::api_tokens;
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

fn make(app: &TestApp, owner: &Person, body: &Value) -> String {
    let made = app.post(owner, "/me/tokens", body).expect(201);
    made["token"].as_str().unwrap().to_owned()
}

fn full(app: &TestApp, owner: &Person) -> String {
    make(app, owner, &json!({"name": "Import", "scope": "full"}))
}

fn with(app: &TestApp, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = [("authorization", format!("Bearer {token}"))];
    let body = Some(body).filter(|body| !body.is_null());
    app.send(method, path, &bearer, body)
}

fn me(app: &TestApp, token: &str) -> Answer {
    with(app, token, "GET", "/me", &Value::Null)
}

#[test]
fn a_program_acts_on_behalf_of_the_owner_of_its_token() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let token = full(&app, &alice);
    assert_eq!(me(&app, &token).expect(200)["id"], alice.id);
    let friend = json!({"email": "friend@example.org"});
    let id = with(&app, &token, "POST", "/recipients", &friend).id();
    app.get(&alice, &format!("/recipients/{id}")).expect(200);
    let foreign = app.recipient(&bob, "foe@example.org");
    with(
        &app,
        &token,
        "GET",
        &format!("/recipients/{foreign}"),
        &Value::Null,
    )
    .expect_problem(404, "not_found");
}

#[test]
fn a_token_is_shown_once_and_stored_hashed() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let body =
        json!({"name": " Nightly import ", "scope": "read", "expires_at": "2026-06-01T00:00:00Z"});
    let answer = app.post(&alice, "/me/tokens", &body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut made = answer.expect(201);
    let token = made["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("dsp_") && token.len() == 55, "{token}");
    made.as_object_mut().unwrap().remove("token");
    assert_eq!(
        made,
        json!({"id": made["id"], "name": "Nightly import", "scope": "read", "created_at": "2026-05-01T10:00:00Z",
            "expires_at": "2026-06-01T00:00:00Z", "last_used_at": null})
    );
    assert_eq!(
        app.get(&alice, "/me/tokens").expect(200),
        json!({"items": [made]})
    );
    assert_eq!(
        app.get(&bob, "/me/tokens").expect(200),
        json!({"items": []})
    );
    let kept: Vec<u8> = api_tokens::table
        .select(api_tokens::token_hash)
        .first(&mut app.sql())
        .unwrap();
    assert_eq!(kept.len(), 32);
}

#[test]
fn a_read_only_token_cannot_write() {
    let app = TestApp::start();
    let alice = app.alice();
    let token = make(&app, &alice, &json!({"name": "Report", "scope": "read"}));
    let friend = json!({"email": "friend@example.org"});
    with(&app, &token, "POST", "/recipients", &friend).expect_problem(403, "token_read_only");
    let id = app.recipient(&alice, "friend@example.org");
    for (method, body) in [("PATCH", json!({"comment": "x"})), ("DELETE", Value::Null)] {
        with(&app, &token, method, &format!("/recipients/{id}"), &body)
            .expect_problem(403, "token_read_only");
    }
    let list = with(&app, &token, "GET", "/recipients", &Value::Null).expect(200);
    assert_eq!(
        (&list["total"], &list["items"][0]["comment"]),
        (&json!(1), &json!(""))
    );
}

#[test]
fn an_api_token_cannot_change_the_account() {
    let app = TestApp::start();
    let alice = app.alice();
    let reading = make(&app, &alice, &json!({"name": "Report", "scope": "read"}));
    for token in [full(&app, &alice), reading] {
        for (method, path, body) in [
            ("PATCH", "/me", json!({"full_name": "Mallory"})),
            (
                "POST",
                "/me/email",
                json!({"email": "mallory@example.org", "password": PASSWORD}),
            ),
            (
                "POST",
                "/me/password",
                json!({"current": PASSWORD, "new": "a password that is new"}),
            ),
            ("GET", "/me/sessions", Value::Null),
            ("DELETE", "/me/sessions/1", Value::Null),
            ("GET", "/me/tokens", Value::Null),
            ("POST", "/me/tokens", json!({"name": "x", "scope": "full"})),
            ("DELETE", "/me/tokens/1", Value::Null),
        ] {
            with(&app, &token, method, path, &body).expect_problem(403, "token_not_allowed");
        }
        me(&app, &token).expect(200);
    }
    assert_eq!(app.get(&alice, "/me").expect(200)["full_name"], "");
}

#[test]
fn a_deleted_expired_or_forged_token_is_rejected() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let token = full(&app, &alice);
    me(&app, &token).expect(200);
    let id = app.get(&alice, "/me/tokens").expect(200)["items"][0]["id"].clone();
    let path = format!("/me/tokens/{id}");
    app.delete(&bob, &path).expect_problem(404, "not_found");
    me(&app, &token).expect(200);
    app.delete(&alice, &path).expect(204);
    app.delete(&alice, &path).expect_problem(404, "not_found");
    me(&app, &token).expect_problem(401, "unauthenticated");

    let end = app.now() + TimeDelta::minutes(5);
    let body = json!({"name": "Brief", "scope": "full", "expires_at": end});
    let brief = make(&app, &alice, &body);
    app.wait(TimeDelta::seconds(299));
    me(&app, &brief).expect(200);
    app.wait(TimeDelta::seconds(1));
    me(&app, &brief).expect_problem(401, "unauthenticated");
    for invented in ["dsp_", "dsp_x", &brief[..46], &brief.to_uppercase()] {
        me(&app, invented).expect_problem(401, "unauthenticated");
    }
}

#[test]
fn the_last_use_of_a_token_is_recorded_once_a_minute() {
    let app = TestApp::start();
    let alice = app.alice();
    let token = full(&app, &alice);
    let noted = || {
        let list = app.get(&alice, "/me/tokens").expect(200);
        list["items"][0]["last_used_at"].clone()
    };
    for (wait, at) in [
        (0, "2026-05-01T10:00:00Z"),
        (59, "2026-05-01T10:00:00Z"),
        (1, "2026-05-01T10:01:00Z"),
        (90, "2026-05-01T10:02:30Z"),
    ] {
        app.wait(TimeDelta::seconds(wait));
        me(&app, &token).expect(200);
        assert_eq!(noted(), at, "{wait}");
    }
}

#[test]
fn tokens_of_a_blocked_user_are_rejected_until_the_user_is_unblocked() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let token = full(&app, &alice);
    me(&app, &token).expect(200);
    let path = format!("/users/{}", alice.id);
    let reason = json!({"reason": "Spam"});
    app.post(&manager, &format!("{path}/block"), &reason)
        .expect(204);
    me(&app, &token).expect_problem(401, "unauthenticated");
    app.post(&manager, &format!("{path}/unblock"), &json!({}))
        .expect(204);
    me(&app, &token).expect(200);
}

#[test]
fn a_password_reset_deletes_all_tokens() {
    let app = TestApp::start();
    let alice = app.alice();
    let token = full(&app, &alice);
    me(&app, &token).expect(200);
    app.reset(&app.reset_token(&alice.email), "a password that is new")
        .expect(204);
    me(&app, &token).expect_problem(401, "unauthenticated");
    let kept: i64 = api_tokens::table
        .count()
        .get_result(&mut app.sql())
        .unwrap();
    assert_eq!(kept, 0);
}

#[test]
fn a_token_has_no_more_permissions_than_its_owner() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let token = full(&app, &manager);
    let friend = json!({"email": "friend@example.org"});
    with(&app, &token, "POST", "/recipients", &friend).expect_problem(403, "forbidden");
    let reason = json!({"reason": "Spam"});
    let block = format!("/users/{}/block", alice.id);
    with(&app, &full(&app, &alice), "POST", &block, &reason).expect_problem(403, "forbidden");
    with(&app, &token, "POST", &block, &reason).expect(204);
}

#[test]
fn an_invalid_token_request_is_rejected_with_the_field() {
    let app = TestApp::start();
    let alice = app.alice();
    for (body, field, code) in [
        (json!({"scope": "read"}), "name", "required"),
        (json!({"name": "x"}), "scope", "required"),
        (json!({"name": " ", "scope": "read"}), "name", "required"),
        (
            json!({"name": "x".repeat(101), "scope": "read"}),
            "name",
            "too_long",
        ),
        (
            json!({"name": "a\nb", "scope": "read"}),
            "name",
            "control_characters",
        ),
        (
            json!({"name": "x", "scope": "all"}),
            "scope",
            "unknown_value",
        ),
        (
            json!({"name": "x", "scope": "read", "expires_at": "2026-05-01T10:00:00Z"}),
            "expires_at",
            "in_past",
        ),
        (
            json!({"name": "x", "scope": "read", "expires_at": "9999-01-01T00:00:00Z"}),
            "expires_at",
            "out_of_range",
        ),
        (
            json!({"name": "x", "scope": "read", "expires_at": "tomorrow"}),
            "expires_at",
            "wrong_type",
        ),
        (
            json!({"name": "x", "scope": "read", "user_id": 1}),
            "user_id",
            "unknown_field",
        ),
    ] {
        app.post(&alice, "/me/tokens", &body)
            .expect_invalid(field, code);
    }
}

#[test]
fn a_user_has_at_most_fifty_tokens_also_with_concurrent_requests() {
    let app = TestApp::start();
    let alice = app.alice();
    let body = json!({"name": "One of many", "scope": "read"});
    for _ in 0..45 {
        app.post(&alice, "/me/tokens", &body).expect(201);
    }
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..10)
            .map(|_| scope.spawn(|| app.post(&alice, "/me/tokens", &body).status))
            .collect();
        requests
            .into_iter()
            .map(|request| request.join().unwrap())
            .collect()
    });
    let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((of(201), of(409)), (5, 5), "{statuses:?}");
    app.post(&alice, "/me/tokens", &body)
        .expect_problem(409, "too_many_tokens");
}
