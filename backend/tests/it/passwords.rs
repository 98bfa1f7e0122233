//! Another password, by a mailed link or by its owner.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::{account_tokens, users};
use serde_json::{Value, json};

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

const ADA: &str = "ada@example.org";
const NEW: &str = "a password that is new";

fn mail(kind: &str, to: &str) -> (String, String) {
    (kind.to_owned(), to.to_owned())
}

fn change(app: &TestApp, browser: &Browser, current: &str, new: &str) -> Answer {
    let body = json!({"current": current, "new": new});
    app.ask(browser, "POST", "/me/password", &body)
}

#[test]
fn a_forgotten_password_is_reset_with_the_mailed_link() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    app.account(ADA);
    app.drop_mails();
    app.forgot("ADA@example.org").expect(202);
    app.send_account_mails();
    let mails = server.accepted();
    assert_eq!((mails.len(), &mails[0].to[..]), (1, &[ADA.to_owned()][..]));
    assert_eq!(mails[0].header("Subject"), "Set a new password");
    assert!(mails[0].words().contains("within an hour"));

    let token = mails[0].token_behind("reset");
    let answer = app.reset(&token, NEW);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(204);
    app.sign_in(ADA, NEW).expect(200);
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
    app.reset(&token, "yet another password")
        .expect_problem(422, "token_invalid");
    app.send_account_mails();
    let told = &server.accepted()[1];
    assert_eq!(told.header("Subject"), "Your password was changed");
    assert!(!told.words().contains(NEW) && !told.words().contains("token"));
}

#[test]
fn a_mail_about_the_password_is_in_the_language_of_the_user() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.ask(&ada, "PATCH", "/me", &json!({"language": "ru"}))
        .expect(200);
    app.drop_mails();
    app.forgot(ADA).expect(202);
    app.send_account_mails();
    let mails = server.accepted();
    assert!(
        mails[0].words().contains("в течение часа"),
        "{}",
        mails[0].words()
    );
}

#[test]
fn the_response_is_the_same_for_an_unknown_address() {
    let app = TestApp::start();
    app.account(ADA);
    app.drop_mails();
    let mut answers = Vec::new();
    for email in ["ADA@example.org", ADA, "nobody@example.org"] {
        let answer = app.forgot(email);
        assert_eq!(answer.header("cache-control"), "no-store");
        let length = answer.header("content-length").to_owned();
        answers.push((answer.expect(202), length));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // At most one is on its way, to the address as its owner wrote it.
    assert_eq!(app.waiting_mails(), [mail("reset", ADA)]);
    app.forgot("nobody")
        .expect_invalid("email", "invalid_email");
}

#[test]
fn the_mail_is_sent_to_the_stored_address_and_not_to_a_similar_one() {
    let app = TestApp::start();
    app.account("ada@kino.org");
    app.drop_mails();
    // The sign of kelvin, whose small letter is k.
    app.forgot("ada@\u{212a}ino.org").expect(202);
    assert_eq!(app.waiting_mails(), [mail("reset", "ada@kino.org")]);
}

#[test]
fn of_fifty_parallel_requests_one_sets_the_password() {
    let app = TestApp::start();
    app.account(ADA);
    let token = app.reset_token(ADA);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..50)
            .map(|n| {
                let (app, token) = (&app, &token);
                scope.spawn(move || app.reset(token, &format!("parallel password {n}")).status)
            })
            .collect();
        requests
            .into_iter()
            .map(|request| request.join().unwrap())
            .collect()
    });
    let of = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((of(204), of(422)), (1, 49), "{statuses:?}");
}

#[test]
fn a_reset_link_is_valid_for_an_hour_and_for_no_other_purpose() {
    let app = TestApp::start();
    app.account(ADA);
    let (early, late) = (app.reset_token(ADA), app.reset_token(ADA));
    app.confirm(&early).expect_problem(422, "token_invalid");
    let confirmation = app.mailed_token(ADA);
    app.reset(&confirmation, NEW)
        .expect_problem(422, "token_invalid");
    app.wait(TimeDelta::hours(1));
    app.reset(&early, NEW).expect_problem(422, "token_invalid");
    let fresh = app.reset_token(ADA);
    app.wait(TimeDelta::hours(1) - TimeDelta::seconds(1));
    for invalid in [late.as_str(), "", "x", "token'; DROP TABLE users"] {
        app.reset(invalid, NEW).expect_problem(422, "token_invalid");
    }
    app.reset(&fresh, NEW).expect(204);
}

