//! The mailed link: it works once, for a day, and lifts no block.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::account_tokens;
use serde_json::json;

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;

const ADA: &str = "ada@example.org";

#[test]
fn a_link_works_once() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    let token = app.mailed_token(ADA);
    app.confirm(&token).expect(204);
    for invalid in [token.as_str(), "", "x", "token'; DROP TABLE users"] {
        app.confirm(invalid).expect_problem(422, "token_invalid");
    }
}

#[test]
fn of_fifty_parallel_requests_one_uses_the_link() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    let token = app.mailed_token(ADA);
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
fn a_link_is_valid_for_24_hours() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    let (early, late) = (app.mailed_token(ADA), app.mailed_token(ADA));
    app.wait(TimeDelta::hours(24) - TimeDelta::seconds(1));
    app.confirm(&early).expect(204);
    app.wait(TimeDelta::seconds(1));
    app.confirm(&late).expect_problem(422, "token_invalid");
}

#[test]
fn only_the_hash_of_a_link_is_stored() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    let token = app.mailed_token(ADA);
    let kept: Vec<u8> = account_tokens::table
        .select(account_tokens::token_hash)
        .first(&mut app.sql())
        .unwrap();
    assert_eq!(
        (token.len(), kept.len()),
        (43 + 22, 32),
        "256 bits each, and a MAC of 128"
    );
    assert!(
        !kept
            .windows(8)
            .any(|part| token.as_bytes().starts_with(part))
    );
}

#[test]
fn a_link_does_not_unblock_a_user() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    let token = app.mailed_token(ADA);
    app.sql()
        .batch_execute("UPDATE users SET blocked_at = now(), block_reason = 'spam'")
        .unwrap();
    app.confirm(&token).expect(204);
    app.sign_up(ADA).expect(202);
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
}

#[test]
fn a_link_confirms_only_the_password_with_which_it_was_requested() {
    let app = TestApp::start();
    let email = "alice@example.org";
    app.sign_up(email).expect(202);
    let own_link = app.mailed_token(email);
    let stranger = json!({"email": email, "password": "the password of a stranger"});
    app.call("/auth/sign-up", &stranger).expect(202);
    app.confirm(&own_link).expect(204);
    app.sign_in(email, PASSWORD).expect(200);
    app.sign_in(email, "the password of a stranger")
        .expect_problem(401, "invalid_credentials");
}
