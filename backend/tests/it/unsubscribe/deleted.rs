//! Links of mails whose recipient, message, mailing, run or owner has been deleted: the mail is still in a mailbox.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::connection::SimpleConnection;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{daily, look, mail_to, mailed, one_click, suppressed, token};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

/// As described in `operations.md`, for a run of any age.
const PURGE: &str = "DELETE FROM attempts; DELETE FROM deliveries";

fn subscribe_again(app: &TestApp, token: &str) -> Answer {
    app.send("DELETE", &format!("/unsubscribe/{token}"), &[], None)
}

fn letter(app: &TestApp, token: &str) -> Answer {
    app.send("GET", &format!("/letters/{token}"), &[], None)
}

/// The token of this mail in the form used before tokens contained the address.
fn old_token(app: &TestApp, token: &str) -> String {
    let ids = &URL_SAFE_NO_PAD.decode(token).unwrap()[..16];
    let key = app.services.config.secrets.message_id;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(ids);
    let digest = mac.finalize().into_bytes();
    URL_SAFE_NO_PAD.encode([ids, &digest[10..26]].concat())
}

#[test]
fn a_link_works_whatever_has_been_deleted_since() {
    let runs = format!("{PURGE}; DELETE FROM runs");
    let everything =
        format!("{runs}; DELETE FROM mailings; DELETE FROM messages; DELETE FROM recipients");
    for (deletion, keeps_mail) in [
        ("DELETE FROM recipients", true),
        ("DELETE FROM mailings", true),
        ("DELETE FROM mailings; DELETE FROM messages", true),
        ("UPDATE users SET blocked_at = now()", true),
        (PURGE, false),
        (&runs, false),
        (&everything, false),
    ] {
        let server = ScriptedServer::start();
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        let mailing = daily(&app, &alice, &["bob@example.org"]);
        app.tick();
        let run = app.last_run(&alice, mailing)["id"].clone();
        let token = token(&mail_to(&server, "bob@example.org"));
        app.sql().batch_execute(deletion).unwrap();

        let seen = look(&app, &token).expect(200);
        let state = ["email", "suppressed", "sender_deleted"].map(|field| seen[field].clone());
        let expected = [json!("bob@example.org"), json!(false), json!(false)];
        assert_eq!(state, expected, "{deletion}");
        for _ in 0..2 {
            one_click(&app, &token).expect(204);
        }
        let is_suppressed = |app: &TestApp| look(app, &token).expect(200)["suppressed"].clone();
        assert_eq!(is_suppressed(&app), true, "{deletion}");
        if !deletion.contains("blocked_at") {
            let listed = suppressed(&app, &alice);
            let found = ["email", "reason", "run_id"].map(|field| listed[0][field].clone());
            let expected = [json!("bob@example.org"), json!("unsubscribed"), run];
            assert_eq!((found, listed.len()), (expected, 1), "{deletion}");
        }
        subscribe_again(&app, &token).expect(204);
        assert_eq!(is_suppressed(&app), false, "{deletion}");
        if !keeps_mail {
            letter(&app, &token).expect_problem(410, "mail_not_kept");
        }
    }
}

#[test]
fn who_unsubscribes_after_everything_is_deleted_is_not_mailed_when_entered_again() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let everything =
        format!("{PURGE}; DELETE FROM runs; DELETE FROM mailings; DELETE FROM recipients");
    app.sql().batch_execute(&everything).unwrap();
    one_click(&app, &token).expect(204);
    daily(&app, &alice, &["Bob@example.org", "carol@example.org"]);
    app.tick();
    assert_eq!(mailed(&server, 1), ["carol@example.org"]);
}

#[test]
fn the_link_of_a_deleted_account_says_that_it_sends_nothing_any_more() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    daily(&app, &app.alice(), &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    app.sql()
        .batch_execute("DELETE FROM mailings; DELETE FROM users")
        .unwrap();
    for _ in 0..2 {
        let seen = json!({"email": "bob@example.org", "sender": null, "sender_deleted": true, "suppressed": true, "may_subscribe_again": false});
        assert_eq!(look(&app, &token).expect(200), seen);
        one_click(&app, &token).expect(204);
        subscribe_again(&app, &token).expect_problem(409, "sender_deleted");
    }
    letter(&app, &token).expect_problem(410, "mail_not_kept");
}

#[test]
fn a_link_of_before_tokens_carried_the_address_works_while_run_or_recipient_is_kept() {
    for (deletion, works) in [
        ("DELETE FROM recipients", true),
        (PURGE, true),
        ("DELETE FROM deliveries; DELETE FROM runs", true),
        ("DELETE FROM deliveries; DELETE FROM recipients", false),
    ] {
        let server = ScriptedServer::start();
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        daily(&app, &alice, &["bob@example.org"]);
        app.tick();
        let token = old_token(&app, &token(&mail_to(&server, "bob@example.org")));
        letter(&app, &token).expect(200);
        app.sql().batch_execute(deletion).unwrap();
        if works {
            assert_eq!(look(&app, &token).expect(200)["email"], "bob@example.org");
            one_click(&app, &token).expect(204);
            assert_eq!(suppressed(&app, &alice).len(), 1, "{deletion}");
            subscribe_again(&app, &token).expect(204);
        } else {
            look(&app, &token).expect_problem(404, "not_found");
            one_click(&app, &token).expect_problem(404, "not_found");
        }
        assert_eq!(suppressed(&app, &alice), Vec::<Value>::new(), "{deletion}");
    }
}
