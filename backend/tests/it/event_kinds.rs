//! The events recorded for accounts, readers and uploads, and what events never contain.

use std::io::Cursor;

use chrono::TimeDelta;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};
use crate::unsubscribe::{mail_to, token};

const ADA: &str = "ada@example.org";

/// Kind, subject and details of the events after the first `known`, the oldest first.
fn recorded(app: &TestApp, staff: &Person, kinds: &[&str]) -> Vec<(String, String, String)> {
    let events = app.get(staff, "/events?limit=200").expect(200);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = events["items"].as_array().unwrap().iter().rev();
    events
        .map(|event| {
            (
                text(&event["kind"]),
                text(&event["subject"]["name"]),
                text(&event["details"]),
            )
        })
        .filter(|(kind, ..)| kinds.contains(&kind.as_str()))
        .collect()
}

fn entry(kind: &str, subject: &str, details: &str) -> (String, String, String) {
    (kind.to_owned(), subject.to_owned(), details.to_owned())
}

fn png() -> Vec<u8> {
    let picture: DynamicImage = RgbImage::new(8, 8).into();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[test]
fn a_changed_profile_is_recorded_with_its_fields_and_without_their_values() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let changes = json!({"full_name": "canary", "phone": "+7 canary", "language": "en"});
    for _ in 0..2 {
        app.patch(&alice, "/me", &changes).expect(200);
    }
    app.patch(&alice, "/me", &json!({"phone": null}))
        .expect(200);
    assert_eq!(
        recorded(&app, &manager, &["profile_changed"]),
        [
            entry("profile_changed", "", "full_name, phone"),
            entry("profile_changed", "", "phone")
        ]
    );
}

#[test]
fn uploads_and_removals_of_pictures_are_recorded() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let upload = |person: &Person, method: &str, path: &str| {
        let headers = [person.bearer(), ("content-type", "image/png".to_owned())];
        app.send_bytes(method, path, &headers, &png())
    };
    upload(&alice, "PUT", "/me/avatar").expect(200);
    for _ in 0..2 {
        app.delete(&alice, "/me/avatar").expect(204);
    }
    let image = upload(&manager, "POST", "/images").expect(201);
    let name = image["url"].as_str().unwrap().rsplit('/').next().unwrap();
    let kinds = ["avatar_changed", "avatar_removed", "image_uploaded"];
    assert_eq!(
        recorded(&app, &manager, &kinds),
        [
            entry("avatar_changed", "", ""),
            entry("avatar_removed", "", ""),
            entry("image_uploaded", "", name)
        ]
    );
}

#[test]
fn a_password_reset_request_is_recorded_only_for_registered_addresses() {
    let app = TestApp::start();
    let manager = app.manager();
    app.account(ADA);
    for email in ["Ada@example.org", "nobody@example.org"] {
        app.forgot(email).expect(202);
    }
    assert_eq!(
        recorded(&app, &manager, &["password_reset_requested"]),
        [entry("password_reset_requested", ADA, "")]
    );
}

#[test]
fn an_email_change_request_is_recorded_with_the_address_and_without_the_password() {
    let app = TestApp::start();
    let manager = app.manager();
    let browser = app.browser(ADA);
    let wanted = json!({"email": "ada@example.net", "password": PASSWORD});
    app.ask(&browser, "POST", "/me/email", &wanted).expect(202);
    assert_eq!(
        recorded(&app, &manager, &["email_change_requested"]),
        [entry("email_change_requested", "", "ada@example.net")]
    );
}

#[test]
fn suppressions_are_recorded_when_they_are_added_and_lifted_and_never_twice() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    let new = json!({"email": "bob@example.org"});
    let id = app.post(&alice, "/suppressions", &new).id();
    app.post(&alice, "/suppressions", &new)
        .expect_problem(409, "already_suppressed");
    app.delete(&alice, &format!("/suppressions/{id}"))
        .expect(204);
    app.delete(&alice, &format!("/suppressions/{id}"))
        .expect_problem(404, "not_found");
    let kinds = ["suppression_added", "suppression_lifted"];
    assert_eq!(
        recorded(&app, &manager, &kinds),
        kinds.map(|kind| entry(kind, "bob@example.org", ""))
    );
}

#[test]
fn a_suppression_that_refusals_have_taught_is_recorded_once_as_of_the_service_with_the_owner() {
    let server =
        ScriptedServer::start().on("bob@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({"recurrence": "daily"}));
    for _ in 0..4 {
        app.tick();
        app.wait(TimeDelta::days(1));
    }
    assert_eq!(
        recorded(&app, &manager, &["suppression_added"]),
        [entry("suppression_added", "bob@example.org", &alice.email)]
    );
}

#[test]
fn a_reader_who_unsubscribes_and_subscribes_again_is_recorded_with_the_owner_and_no_token() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({}));
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let path = format!("/unsubscribe/{token}");
    for method in ["POST", "POST", "DELETE", "DELETE"] {
        app.send(method, &path, &[], None).expect(204);
    }
    let kinds = ["unsubscribed", "subscribed_again"];
    assert_eq!(
        recorded(&app, &manager, &kinds),
        kinds.map(|kind| entry(kind, "bob@example.org", &alice.email))
    );
    let journal = app.get(&manager, "/events?limit=200");
    assert!(!String::from_utf8_lossy(&journal.bytes).contains(&token));
}
