//! Who may open an account: `SIGN_UP` is enforced everywhere, and responses do not reveal who is registered or
//! invited.

use diesel::prelude::*;
use dispatch::core::db::schema::{account_mails, users};
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;

fn app_with(policy: &str) -> TestApp {
    TestApp::start_with(&[("SMTP_URL", "smtp://127.0.0.1:9"), ("SIGN_UP", policy)])
}

fn accounts(app: &TestApp) -> Vec<String> {
    users::table
        .order(users::id)
        .select(users::email)
        .load(&mut app.sql())
        .unwrap()
}

fn mails(app: &TestApp) -> Vec<(String, String)> {
    account_mails::table
        .order(account_mails::id)
        .select((account_mails::kind, account_mails::to_email))
        .load(&mut app.sql())
        .unwrap()
}

fn site(app: &TestApp) -> Value {
    app.send("GET", "/site", &[], None).expect(200)
}

#[test]
fn closed_sign_up_is_refused_for_every_address_with_its_own_code() {
    let app = app_with("closed");
    app.person("known@example.org", "user");
    let admin = app.person("admin@example.org", "admin");
    let refusals = ["known@example.org", "stranger@example.org"].map(|email| {
        let refused = app.sign_up(email);
        let mut body = refused.expect_problem(403, "sign_up_closed");
        body["request_id"].take();
        body
    });
    assert_eq!(refusals[0], refusals[1]);
    let with_token =
        json!({"email": "stranger@example.org", "password": PASSWORD, "invitation": "x"});
    app.call("/auth/sign-up", &with_token)
        .expect_problem(403, "sign_up_closed");
    app.post(
        &admin,
        "/invitations",
        &json!({"email": "stranger@example.org"}),
    )
    .expect_problem(403, "sign_up_closed");
    assert_eq!(accounts(&app).len(), 2);
    assert_eq!(mails(&app), []);
    assert_eq!(
        site(&app),
        json!({"sign_up": "closed", "sign_up_domains": []})
    );
}

#[test]
fn sign_up_for_a_domain_accepts_its_addresses_and_rejects_others_with_the_field() {
    let app = app_with("domains:example.org,*.example.net");
    app.person("known@elsewhere.example", "user");
    for email in ["ann@Example.org", "bob@mail.example.net"] {
        app.sign_up(email).expect(202);
    }
    for email in [
        "known@elsewhere.example",
        "stranger@elsewhere.example",
        "ann@sub.example.org",
        "ann@example.net",
        "ann@example.org.elsewhere.example",
    ] {
        app.sign_up(email)
            .expect_invalid("email", "domain_not_allowed");
    }
    let expected = ["known@elsewhere.example", "ann@", "bob@"];
    let stored = accounts(&app);
    assert!(
        stored.len() == 3
            && expected
                .iter()
                .zip(&stored)
                .all(|(begins, email)| email.starts_with(begins)),
        "{stored:?}"
    );
    assert_eq!(
        site(&app),
        json!({"sign_up": "domains", "sign_up_domains": ["example.org", "*.example.net"]})
    );
}

#[test]
fn sign_up_by_invitation_does_not_reveal_who_is_registered_or_invited() {
    let app = app_with("invited");
    app.person("known@example.org", "user");
    let admin = app.person("admin@example.org", "admin");
    app.post(
        &admin,
        "/invitations",
        &json!({"email": "invited@example.org"}),
    )
    .expect(201);
    app.drop_mails();
    let answers = ["known", "invited", "stranger"].map(|name| {
        let answer = app.sign_up(&format!("{name}@example.org"));
        (answer.status, answer.bytes)
    });
    assert!(answers.iter().all(|answer| *answer == (202, Vec::new())));
    assert_eq!(accounts(&app).len(), 2);
    let invitation = ("invitation".to_owned(), "invited@example.org".to_owned());
    assert_eq!(mails(&app), [invitation]);
    assert_eq!(site(&app)["sign_up"], "invited");
}

#[test]
fn sign_up_is_open_in_development() {
    let app = TestApp::start();
    assert_eq!(site(&app)["sign_up"], "open");
    app.sign_up("ann@example.org").expect(202);
}
