//! What a message looks like to somebody, and how it arrives.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::account_mails;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::people::Person;

fn news(app: &TestApp, owner: &Person) -> i64 {
    app.post(
        owner,
        "/messages",
        &json!({"subject": "News for {{ full_name }}", "html": "<p>Hi {{ full_name }} &lt;{{ email }}&gt;</p>"}),
    )
    .id()
}

/// What waits to be mailed as a test: to whom, and which message.
fn waiting_tests(app: &TestApp) -> Vec<(String, Option<i64>)> {
    account_mails::table
        .filter(account_mails::kind.eq("test"))
        .filter(account_mails::next_attempt_at.eq(app.now()))
        .order(account_mails::id)
        .select((account_mails::to_email, account_mails::message_id))
        .load(&mut app.sql())
        .expect("the queue")
}

#[test]
fn a_preview_is_what_the_chosen_recipient_will_get() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let anna = app
        .post(
            &alice,
            "/recipients",
            &json!({"email": "anna@example.org", "full_name": "Анна & Ко"}),
        )
        .id();
    let id = news(&app, &alice);
    let expected = json!({
        "subject": "News for Анна & Ко",
        "html": "<p>Hi Анна &amp; Ко &lt;anna@example.org&gt;</p>",
        "text": "Hi Анна & Ко <anna@example.org>",
        "warnings": [],
    });
    let path = format!("/messages/{id}/preview");
    assert_eq!(
        app.post(&alice, &path, &json!({"recipient_id": anna}))
            .expect(200),
        expected
    );
    let mut draft = json!({
        "subject": "News for {{ full_name }}",
        "html": "<p>Hi {{ full_name }} &lt;{{ email }}&gt;</p>",
        "recipient_id": anna,
    });
    assert_eq!(
        app.post(&alice, "/messages/preview", &draft).expect(200),
        expected
    );
    assert_eq!(
        app.post(&alice, &path, &json!({})).expect(200)["subject"],
        "News for Ada Lovelace"
    );

    let foreign = app
        .post(&bob, "/recipients", &json!({"email": "x@example.org"}))
        .id();
    for id in [foreign, -1, i64::MAX] {
        app.post(&alice, &path, &json!({"recipient_id": id}))
            .expect_invalid("recipient_id", "not_found");
        draft["recipient_id"] = json!(id);
        app.post(&alice, "/messages/preview", &draft)
            .expect_invalid("recipient_id", "not_found");
    }
    app.post(
        &alice,
        "/messages/preview",
        &json!({"subject": "{{ x }}", "text": "x"}),
    )
    .expect_invalid("subject", "invalid_template");
}

#[test]
fn a_test_goes_to_oneself_or_to_a_recipient_of_ones_own() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    app.post(&alice, "/recipients", &json!({"email": "Anna@example.org"}))
        .expect(201);
    app.post(&bob, "/recipients", &json!({"email": "friend@example.org"}))
        .expect(201);
    let id = news(&app, &alice);
    let path = format!("/messages/{id}/test");
    app.post(&alice, &path, &json!({})).expect(202);
    app.post(&alice, &path, &json!({"email": "ALICE@example.org"}))
        .expect(202);
    app.post(&alice, &path, &json!({"email": " anna@EXAMPLE.org "}))
        .expect(202);
    for email in ["friend@example.org", "bob@example.org", "nobody", "", "%"] {
        app.post(&alice, &path, &json!({"email": email}))
            .expect_invalid("email", "not_found");
    }
    let to = |email: &str| (email.to_owned(), Some(id));
    assert_eq!(
        waiting_tests(&app),
        [to(&alice.email), to(&alice.email), to("Anna@example.org")]
    );
}

#[test]
fn twenty_tests_may_wait_and_no_more() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    let path = format!("/messages/{}/test", news(&app, &alice));
    for _ in 0..20 {
        app.post(&alice, &path, &json!({})).expect(202);
    }
    let refused = app.post(&alice, &path, &json!({}));
    assert_eq!(refused.header("retry-after"), "60");
    refused.expect_problem(429, "too_many_requests");
    let path_of_bob = format!("/messages/{}/test", news(&app, &bob));
    app.post(&bob, &path_of_bob, &json!({})).expect(202);

    app.sql()
        .batch_execute("UPDATE account_mails SET next_attempt_at = NULL WHERE id = 1")
        .unwrap();
    app.post(&alice, &path, &json!({})).expect(202);
}
