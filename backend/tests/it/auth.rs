//! Sign-up and sign-in: nobody learns who is registered.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::{account_mails, users};
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;

const ADA: &str = "ada@example.org";

/// Kind and addressee of every mail that waits to be sent.
fn waiting_mails(app: &TestApp) -> Vec<(String, String)> {
    account_mails::table
        .filter(account_mails::next_attempt_at.is_not_null())
        .order(account_mails::id)
        .select((account_mails::kind, account_mails::to_email))
        .load(&mut app.sql())
        .unwrap()
}

fn mail(kind: &str, to: &str) -> (String, String) {
    (kind.to_owned(), to.to_owned())
}

#[test]
fn an_account_can_be_used_once_its_address_is_confirmed() {
    let app = TestApp::start();
    app.call(
        "/auth/sign-up",
        &json!({"email": " Ada@Example.org ", "password": PASSWORD, "full_name": "Ада", "language": "ru", "time_zone": "Europe/Moscow"}),
    )
    .expect(202);
    assert_eq!(waiting_mails(&app), [mail("confirm", "Ada@example.org")]);
    app.sign_in("Ada@Example.org", PASSWORD)
        .expect_problem(401, "invalid_credentials");

    let token = app.mailed_token("Ada@example.org");
    assert_eq!(app.confirm(&token).expect(204), json!(null));
    let signed_in = app.sign_in("ADA@example.ORG", PASSWORD).expect(200);
    assert_eq!(signed_in["token_type"], "Bearer");
    assert_eq!(signed_in["expires_in"], 600);
    let user = &signed_in["user"];
    assert_eq!(
        *user,
        json!({"id": user["id"], "email": "Ada@example.org", "full_name": "Ада", "role": "user", "language": "ru",
            "time_zone": "Europe/Moscow", "phone": null, "avatar_url": null, "created_at": "2026-05-01T10:00:00Z"})
    );
}

#[test]
fn a_sign_up_with_a_mistake_names_the_field_and_stores_nothing() {
    let app = TestApp::start();
    let long = format!("{}@example.org", "a".repeat(250));
    for (body, field, code) in [
        (json!({"password": PASSWORD}), "email", "required"),
        (json!({"email": ADA}), "password", "required"),
        (
            json!({"email": "ada", "password": PASSWORD}),
            "email",
            "invalid_email",
        ),
        (
            json!({"email": long, "password": PASSWORD}),
            "email",
            "too_long",
        ),
        (
            json!({"email": ADA, "password": ""}),
            "password",
            "required",
        ),
        (
            json!({"email": ADA, "password": "1234567"}),
            "password",
            "too_short",
        ),
        (
            json!({"email": ADA, "password": "ы".repeat(257)}),
            "password",
            "too_long",
        ),
        (
            json!({"email": ADA, "password": "Password1"}),
            "password",
            "common_password",
        ),
        (
            json!({"email": ADA, "password": PASSWORD, "full_name": "A\nB"}),
            "full_name",
            "control_characters",
        ),
        (
            json!({"email": ADA, "password": PASSWORD, "language": "de"}),
            "language",
            "unknown_value",
        ),
        (
            json!({"email": ADA, "password": PASSWORD, "time_zone": "../../etc/passwd"}),
            "time_zone",
            "unknown_time_zone",
        ),
        (
            json!({"email": ADA, "password": PASSWORD, "role": "admin"}),
            "role",
            "unknown_field",
        ),
        (
            json!({"email": ADA, "password": PASSWORD, "confirmed_at": "2026-05-01T10:00:00Z"}),
            "confirmed_at",
            "unknown_field",
        ),
    ] {
        app.call("/auth/sign-up", &body).expect_invalid(field, code);
    }
    let users: i64 = users::table.count().get_result(&mut app.sql()).unwrap();
    assert_eq!(users, 0);
}