#[test]
fn a_common_password_is_rejected_and_the_link_remains_valid() {
    let app = TestApp::start();
    let ada = app.browser(ADA);
    let token = app.reset_token(ADA);
    for (password, code) in [
        ("", "required"),
        ("1234567", "too_short"),
        ("Password1", "common_password"),
    ] {
        app.reset(&token, password).expect_invalid("password", code);
        change(&app, &ada, PASSWORD, password).expect_invalid("new", code);
    }
    app.reset(&token, NEW).expect(204);
}

#[test]
fn only_the_hash_of_a_link_is_stored() {
    let app = TestApp::start();
    app.account(ADA);
    let token = app.reset_token(ADA);
    let kept: Vec<Vec<u8>> = account_tokens::table
        .select(account_tokens::token_hash)
        .load(&mut app.sql())
        .unwrap();
    assert_eq!(token.len(), 43 + 22, "256 bits, and a MAC of 128");
    for hash in kept {
        assert_eq!(hash.len(), 32);
        assert!(!token.as_bytes().starts_with(&hash[..8]));
    }
}

#[test]
fn a_new_password_ends_all_sessions_and_invalidates_all_other_links() {
    let app = TestApp::start();
    let browsers = [app.browser(ADA), Browser::of(app.sign_in(ADA, PASSWORD))];
    for browser in &browsers {
        app.me(browser).expect(200);
    }
    let (used, other) = (app.reset_token(ADA), app.reset_token(ADA));
    app.reset(&used, NEW).expect(204);
    for browser in &browsers {
        app.me(browser).expect_problem(401, "unauthenticated");
        app.refresh(&browser.cookie)
            .expect_problem(401, "unauthenticated");
    }
    app.reset(&other, PASSWORD)
        .expect_problem(422, "token_invalid");
}

#[test]
fn a_password_reset_confirms_the_address_and_does_not_unblock_the_user() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    app.forgot(ADA).expect(202);
    assert_eq!(
        app.waiting_mails(),
        [mail("confirm", ADA), mail("reset", ADA)]
    );
    app.reset(&app.reset_token(ADA), NEW).expect(204);
    app.sign_in(ADA, NEW).expect(200);

    app.sql()
        .batch_execute("UPDATE users SET blocked_at = now(), block_reason = 'spam'")
        .unwrap();
    app.reset(&app.reset_token(ADA), PASSWORD).expect(204);
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
    let reason: Option<String> = users::table
        .select(users::block_reason)
        .first(&mut app.sql())
        .unwrap();
    assert_eq!(reason.as_deref(), Some("spam"));
}

#[test]
fn a_queued_link_is_not_mailed_after_the_password_has_been_changed() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    app.forgot(ADA).expect(202);
    change(&app, &ada, PASSWORD, NEW).expect(204);
    app.send_account_mails();
    let subjects: Vec<_> = server
        .accepted()
        .iter()
        .map(|mail| mail.header("Subject"))
        .collect();
    assert_eq!(subjects, ["Your password was changed"]);
}

#[test]
fn changing_the_password_ends_all_sessions_but_the_current_one() {
    let app = TestApp::start();
    let here = app.browser(ADA);
    let elsewhere = Browser::of(app.sign_in(ADA, PASSWORD));
    app.me(&elsewhere).expect(200);
    let link = app.reset_token(ADA);
    app.drop_mails();
    let answer = change(&app, &here, PASSWORD, NEW);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.expect(204), Value::Null);
    assert_eq!(app.waiting_mails(), [mail("password_changed", ADA)]);

    app.me(&here).expect(200);
    Browser::of(app.refresh(&here.cookie));
    app.me(&elsewhere).expect_problem(401, "unauthenticated");
    app.refresh(&elsewhere.cookie)
        .expect_problem(401, "unauthenticated");
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
    app.sign_in(ADA, NEW).expect(200);
    app.reset(&link, PASSWORD)
        .expect_problem(422, "token_invalid");
}

#[test]
fn the_password_cannot_be_changed_without_the_current_one() {
    let app = TestApp::start();
    let ada = app.browser(ADA);
    for wrong in ["not the password", "", "correct horse battery stapl"] {
        change(&app, &ada, wrong, NEW).expect_invalid("current", "wrong_password");
    }
    app.sign_in(ADA, PASSWORD).expect(200);
    let body = json!({"current": PASSWORD, "new": NEW});
    app.send("POST", "/me/password", &[], Some(&body))
        .expect_problem(401, "unauthenticated");
}
