//! Template errors are rejected with their position and a suggestion; what an editor has changed is corrected or
//! rejected, never mailed broken.

use diesel::connection::SimpleConnection;
use diesel_migrations::MigrationHarness as _;
use mail_parser::MessageParser;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Mail, ScriptedServer};
use crate::support::tables::{migrations, take_back_last};
use crate::unsubscribe::{SITE, mail_to, token};

/// The same request as a new message, as an update and as a preview.
fn everywhere(app: &TestApp, owner: &Person, message: &Value) -> Vec<Value> {
    let stored = app.message(owner);
    let path = format!("/messages/{stored}");
    [
        app.post(owner, "/messages", message),
        app.patch(owner, &path, message),
        app.post(owner, "/messages/preview", message),
    ]
    .into_iter()
    .map(|answer| match answer.status {
        422 => answer.expect_problem(422, "validation_failed"),
        status => answer.expect(status),
    })
    .collect()
}

/// Mails this message to Bob, with this name.
fn mailed(app: &TestApp, owner: &Person, message: &Value, full_name: &str) {
    let bob = json!({"email": "bob@example.org", "full_name": full_name});
    app.post(owner, "/recipients", &bob).expect(201);
    let message = app.post(owner, "/messages", message).id();
    app.mailing(owner, &json!({"message_id": message}));
    app.tick();
}

fn bodies(mail: &Mail) -> (String, String) {
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    let text = |body: Option<std::borrow::Cow<'_, str>>| {
        body.unwrap_or_default().trim_end().replace("\r\n", "\n")
    };
    (text(parsed.body_html(0)), text(parsed.body_text(0)))
}

#[test]
fn a_mistake_names_its_field_place_and_what_was_meant_in_the_preview_too() {
    let app = TestApp::start();
    let alice = app.alice();
    for field in ["subject", "html", "text"] {
        let mut message = json!({"subject": "x", "html": "<p>x", "text": "x"});
        message[field] = json!("Dear {{ first_name }},");
        for problem in everywhere(&app, &alice, &message) {
            let wrong = &problem["fields"][0];
            assert_eq!(
                (&wrong["field"], &wrong["code"]),
                (&json!(field), &json!("invalid_template"))
            );
            let said =
                "Line 1, column 9: There is no {{ first_name }}; did you mean {{ full_name }}?";
            assert_eq!(wrong["message"], said);
            let details = json!({"kind": "unknown_placeholder", "line": 1, "column": 9, "found": "first_name", "suggestion": "full_name"});
            assert_eq!(wrong["template"], details);
        }
    }
}

#[test]
fn what_looks_like_another_programs_placeholder_is_warned_of_and_mailed_as_it_is() {
    let app = TestApp::start();
    let alice = app.alice();
    let message =
        json!({"subject": "Hi { full_name }", "html": "<p>*|FNAME|*,\n%email%", "text": "[name]"});
    for answer in everywhere(&app, &alice, &message) {
        let warnings = answer["warnings"].as_array().unwrap();
        let seen: Vec<_> = warnings
            .iter()
            .map(|warning| {
                assert_eq!(warning["code"], "suspicious_template");
                let place = &warning["template"];
                json!([
                    warning["field"],
                    place["line"],
                    place["column"],
                    place["suggestion"]
                ])
            })
            .collect();
        let expected = [
            json!(["subject", 1, 4, "full_name"]),
            json!(["html", 1, 4, "full_name"]),
            json!(["html", 2, 1, "email"]),
            json!(["text", 1, 1, "full_name"]),
        ];
        assert_eq!(seen, expected);
        assert_eq!(answer["text"], "[name]");
    }
}

#[test]
fn links_that_an_editor_has_changed_work_in_the_mail() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let html = "<a href=\"http://{{ unsubscribe_url }}\">a</a><a href='%7B%7B%20unsubscribe_url%20%7D%7D'>b</a>\
                <a href='{{%20view_url%20}}'>c</a>";
    let message = json!({"subject": "x", "html": html, "text": "http://{{ unsubscribe_url }}"});
    mailed(&app, &app.alice(), &message, "Bob");
    let mail = mail_to(&server, "bob@example.org");
    let (html, text) = bodies(&mail);
    let token = token(&mail);
    let link = format!("{SITE}/unsubscribe#{token}");
    assert_eq!(
        html.matches(&format!("{link}\"")).count() + html.matches(&format!("{link}'")).count(),
        2,
        "{html}"
    );
    assert!(
        html.contains(&format!("href='{SITE}/letter#{token}'")),
        "{html}"
    );
    assert_eq!(text, link);
}

