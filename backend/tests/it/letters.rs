//! A letter in a browser is what its reader got by mail, and nobody else sees it.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Mail, Rule, ScriptedServer};
use crate::unsubscribe::{SITE, mail_to, token};

const HTML: &str = "<h1>Hello, {{ full_name | default('friend', true) }}!</h1><p>To {{ email }}</p>\
    <a href=\"{{ view_url }}\">In a browser</a> <a href=\"{{ unsubscribe_url }}\">No more</a>";

/// What the page asks for.
fn letter(app: &TestApp, token: &str) -> Answer {
    app.send("GET", &format!("/letters/{token}"), &[], None)
}

/// A mailing of this message to all of the owner's recipients.
fn mailing_of(app: &TestApp, owner: &Person, message: &Value) -> i64 {
    let message = app.post(owner, "/messages", message).id();
    app.mailing(owner, &json!({"message_id": message}))
}

/// Sends one mail to Bob, and gives it with its mailing.
fn mailed_to_bob(app: &TestApp, server: &ScriptedServer, owner: &Person) -> (Mail, i64) {
    app.recipient(owner, "bob@example.org");
    let message = json!({"subject": "News for {{ full_name }}", "html": HTML});
    let mailing = mailing_of(app, owner, &message);
    app.tick();
    (mail_to(server, "bob@example.org"), mailing)
}

#[test]
fn a_letter_is_in_a_browser_what_it_is_in_the_mail_whatever_has_changed_since() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let recipient = app.recipient(&alice, "bob@example.org");
    let message = json!({"subject": "News for {{ full_name }}", "html": HTML});
    let message = app.post(&alice, "/messages", &message).id();
    app.mailing(&alice, &json!({"message_id": message}));
    let sent_at = app.now();
    app.tick();
    app.wait(TimeDelta::days(1));
    let changes = json!({"subject": "Something else", "html": "<p>other"});
    app.patch(&alice, &format!("/messages/{message}"), &changes)
        .expect(200);
    let changes = json!({"email": "robert@example.org", "full_name": "Robert"});
    app.patch(&alice, &format!("/recipients/{recipient}"), &changes)
        .expect(200);

    let mail = mail_to(&server, "bob@example.org");
    let token = token(&mail);
    let answer = letter(&app, &token);
    assert_eq!(answer.header("cache-control"), "no-store");
    let seen = answer.expect(200);
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    let text = parsed.body_text(0).unwrap().replace("\r\n", "\n");
    assert_eq!(
        seen,
        json!({
            "email": "bob@example.org",
            "sender": "Dispatch <no-reply@dispatch.localhost>",
            "subject": "News for Ada",
            "html": parsed.body_html(0).unwrap().trim_end(),
            "text": text.trim_end(),
            "sent_at": sent_at,
        })
    );
    let html = seen["html"].as_str().unwrap();
    for page in ["letter", "unsubscribe"] {
        let link = format!("<a href=\"{SITE}/{page}#{token}\">");
        assert!(html.contains(&link), "{html}");
    }
}

#[test]
fn a_preview_shows_examples_of_the_links() {
    let app = TestApp::start();
    let alice = app.alice();
    let draft = json!({"subject": "x", "html": "{{ view_url }} {{ unsubscribe_url }}"});
    let preview = app.post(&alice, "/messages/preview", &draft).expect(200);
    let examples = format!("{SITE}/letter#example {SITE}/unsubscribe#example");
    assert_eq!(preview["html"], examples);
}

#[test]
fn a_letter_in_plain_text_is_one_in_a_browser_too() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let message = json!({"subject": "News", "text": "Dear {{ full_name }},\n{{ view_url }}"});
    mailing_of(&app, &alice, &message);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let seen = letter(&app, &token).expect(200);
    let text = format!("Dear Ada,\n{SITE}/letter#{token}");
    assert_eq!((&seen["html"], &seen["text"]), (&json!(""), &json!(text)));
}

