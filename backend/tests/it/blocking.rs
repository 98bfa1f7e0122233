//! Managers block and unblock users.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use dispatch::core::db::schema::users;
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;

const ADA: &str = "ada@example.org";

#[test]
fn a_blocked_user_is_signed_out_and_cannot_sign_in_until_unblocked() {
    let app = TestApp::start();
    let manager = app.manager();
    let laptop = app.browser(ADA);
    let phone = Browser::of(app.sign_in(ADA, PASSWORD));
    let ada = app.me(&laptop).expect(200)["id"].clone();
    app.me(&phone).expect(200);

    for _ in 0..2 {
        app.post(
            &manager,
            &format!("/users/{ada}/block"),
            &json!({"reason": "Bought addresses"}),
        )
        .expect(204);
    }
    for browser in [&laptop, &phone] {
        app.me(browser).expect_problem(401, "unauthenticated");
        app.refresh(&browser.cookie)
            .expect_problem(401, "unauthenticated");
    }
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");

    for _ in 0..2 {
        app.post(&manager, &format!("/users/{ada}/unblock"), &json!({}))
            .expect(204);
    }
    app.me(&laptop).expect_problem(401, "unauthenticated");
    app.sign_in(ADA, PASSWORD).expect(200);
}

#[test]
fn staff_cannot_be_blocked_nor_block_themselves() {
    let app = TestApp::start();
    let manager = app.manager();
    let other = app.person("other@example.org", "manager");
    let admin = app.person("admin@example.org", "admin");
    let block = |id: i64| format!("/users/{id}/block");
    let body = json!({"reason": "A quarrel"});
    for staff in [&manager, &other, &admin] {
        app.post(&manager, &block(staff.id), &body)
            .expect_problem(409, "not_blockable");
        app.post(&admin, &block(staff.id), &body)
            .expect_problem(409, "not_blockable");
    }
    for staff in [&manager, &other, &admin] {
        app.get(staff, "/me").expect(200);
    }
    app.post(&admin, &block(app.alice().id), &body).expect(204);
}

#[test]
fn a_block_records_its_author_time_and_reason() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let admin = app.person("admin@example.org", "admin");
    let kept = || {
        users::table
            .find(alice.id)
            .select((users::blocked_at, users::blocked_by, users::block_reason))
            .first::<(Option<DateTime<Utc>>, Option<i64>, Option<String>)>(&mut app.sql())
            .unwrap()
    };
    let begun = app.now();
    let block = format!("/users/{}/block", alice.id);
    app.post(&manager, &block, &json!({"reason": "Spam"}))
        .expect(204);
    assert_eq!(kept(), (Some(begun), Some(manager.id), Some("Spam".into())));
    app.wait(TimeDelta::seconds(1));
    app.post(&admin, &block, &json!({"reason": "Fraud"}))
        .expect(204);
    assert_eq!(kept(), (Some(begun), Some(admin.id), Some("Fraud".into())));
    app.post(&admin, &format!("/users/{}/unblock", alice.id), &json!({}))
        .expect(204);
    assert_eq!(kept(), (None, None, None));
}