#[test]
fn a_password_may_have_any_characters_up_to_256_of_them() {
    let app = TestApp::start();
    for (n, password) in [
        "ы".repeat(256),
        " \t leading, \"quoted\" and 🔑 ".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let email = format!("user{n}@example.org");
        app.call(
            "/auth/sign-up",
            &json!({"email": email, "password": password}),
        )
        .expect(202);
        app.confirm(&app.mailed_token(&email)).expect(204);
        app.sign_in(&email, password).expect(200);
        app.sign_in(&email, password.trim_end_matches(['ы', ' ']))
            .expect_problem(401, "invalid_credentials");
    }
}

#[test]
fn the_owner_of_a_registered_address_is_notified_by_mail_and_the_response_does_not_differ() {
    let app = TestApp::start();
    app.account(ADA);
    app.sql()
        .batch_execute("DELETE FROM account_mails")
        .unwrap();
    let mut answers = Vec::new();
    for email in ["ADA@example.org", "ada@EXAMPLE.org", "new@example.org"] {
        let answer = app.call(
            "/auth/sign-up",
            &json!({"email": email, "password": "another fine password", "full_name": "Mallory"}),
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        answers.push((
            answer.status,
            answer.body.to_string(),
            answer.header("content-length").to_owned(),
        ));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // At most one is on its way, to the address as its owner wrote it.
    assert_eq!(
        waiting_mails(&app),
        [
            mail("already_registered", ADA),
            mail("confirm", "new@example.org")
        ]
    );
    let user = app.sign_in(ADA, PASSWORD).expect(200)["user"].clone();
    assert_eq!(user["full_name"], "", "nothing of the account has changed");
    app.sign_in(ADA, "another fine password")
        .expect_problem(401, "invalid_credentials");
}

#[test]
fn the_latest_sign_up_before_the_confirmation_sets_the_password() {
    let app = TestApp::start();
    app.call(
        "/auth/sign-up",
        &json!({"email": ADA, "password": "what the stranger chose"}),
    )
    .expect(202);
    app.sign_up(ADA).expect(202);
    assert_eq!(waiting_mails(&app), [mail("confirm", ADA)]);
    app.confirm(&app.mailed_token(ADA)).expect(204);
    app.sign_in(ADA, "what the stranger chose")
        .expect_problem(401, "invalid_credentials");
    app.sign_in(ADA, PASSWORD).expect(200);
}

#[test]
fn the_link_can_be_requested_again_with_the_same_response_for_every_address() {
    let app = TestApp::start();
    app.account("confirmed@example.org");
    app.sign_up(ADA).expect(202);
    app.sql()
        .batch_execute("DELETE FROM account_mails")
        .unwrap();
    for email in [
        "ADA@example.org",
        ADA,
        "confirmed@example.org",
        "nobody@example.org",
    ] {
        let answer = app.call("/auth/confirm/resend", &json!({"email": email}));
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (202, "no-store")
        );
    }
    assert_eq!(waiting_mails(&app), [mail("confirm", ADA)]);
    app.call("/auth/confirm/resend", &json!({"email": "nobody"}))
        .expect_invalid("email", "invalid_email");
}

#[test]
fn all_refused_sign_ins_get_the_same_response() {
    let app = TestApp::start();
    for email in ["wrong@example.org", "blocked@example.org"] {
        app.account(email);
    }
    app.sign_up("unconfirmed@example.org").expect(202);
    app.sql()
        .batch_execute("UPDATE users SET blocked_at = now() WHERE email = 'blocked@example.org'")
        .unwrap();
    let mut refusals = Vec::new();
    for (email, password) in [
        ("unknown@example.org", PASSWORD),
        ("unconfirmed@example.org", PASSWORD),
        ("blocked@example.org", PASSWORD),
        ("wrong@example.org", "not the password"),
        ("wrong@example.org", ""),
        ("no address at all", PASSWORD),
    ] {
        let answer = app.sign_in(email, password);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("set-cookie"), "");
        let mut problem = answer.expect_problem(401, "invalid_credentials");
        problem["request_id"] = json!(null);
        refusals.push(problem);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    Browser::of(app.sign_in("wrong@example.org", PASSWORD));
}
