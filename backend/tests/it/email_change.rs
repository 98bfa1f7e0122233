//! Another address: it counts once it is confirmed, and nobody learns whose an address is.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::smtp_server::{Mail, ScriptedServer};

const ADA: &str = "ada@example.org";
const NEW: &str = "Ada@example.net";

fn mail(kind: &str, to: &str) -> (String, String) {
    (kind.to_owned(), to.to_owned())
}

fn change(app: &TestApp, browser: &Browser, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    app.ask(browser, "POST", "/me/email", &body)
}

/// The token of the link that the last mail carries.
fn last_token(app: &TestApp, server: &ScriptedServer) -> String {
    app.send_account_mails();
    let mails = server.accepted();
    mails.last().expect("a mail").token_behind("confirm")
}

#[test]
fn an_account_has_its_new_address_once_the_link_sent_there_is_used() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    let answer = change(&app, &ada, &format!(" {NEW} "), PASSWORD);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(202);
    assert_eq!(app.waiting_mails(), [mail("confirm_email", NEW)]);
    let token = last_token(&app, &server);
    assert_eq!(app.me(&ada).expect(200)["email"], ADA);
    app.sign_in(NEW, PASSWORD)
        .expect_problem(401, "invalid_credentials");

    app.wait(TimeDelta::minutes(5));
    app.confirm(&token).expect(204);
    let ada = Browser::of(app.refresh(&ada.cookie));
    assert_eq!(app.me(&ada).expect(200)["email"], NEW);
    app.sign_in(NEW, PASSWORD).expect(200);
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
    app.confirm(&token).expect_problem(422, "token_invalid");

    app.send_account_mails();
    let mails = server.accepted();
    let told: Vec<_> = mails.iter().map(Mail::words).collect();
    assert_eq!(
        (mails[0].to[0].as_str(), mails[1].to[0].as_str()),
        (NEW, ADA)
    );
    assert!(told[0].contains("from then on"), "{}", told[0]);
    assert!(
        told[1].contains("another e-mail address now"),
        "{}",
        told[1]
    );
    assert_eq!(mails.len(), 2);
}

#[test]
fn a_link_to_a_new_address_is_valid_for_a_day_and_for_no_other_purpose() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    change(&app, &ada, NEW, PASSWORD).expect(202);
    let token = last_token(&app, &server);
    app.reset(&token, "a password that is new")
        .expect_problem(422, "token_invalid");
    app.wait(TimeDelta::hours(24));
    app.confirm(&token).expect_problem(422, "token_invalid");
    app.sign_in(ADA, PASSWORD).expect(200);
}

#[test]
fn only_the_latest_requested_address_can_be_confirmed() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    change(&app, &ada, "first@example.net", PASSWORD).expect(202);
    let first = last_token(&app, &server);
    change(&app, &ada, "second@example.net", PASSWORD).expect(202);
    change(&app, &ada, NEW, PASSWORD).expect(202);
    assert_eq!(app.waiting_mails(), [mail("confirm_email", NEW)]);
    app.confirm(&first).expect_problem(422, "token_invalid");
    app.confirm(&last_token(&app, &server)).expect(204);
    app.sign_in(NEW, PASSWORD).expect(200);
}

#[test]
fn a_registered_address_gets_the_same_response_and_its_owner_is_notified() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    app.account("bob@example.org");
    let ada = app.browser(ADA);
    app.drop_mails();
    let bobs = change(&app, &ada, "BOB@example.org", PASSWORD);
    let free = change(&app, &ada, NEW, PASSWORD);
    assert_eq!((bobs.status, &bobs.body), (free.status, &free.body));
    assert_eq!(
        app.waiting_mails(),
        [
            mail("already_registered", "bob@example.org"),
            mail("confirm_email", NEW)
        ]
    );
    // Somebody else takes the address before the link is used.
    let token = last_token(&app, &server);
    app.account(NEW);
    app.confirm(&token).expect_problem(422, "token_invalid");
    assert_eq!(app.me(&ada).expect(200)["email"], ADA);
}

#[test]
fn of_fifty_parallel_requests_one_changes_the_address() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    change(&app, &ada, NEW, PASSWORD).expect(202);
    let token = last_token(&app, &server);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| app.confirm(&token).status))
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
fn a_new_address_or_password_invalidates_earlier_links() {
    let server = ScriptedServer::start();
    let app = TestApp::mailing_through(&server);
    let ada = app.browser(ADA);
    app.drop_mails();
    change(&app, &ada, NEW, PASSWORD).expect(202);
    let move_away = last_token(&app, &server);
    let body = json!({"current": PASSWORD, "new": "a password that is new"});
    app.ask(&ada, "POST", "/me/password", &body).expect(204);
    app.confirm(&move_away).expect_problem(422, "token_invalid");

    change(&app, &ada, NEW, "a password that is new").expect(202);
    let move_away = last_token(&app, &server);
    let to_the_old_address = app.reset_token(ADA);
    app.confirm(&move_away).expect(204);
    app.reset(&to_the_old_address, PASSWORD)
        .expect_problem(422, "token_invalid");
}

#[test]
fn the_address_cannot_be_changed_without_the_password() {
    let app = TestApp::start();
    let ada = app.browser(ADA);
    app.drop_mails();
    change(&app, &ada, NEW, "not the password").expect_invalid("password", "wrong_password");
    change(&app, &ada, "nowhere", PASSWORD).expect_invalid("email", "invalid_email");
    let long = format!("{}@example.org", "a".repeat(250));
    change(&app, &ada, &long, PASSWORD).expect_invalid("email", "too_long");
    assert_eq!(app.waiting_mails(), []);
}
