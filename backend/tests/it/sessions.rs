//! Signing in, staying signed in, signing out: cookie, rotation, theft, block.

use std::time::Instant;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::{refresh_tokens, sessions};
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::app::TestApp;

const ADA: &str = "ada@example.org";

#[test]
fn the_refresh_cookie_is_inaccessible_to_scripts_and_other_sites() {
    for (public_url, name, secure) in [
        ("http://localhost:8000", "refresh=", false),
        ("https://dispatch.example.org", "__Host-refresh=", true),
    ] {
        let app = TestApp::start_with(&[
            ("SMTP_URL", "smtp://127.0.0.1:9"),
            ("PUBLIC_URL", public_url),
        ]);
        app.account(ADA);
        let answer = app.sign_in(ADA, PASSWORD);
        assert_eq!(answer.header("cache-control"), "no-store");
        let cookie = answer.header("set-cookie").to_owned();
        assert!(cookie.starts_with(name), "{cookie}");
        let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
            assert!(attributes.contains(&attribute), "{cookie}");
        }
        assert_eq!(attributes.contains(&"Secure"), secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert!(
            !answer
                .expect(200)
                .to_string()
                .contains(cookie.split(['=', ';']).nth(1).unwrap())
        );
    }
}

#[test]
fn a_session_lasts_as_long_as_it_is_refreshed() {
    let app = TestApp::start();
    let mut browser = app.browser(ADA);
    for _ in 0..3 {
        app.wait(TimeDelta::days(29));
        app.me(&browser).expect_problem(401, "unauthenticated");
        let renewed = app.refresh(&browser.cookie);
        assert_eq!(renewed.header("cache-control"), "no-store");
        let next = Browser::of(renewed);
        assert_ne!(next.cookie, browser.cookie);
        browser = next;
        assert_eq!(app.me(&browser).expect(200)["email"], ADA);
    }
    app.wait(TimeDelta::days(30));
    app.refresh(&browser.cookie)
        .expect_problem(401, "unauthenticated");
}

#[test]
fn without_a_live_refresh_token_there_is_no_session() {
    let app = TestApp::start();
    app.send("POST", "/auth/refresh", &[], None)
        .expect_problem(401, "unauthenticated");
    for cookie in ["refresh=", "refresh=x", "other=1", "refresh=%00", "; ;="] {
        app.refresh(cookie).expect_problem(401, "unauthenticated");
    }
}

#[test]
fn concurrent_tabs_and_a_lost_response_do_not_end_a_session() {
    let app = TestApp::start();
    let first = app.browser(ADA);
    Browser::of(app.refresh(&first.cookie));
    let second = Browser::of(app.refresh(&first.cookie));
    let third = Browser::of(app.refresh(&second.cookie));
    app.me(&third).expect(200);
}

#[test]
fn fifty_tabs_at_once_all_stay_signed_in() {
    let app = TestApp::start();
    let first = app.browser(ADA);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let tabs: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| app.refresh(&first.cookie)))
            .collect();
        tabs.into_iter().map(|tab| tab.join().unwrap()).collect()
    });
    let last = answers.into_iter().map(Browser::of).next_back().unwrap();
    app.me(&last).expect(200);
    Browser::of(app.refresh(&last.cookie));
}

#[test]
fn a_stolen_token_ends_the_session_for_both() {
    let app = TestApp::start();
    let owner = app.browser(ADA);
    let other_device = Browser::of(app.sign_in(ADA, PASSWORD));
    let thief = Browser::of(app.refresh(&owner.cookie));
    let thief = Browser::of(app.refresh(&thief.cookie));
    app.me(&thief).expect(200);

    app.refresh(&owner.cookie)
        .expect_problem(401, "unauthenticated");
    app.me(&thief).expect_problem(401, "unauthenticated");
    app.refresh(&thief.cookie)
        .expect_problem(401, "unauthenticated");
    app.me(&other_device).expect(200);
}