#[test]
fn a_name_in_a_links_query_is_percent_encoded_once() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let html = "<a href=\"https://a.example/?n={{ full_name }}&amp;e={{ email | urlencode }}\">{{ full_name }}</a>";
    mailed(
        &app,
        &app.alice(),
        &json!({"subject": "x", "html": html}),
        "Ann & Бо?#=",
    );
    let mail = mail_to(&server, "bob@example.org");
    let address = "https://a.example/?n=Ann%20%26%20%D0%91%D0%BE%3F%23%3D&amp;e=bob%40example.org";
    let (html, text) = bodies(&mail);
    assert_eq!(html, format!("<a href=\"{address}\">Ann &amp; Бо?#=</a>"));
    assert_eq!(
        text,
        format!("Ann & Бо?#= ({})", address.replace("&amp;", "&"))
    );
}

#[test]
fn a_name_in_the_query_of_a_link_in_a_text_is_percent_encoded() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let text = "Dear {{ full_name }}: https://a.example/?n={{ full_name }} now";
    let message = json!({"subject": "x", "text": text});
    mailed(&app, &app.alice(), &message, "Ann & Бо");
    let mail = mail_to(&server, "bob@example.org");
    assert_eq!(
        bodies(&mail).1,
        "Dear Ann & Бо: https://a.example/?n=Ann%20%26%20%D0%91%D0%BE now"
    );
}

#[test]
fn a_subject_that_is_empty_for_somebody_is_said_so_and_has_a_fallback() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let message = json!({"subject": "{{ full_name }}", "text": "x"});
    let alice = app.alice();
    mailed(&app, &alice, &message, "");
    let mail = mail_to(&server, "bob@example.org");
    assert_eq!(mail.header("Subject"), "(no subject)");
    let warned = app.post(&alice, "/messages", &message).expect(201);
    assert_eq!(warned["warnings"][0]["template"]["kind"], "empty_subject");
    let found = app.get(&alice, "/recipients").expect(200);
    let mut draft = message;
    draft["recipient_id"] = found["items"][0]["id"].clone();
    let seen = app.post(&alice, "/messages/preview", &draft).expect(200);
    assert_eq!(seen["subject"], "(no subject)");
    assert_eq!(seen["warnings"][0]["field"], "subject");
}

#[test]
fn style_sheets_are_mailed_as_they_are_and_another_charset_is_not_named() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let style = "<style>@media print {#a{color:red}#b{color:blue}}</style>";
    let html = format!("<meta charset=\"windows-1251\">{style}<p>Привет, {{{{ full_name }}}}</p>");
    let preheader = format!(
        "<div style=\"display:none\">Скоро{}</div>",
        "&#847;&zwnj;&nbsp;".repeat(50)
    );
    let message = json!({"subject": "x {# y", "html": format!("{html}{preheader}")});
    mailed(&app, &app.alice(), &message, "Боб");
    let mail = mail_to(&server, "bob@example.org");
    let (html, text) = bodies(&mail);
    assert!(
        html.starts_with(&format!("{style}<p>Привет, Боб</p>")),
        "{html}"
    );
    assert_eq!(text, "Привет, Боб");
    assert_eq!(mail.header("Subject"), "x {# y");
}

#[test]
fn a_message_stored_before_is_mailed_as_ever_without_its_comments() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let message = app.message(&alice);
    app.mailing(&alice, &json!({"message_id": message}));
    let path = format!("/messages/{message}/preview");
    let mut conn = app.sql();
    while take_back_last(&mut conn) != "20261129000240" {}
    let html = "a{# for us\nonly #}b {#- c -#} d<style>i {#e{} #f{}}</style><a href=\"https://x.example/{{ view_url }}\">g</a>";
    conn.batch_execute(&format!(
        "UPDATE messages SET html = '{html}', text = '{{# only #}}'"
    ))
    .unwrap();
    conn.run_pending_migrations(migrations())
        .expect("all of them apply");
    let seen = app.post(&alice, &path, &json!({})).expect(200);
    assert!(
        seen["html"]
            .as_str()
            .unwrap()
            .starts_with("abd<style>i {#e{} #f{}}</style>"),
        "{seen}"
    );
    assert_eq!(seen["warnings"][0]["template"]["kind"], "dead_link");
    app.tick();
    let (html, _) = bodies(&mail_to(&server, "bob@example.org"));
    assert!(html.starts_with("abd<style>"), "{html}");
}
