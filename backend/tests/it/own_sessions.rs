//! Where one is signed in, and signing out there.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;

const ADA: &str = "ada@example.org";

/// Somebody signs in with a browser that calls itself so.
fn sign_in_with(app: &TestApp, user_agent: &str) -> Browser {
    let body = json!({"email": ADA, "password": PASSWORD});
    let agent = [("user-agent", user_agent.to_owned())];
    Browser::of(app.send("POST", "/auth/sign-in", &agent, Some(&body)))
}

fn sessions(app: &TestApp, browser: &Browser) -> Vec<Value> {
    let list = app.ask(browser, "GET", "/me/sessions", &Value::Null);
    list.expect(200)["items"].as_array().unwrap().clone()
}

#[test]
fn a_user_can_list_their_sessions() {
    let app = TestApp::start();
    app.account(ADA);
    app.browser("bob@example.org");
    let laptop = sign_in_with(&app, "Laptop");
    app.wait(TimeDelta::minutes(1));
    let phone = sign_in_with(&app, "Phone");
    let ended = sign_in_with(&app, "Cellar");
    let cookie = [("cookie", ended.cookie.clone())];
    app.send("POST", "/auth/sign-out", &cookie, None)
        .expect(204);

    let listed = sessions(&app, &phone);
    assert_eq!(
        listed
            .iter()
            .map(|session| (
                session["user_agent"].as_str().unwrap(),
                session["is_current"].as_bool().unwrap()
            ))
            .collect::<Vec<_>>(),
        [("Phone", true), ("Laptop", false)]
    );
    assert_eq!(listed[1]["created_at"], "2026-05-01T10:00:00Z");
    app.wait(TimeDelta::minutes(1));
    let laptop = Browser::of(app.refresh(&laptop.cookie));
    let listed = sessions(&app, &laptop);
    assert_eq!(listed[0]["user_agent"], "Laptop");
    assert_eq!(listed[0]["last_used_at"], "2026-05-01T10:02:00Z");
    app.wait(TimeDelta::days(30));
    assert_eq!(sessions(&app, &sign_in_with(&app, "Phone")).len(), 1);
}

#[test]
fn a_session_ended_by_its_user_is_invalid() {
    let app = TestApp::start();
    let laptop = app.browser(ADA);
    let phone = Browser::of(app.sign_in(ADA, PASSWORD));
    app.me(&phone).expect(200);
    let others = sessions(&app, &laptop);
    let other = others
        .iter()
        .find(|session| session["is_current"] == false)
        .unwrap();
    let path = format!("/me/sessions/{}", other["id"]);
    app.ask(&laptop, "DELETE", &path, &Value::Null).expect(204);
    app.me(&phone).expect_problem(401, "unauthenticated");
    app.refresh(&phone.cookie)
        .expect_problem(401, "unauthenticated");
    app.ask(&laptop, "DELETE", &path, &Value::Null)
        .expect_problem(404, "not_found");
    app.me(&laptop).expect(200);
}

#[test]
fn a_user_cannot_end_another_users_session() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let path = format!("/me/sessions/{}", alice.session_id);
    for stranger in [&bob, &manager] {
        app.delete(stranger, &path).expect_problem(404, "not_found");
    }
    for id in ["0", "-1", "9223372036854775808", "1e3", "x"] {
        app.delete(&bob, &format!("/me/sessions/{id}"))
            .expect_problem(404, "not_found");
    }
    app.get(&alice, "/me").expect(200);
}