#[test]
fn a_letter_was_sent_when_the_mail_server_took_it() {
    let server = ScriptedServer::start().once("*", Rule::refuse(450, "4.2.0 later"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({}));
    app.tick();
    app.wait(TimeDelta::minutes(10));
    let taken_at = json!(app.now());
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    assert_eq!(letter(&app, &token).expect(200)["sent_at"], taken_at);
}

#[test]
fn a_reader_who_is_faster_than_the_record_sees_the_letter() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (mail, _) = mailed_to_bob(&app, &server, &app.alice());
    let unrecorded =
        "DELETE FROM attempts; UPDATE deliveries SET status = 'pending', attempts = 0;";
    app.sql().batch_execute(unrecorded).unwrap();
    let seen = letter(&app, &token(&mail)).expect(200);
    assert_eq!(
        (&seen["subject"], &seen["sent_at"]),
        (&json!("News for Ada"), &Value::Null)
    );
}

#[test]
fn a_letter_outlives_its_mailing_and_its_recipient_but_not_its_owner() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    let (mail, mailing) = mailed_to_bob(&app, &server, &alice);
    let token = token(&mail);
    app.delete(&alice, &format!("/mailings/{mailing}"))
        .expect(204);
    let found = app.get(&alice, "/recipients").expect(200);
    app.delete(&alice, &format!("/recipients/{}", found["items"][0]["id"]))
        .expect(204);
    // Whose server the mailing had, nobody knows any more.
    assert_eq!(letter(&app, &token).expect(200)["sender"], Value::Null);

    let reason = json!({"reason": "phishing"});
    app.post(&manager, &format!("/users/{}/block", alice.id), &reason)
        .expect(204);
    letter(&app, &token).expect_problem(404, "not_found");
    // They may still say that they want no more of it.
    app.send("POST", &format!("/unsubscribe/{token}"), &[], None)
        .expect(204);
    app.post(
        &manager,
        &format!("/users/{}/unblock", alice.id),
        &json!({}),
    )
    .expect(204);
    letter(&app, &token).expect(200);
    app.sql()
        .batch_execute("DELETE FROM mailings; DELETE FROM users")
        .unwrap();
    letter(&app, &token).expect_problem(410, "mail_not_kept");
}

#[test]
fn a_token_that_is_not_ours_shows_nothing() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (mail, _) = mailed_to_bob(&app, &server, &app.alice());
    let token = token(&mail);
    let tampered = (0..token.len()).step_by(6).map(|at| {
        let other = if token[at..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    });
    let odd = ["example", "", "%00", "%ff", "1"].map(ToOwned::to_owned);
    for bad in tampered.chain(odd).chain([format!("{token}A")]) {
        letter(&app, &bad).expect_problem(404, "not_found");
    }
    // Nor does the token of another installation, whose ids are the same.
    let settings = [
        ("SMTP_URL", server.url()),
        (
            "APP_SECRET",
            "another secret, of enough characters".to_owned(),
        ),
    ];
    let other = TestApp::start_with(&settings.each_ref().map(|(name, value)| (*name, &**value)));
    let (theirs, _) = mailed_to_bob(&other, &server, &other.alice());
    let theirs = crate::unsubscribe::token(&theirs);
    assert_eq!(theirs[..20], token[..20], "the same run and recipient");
    letter(&app, &theirs).expect_problem(404, "not_found");
    letter(&other, &theirs).expect(200);
}

#[test]
fn a_letter_through_an_owners_own_server_names_its_sender() {
    let (installation, own) = (
        ScriptedServer::start(),
        ScriptedServer::setup()
            .offering("AUTH PLAIN")
            .knowing("me@example.org", "pässword 1")
            .start(),
    );
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let server = app.own_server(&alice, &own, &json!({}));
    app.mailing(&alice, &json!({"smtp_server_id": server}));
    app.tick();
    let token = token(&mail_to(&own, "bob@example.org"));
    for path in ["letters", "unsubscribe"] {
        let seen = app.send("GET", &format!("/{path}/{token}"), &[], None);
        let sender = "Own Sender <own@sender.example>";
        assert_eq!(seen.expect(200)["sender"], sender, "{path}");
    }
}
