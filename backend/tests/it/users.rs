//! The caller's own profile.

use serde_json::json;

use crate::support::app::TestApp;

#[test]
fn a_profile_is_read_and_changed_by_its_owner() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let before = app.get(&alice, "/me").expect(200);
    assert_eq!(
        before,
        json!({"id": alice.id, "email": alice.email, "full_name": "", "role": "user", "language": "en", "time_zone": "UTC",
            "phone": null, "avatar_url": null, "created_at": "2026-05-01T10:00:00Z"})
    );
    let wishes = json!({"full_name": " Алиса ", "language": "ru", "time_zone": "Asia/Yekaterinburg", "phone": "+7 343 123-45-67"});
    let changed = app.patch(&alice, "/me", &wishes).expect(200);
    assert_eq!(
        (
            &changed["full_name"],
            &changed["language"],
            &changed["time_zone"],
            &changed["phone"]
        ),
        (
            &json!("Алиса"),
            &json!("ru"),
            &json!("Asia/Yekaterinburg"),
            &json!("+7 343 123-45-67")
        )
    );
    assert_eq!(app.get(&alice, "/me").expect(200), changed);
    assert_eq!(app.get(&bob, "/me").expect(200)["full_name"], "");

    let kept = app.patch(&alice, "/me", &json!({})).expect(200);
    assert_eq!(kept["phone"], "+7 343 123-45-67");
    let removed = app
        .patch(&alice, "/me", &json!({"phone": null}))
        .expect(200);
    assert_eq!(
        (&removed["phone"], &removed["full_name"]),
        (&json!(null), &json!("Алиса"))
    );
}

#[test]
fn a_profile_change_cannot_set_role_address_or_block() {
    let app = TestApp::start();
    let alice = app.alice();
    for field in [
        "role",
        "email",
        "id",
        "password",
        "password_hash",
        "confirmed_at",
        "blocked_at",
        "created_at",
    ] {
        app.patch(&alice, "/me", &json!({field: null}))
            .expect_invalid(field, "unknown_field");
    }
    assert_eq!(app.get(&alice, "/me").expect(200)["role"], "user");
}

#[test]
fn an_invalid_profile_is_rejected_with_the_field() {
    let app = TestApp::start();
    let alice = app.alice();
    for (body, field, code) in [
        (
            json!({"full_name": "x".repeat(201)}),
            "full_name",
            "too_long",
        ),
        (
            json!({"full_name": "a\r\nb"}),
            "full_name",
            "control_characters",
        ),
        (json!({"full_name": null}), "full_name", "wrong_type"),
        (json!({"language": "de"}), "language", "unknown_value"),
        (
            json!({"time_zone": "Mars/Olympus"}),
            "time_zone",
            "unknown_time_zone",
        ),
        (json!({"phone": "1".repeat(41)}), "phone", "too_long"),
        (json!({"phone": "1\n2"}), "phone", "control_characters"),
        (json!({"phone": 7}), "phone", "wrong_type"),
    ] {
        app.patch(&alice, "/me", &body).expect_invalid(field, code);
    }
}

#[test]
fn a_profile_changed_concurrently_is_not_overwritten() {
    let app = TestApp::start();
    let alice = app.alice();
    let tag = app.get(&alice, "/me").header("etag").to_owned();
    app.wait(chrono::TimeDelta::seconds(1));
    app.patch(&alice, "/me", &json!({"full_name": "First"}))
        .expect(200);
    let with_tag = [alice.bearer(), ("if-match", tag)];
    app.send(
        "PATCH",
        "/me",
        &with_tag,
        Some(&json!({"full_name": "Second"})),
    )
    .expect_problem(412, "precondition_failed");
}

#[test]
fn without_a_token_the_profile_is_not_accessible() {
    let app = TestApp::start();
    app.send("GET", "/me", &[], None)
        .expect_problem(401, "unauthenticated");
    app.send("PATCH", "/me", &[], Some(&json!({"full_name": "x"})))
        .expect_problem(401, "unauthenticated");
}

#[test]
fn a_manager_has_a_profile_too() {
    let app = TestApp::start();
    let manager = app.manager();
    let changed = app
        .patch(&manager, "/me", &json!({"language": "ru"}))
        .expect(200);
    assert_eq!(
        (&changed["role"], &changed["language"]),
        (&json!("manager"), &json!("ru"))
    );
}