#[test]
fn a_refresh_token_used_by_two_parties_ends_the_session() {
    let app = TestApp::start();
    let origin = app.browser(ADA);
    let thief = Browser::of(app.refresh(&origin.cookie));
    let owner = Browser::of(app.refresh(&origin.cookie));
    let owner = Browser::of(app.refresh(&owner.cookie));
    app.refresh(&thief.cookie)
        .expect_problem(401, "unauthenticated");
    app.refresh(&owner.cookie)
        .expect_problem(401, "unauthenticated");
}

#[test]
fn signing_out_ends_the_session_on_the_server() {
    let app = TestApp::start();
    let browser = app.browser(ADA);
    app.me(&browser).expect(200);
    for _ in 0..2 {
        let cookie = [("cookie", browser.cookie.clone())];
        let answer = app.send("POST", "/auth/sign-out", &cookie, None);
        let cleared = answer.header("set-cookie").to_owned();
        assert!(
            cleared.starts_with("refresh=;") && cleared.contains("Max-Age=0"),
            "{cleared}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.expect(204);
        app.me(&browser).expect_problem(401, "unauthenticated");
        app.refresh(&browser.cookie)
            .expect_problem(401, "unauthenticated");
    }
    app.send("POST", "/auth/sign-out", &[], None).expect(204);
}

#[test]
fn a_blocked_user_cannot_refresh_a_session() {
    let app = TestApp::start();
    let browser = app.browser(ADA);
    app.sql()
        .batch_execute("UPDATE users SET blocked_at = now()")
        .unwrap();
    app.me(&browser).expect_problem(401, "unauthenticated");
    app.refresh(&browser.cookie)
        .expect_problem(401, "unauthenticated");
}

#[test]
fn refresh_tokens_are_stored_hashed_and_expire() {
    let app = TestApp::start();
    let mut browser = app.browser(ADA);
    for _ in 0..3 {
        app.wait(TimeDelta::days(20));
        browser = Browser::of(app.refresh(&browser.cookie));
    }
    let kept: Vec<Vec<u8>> = refresh_tokens::table
        .select(refresh_tokens::token_hash)
        .load(&mut app.sql())
        .unwrap();
    assert_eq!(kept.len(), 2, "those of the last 30 days");
    assert!(kept.iter().all(|hash| hash.len() == 32));
}

#[test]
fn a_session_ends_ninety_days_after_sign_in_however_often_it_is_refreshed() {
    let app = TestApp::start();
    let mut browser = app.browser(ADA);
    for _ in 0..8 {
        app.wait(TimeDelta::days(11));
        browser = Browser::of(app.refresh(&browser.cookie));
    }
    app.wait(TimeDelta::hours(48) - TimeDelta::minutes(5));
    let last = Browser::of(app.refresh(&browser.cookie));
    app.me(&last).expect(200);

    app.wait(TimeDelta::minutes(5));
    app.services.callers.invalidate_session(session_id(&app));
    app.me(&last).expect_problem(401, "unauthenticated");
    app.refresh(&last.cookie)
        .expect_problem(401, "unauthenticated");
    let again = Browser::of(app.sign_in(ADA, PASSWORD));
    let listed = app.ask(&again, "GET", "/me/sessions", &json!(null));
    assert_eq!(listed.expect(200)["items"].as_array().unwrap().len(), 1);
}

fn session_id(app: &TestApp) -> i64 {
    sessions::table
        .select(sessions::id)
        .first(&mut app.sql())
        .unwrap()
}

#[test]
fn a_refusal_takes_as_long_for_an_unknown_address_as_for_a_wrong_password() {
    // Rounds enough that a hash that is not computed shows.
    let app = TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.auth.password_cost = 9;
    });
    app.account("known@example.org");
    let time = |email: &str| {
        let begun = Instant::now();
        app.sign_in(email, "not the password")
            .expect_problem(401, "invalid_credentials");
        begun.elapsed()
    };
    let mut times: Vec<_> = (0..15)
        .map(|_| (time("known@example.org"), time("unknown@example.org")))
        .collect();
    times.sort_by_key(|(known, _)| *known);
    let known = times[7].0;
    times.sort_by_key(|(_, unknown)| *unknown);
    let unknown = times[7].1;
    assert!(
        known < unknown * 2 && unknown < known * 2,
        "{known:?} {unknown:?}"
    );
}
