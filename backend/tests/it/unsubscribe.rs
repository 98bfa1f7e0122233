//! Readers who want no more mail (RFC 8058): by the header's link, as mail providers do, and by the page's.

mod again;
mod deleted;
mod requests;
mod runs;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Mail, ScriptedServer};

/// As the test's settings have it.
pub(crate) const SITE: &str = "http://127.0.0.1:0";

/// The token of a mail's header, if the header is as RFC 8058 demands.
pub(crate) fn token(mail: &Mail) -> String {
    assert_eq!(
        mail.header("List-Unsubscribe-Post"),
        "List-Unsubscribe=One-Click"
    );
    let link = mail.header("List-Unsubscribe");
    let link = link
        .strip_prefix('<')
        .and_then(|link| link.strip_suffix('>'));
    let token = link.and_then(|link| link.strip_prefix(&format!("{SITE}/api/v1/unsubscribe/")));
    token.expect("one link").to_owned()
}

/// What a mail provider sends when its user clicks: no cookie, no origin, no JSON.
fn one_click(app: &TestApp, token: &str) -> Answer {
    let form = "application/x-www-form-urlencoded".to_owned();
    app.send_text(
        "POST",
        &format!("/unsubscribe/{token}"),
        &[("content-type", form)],
        "List-Unsubscribe=One-Click",
    )
}

/// What the page asks first.
fn look(app: &TestApp, token: &str) -> Answer {
    app.send("GET", &format!("/unsubscribe/{token}"), &[], None)
}

fn suppressed(app: &TestApp, owner: &Person) -> Vec<Value> {
    let page = app.get(owner, "/suppressions").expect(200);
    page["items"].as_array().unwrap().clone()
}

/// The recipients of the mails that were taken since the first `known`.
fn mailed(server: &ScriptedServer, known: usize) -> Vec<String> {
    let mut to: Vec<_> = server.accepted().split_off(known);
    to.sort_by(|a, b| a.to.cmp(&b.to));
    to.into_iter().flat_map(|mail| mail.to).collect()
}

pub(crate) fn mail_to(server: &ScriptedServer, email: &str) -> Mail {
    let mut mails = server.accepted().into_iter();
    mails.rfind(|mail| mail.to == [email]).expect("a mail")
}

/// Every day a mail to these.
fn daily(app: &TestApp, owner: &Person, emails: &[&str]) -> i64 {
    for email in emails {
        app.recipient(owner, email);
    }
    app.mailing(owner, &json!({"recurrence": "daily"}))
}

#[test]
fn a_click_in_the_mail_program_ends_the_mails_and_says_why() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = daily(&app, &alice, &["Bob@example.org", "carol@example.org"]);
    app.tick();
    let (run, token) = (
        app.last_run(&alice, mailing)["id"].clone(),
        token(&mail_to(&server, "Bob@example.org")),
    );
    app.wait(TimeDelta::hours(1));
    let clicked_at = json!(app.now());
    let answer = one_click(&app, &token);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(204);
    app.wait(TimeDelta::hours(1));
    one_click(&app, &token).expect(204);
    let listed = suppressed(&app, &alice);
    assert_eq!(listed.len(), 1, "{listed:?}");
    let found = &listed[0];
    assert_eq!(
        (
            &found["email"],
            &found["reason"],
            &found["run_id"],
            &found["created_at"]
        ),
        (
            &json!("Bob@example.org"),
            &json!("unsubscribed"),
            &run,
            &clicked_at
        )
    );

    app.wait(TimeDelta::hours(22));
    app.tick();
    assert_eq!(mailed(&server, 2), ["carol@example.org"]);
    let last = app.last_run(&alice, mailing);
    let counts = &last["counts"];
    assert_eq!(
        (
            &counts["total"],
            &counts["accepted"],
            &counts["skipped"],
            &counts["pending"]
        ),
        (&json!(2), &json!(1), &json!(1), &json!(0))
    );
    assert_eq!(last["status"], "finished");
    let path = format!("/runs/{}/deliveries?status=skipped", last["id"]);
    let skipped = app.get(&alice, &path).expect(200);
    assert_eq!(skipped["items"][0]["recipient"]["email"], "Bob@example.org");
    assert_eq!(skipped["items"][0]["skip_reason"], "suppressed");

    app.delete(&alice, &format!("/suppressions/{}", found["id"]))
        .expect(204);
    app.wait(TimeDelta::days(1));
    app.tick();
    assert_eq!(mailed(&server, 3), ["Bob@example.org", "carol@example.org"]);
}

#[test]
fn a_look_at_the_link_changes_nothing() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let sender = "Dispatch <no-reply@dispatch.localhost>";
    let seen = |suppressed: bool| json!({"email": "bob@example.org", "sender": sender, "sender_deleted": false, "suppressed": suppressed, "may_subscribe_again": suppressed});
    assert_eq!(look(&app, &token).expect(200), seen(false));
    assert_eq!(look(&app, &token).expect(200), seen(false));
    assert_eq!(suppressed(&app, &alice), Vec::<Value>::new());
    one_click(&app, &token).expect(204);
    assert_eq!(look(&app, &token).expect(200), seen(true));
}

#[test]
fn the_readers_wish_outranks_what_the_owner_entered() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    app.post(
        &alice,
        "/suppressions",
        &json!({"email": "BOB@example.org"}),
    )
    .expect(201);
    let token = token(&mail_to(&server, "bob@example.org"));
    assert_eq!(look(&app, &token).expect(200)["suppressed"], true);
    one_click(&app, &token).expect(204);
    let listed = suppressed(&app, &alice);
    assert_eq!(
        (listed.len(), &listed[0]["reason"]),
        (1, &json!("unsubscribed"))
    );
}

#[test]
fn the_link_in_the_text_leads_to_the_page_with_the_same_token() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let message =
        json!({"subject": "News", "html": "<a href=\"{{ unsubscribe_url }}\">No more</a>"});
    let message = app.post(&alice, "/messages", &message).id();
    app.mailing(&alice, &json!({"message_id": message}));
    app.tick();
    let mail = mail_to(&server, "bob@example.org");
    let link = format!("{SITE}/unsubscribe#{}", token(&mail));
    assert!(
        mail.words().contains(&format!("href=\"{link}\"")),
        "{}",
        mail.words()
    );
    assert!(
        mail.words().contains(&format!("No more ({link})")),
        "{}",
        mail.words()
    );
    let preview = app
        .post(&alice, &format!("/messages/{message}/preview"), &json!({}))
        .expect(200);
    assert_eq!(
        preview["html"],
        format!("<a href=\"{SITE}/unsubscribe#example\">No more</a>")
    );
}
