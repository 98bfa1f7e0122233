//! What accounts leave behind is deleted in time, and nothing that anybody still needs.

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::{account_mails, account_tokens, refresh_tokens, sessions};
use dispatch::engine::maintenance::Maintenance;
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

const ADA: &str = "ada@example.org";

/// How many links, mails, sessions and refresh tokens there are.
fn kept(app: &TestApp) -> [i64; 4] {
    let mut conn = app.sql();
    [
        account_tokens::table.count().get_result(&mut conn).unwrap(),
        account_mails::table.count().get_result(&mut conn).unwrap(),
        sessions::table.count().get_result(&mut conn).unwrap(),
        refresh_tokens::table.count().get_result(&mut conn).unwrap(),
    ]
}

/// One pass of the maintenance.
fn tidy(app: &TestApp) {
    let services = &app.services;
    let kept = services.config.audit_log_retention;
    let maintenance = Maintenance::new(services.db.clone(), services.clock.clone(), kept);
    assert!(!maintenance.pass(&mut app.sql()).unwrap());
}

#[test]
fn expired_links_and_the_mails_and_sessions_of_a_month_ago_are_deleted() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ended = app.browser(ADA);
    let cookie = [("cookie", ended.cookie)];
    app.send("POST", "/auth/sign-out", &cookie, None)
        .expect(204);
    let mut used = Browser::of(app.sign_in(ADA, PASSWORD));
    Browser::of(app.sign_in(ADA, PASSWORD));
    app.forgot(ADA).expect(202);
    // The confirmation is pointless by now, the link to a new password is sent.
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 1);
    assert_eq!(kept(&app), [2, 2, 3, 3]);

    app.wait(TimeDelta::days(1));
    tidy(&app);
    assert_eq!(kept(&app), [0, 2, 3, 3], "the links have expired");
    app.wait(TimeDelta::days(28));
    used = Browser::of(app.refresh(&used.cookie));
    app.wait(TimeDelta::days(1) + TimeDelta::seconds(1));
    tidy(&app);
    assert_eq!(
        kept(&app)[..3],
        [0, 0, 2],
        "what was sent or ended a month ago"
    );
    app.wait(TimeDelta::days(28));
    used = Browser::of(app.refresh(&used.cookie));
    app.wait(TimeDelta::days(2));
    tidy(&app);
    assert_eq!(kept(&app)[2], 1, "what expired a month ago");
    app.me(&used).expect_problem(401, "unauthenticated");
    used = Browser::of(app.refresh(&used.cookie));
    app.me(&used).expect(200);
}

#[test]
fn an_api_token_is_deleted_a_month_after_its_end() {
    let app = TestApp::start();
    let alice = app.alice();
    let end = app.now() + TimeDelta::days(1);
    for body in [
        json!({"name": "Brief", "scope": "read", "expires_at": end}),
        json!({"name": "For ever", "scope": "read"}),
    ] {
        app.post(&alice, "/me/tokens", &body).expect(201);
    }
    let listed = || {
        let list = app.get(&alice, "/me/tokens").expect(200);
        list["items"].as_array().unwrap().len()
    };
    app.wait(TimeDelta::days(31));
    tidy(&app);
    assert_eq!(listed(), 2);
    app.wait(TimeDelta::seconds(1));
    tidy(&app);
    assert_eq!(listed(), 1);
}
