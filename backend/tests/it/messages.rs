//! Messages.

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::people::Person;

fn news(app: &TestApp, owner: &Person) -> i64 {
    app.post(
        owner,
        "/messages",
        &json!({"subject": "News for {{ full_name }}", "html": "<p>Hi {{ full_name }}</p>"}),
    )
    .id()
}

#[test]
fn a_message_is_kept_changed_and_deleted() {
    let app = TestApp::start();
    let alice = app.alice();
    let added = app.post(
        &alice,
        "/messages",
        &json!({"subject": " Привет ", "text": "Hello"}),
    );
    let location = added.header("location").to_owned();
    let id = added.expect(201)["id"].as_i64().unwrap();
    assert_eq!(location, format!("/api/v1/messages/{id}"));
    let path = format!("/messages/{id}");

    let changed = app
        .patch(&alice, &path, &json!({"html": "<p>Hello</p>", "text": ""}))
        .expect(200);
    assert_eq!(
        (&changed["subject"], &changed["html"], &changed["text"]),
        (&json!("Привет"), &json!("<p>Hello</p>"), &json!(""))
    );
    app.delete(&alice, &path).expect(204);
    app.delete(&alice, &path).expect_problem(404, "not_found");
    app.get(&alice, &path).expect_problem(404, "not_found");
}

#[test]
fn a_mistake_is_named_by_its_field_and_nothing_is_stored() {
    let app = TestApp::start();
    let alice = app.alice();
    let large = "ж".repeat(524_289);
    for (body, field, code) in [
        (json!({"text": "x"}), "subject", "required"),
        (json!({"subject": "  ", "text": "x"}), "subject", "required"),
        (
            json!({"subject": "a".repeat(201), "text": "x"}),
            "subject",
            "too_long",
        ),
        (
            json!({"subject": "a\r\nBcc: b@example.org", "text": "x"}),
            "subject",
            "control_characters",
        ),
        (
            json!({"subject": "a\u{0}", "text": "x"}),
            "subject",
            "control_characters",
        ),
        (json!({"subject": "a"}), "html", "required"),
        (
            json!({"subject": "a", "html": " ", "text": "\n"}),
            "html",
            "required",
        ),
        (json!({"subject": "a", "html": large}), "html", "too_long"),
        (json!({"subject": "a", "text": large}), "text", "too_long"),
        (
            json!({"subject": "{{ naem }}", "text": "x"}),
            "subject",
            "invalid_template",
        ),
        (
            json!({"subject": "a", "html": "{% for x in email %}"}),
            "html",
            "invalid_template",
        ),
        (
            json!({"subject": "a", "text": "{{ email"}),
            "text",
            "invalid_template",
        ),
        (
            json!({"subject": "a", "text": "{{ 'x' * 100000000 }}"}),
            "text",
            "invalid_template",
        ),
        (
            json!({"subject": "{{ 'a\\nb' }}", "text": "x"}),
            "subject",
            "invalid_template",
        ),
        (
            json!({"subject": "a", "text": "x", "owner_id": 1}),
            "owner_id",
            "unknown_field",
        ),
    ] {
        app.post(&alice, "/messages", &body)
            .expect_invalid(field, code);
    }
    assert_eq!(app.get(&alice, "/messages").expect(200)["total"], 0);

    let path = format!("/messages/{}", news(&app, &alice));
    for (body, field, code) in [
        (json!({"html": ""}), "html", "required"),
        (json!({"subject": null}), "subject", "wrong_type"),
        (json!({"subject": ""}), "subject", "required"),
        (json!({"text": "{{ x }}"}), "text", "invalid_template"),
    ] {
        app.patch(&alice, &path, &body).expect_invalid(field, code);
    }
}

#[test]
fn two_bodies_of_a_megabyte_are_kept_and_more_is_too_large() {
    let app = TestApp::start();
    let alice = app.alice();
    let megabyte = "Строка.\n".repeat(1_048_576 / 14);
    let id = app
        .post(
            &alice,
            "/messages",
            &json!({"subject": "a", "html": megabyte, "text": megabyte}),
        )
        .id();
    let kept = app.get(&alice, &format!("/messages/{id}")).expect(200);
    assert!(kept["html"] == json!(megabyte) && kept["text"] == json!(megabyte));
    let huge = "a".repeat(7 * 1024 * 1024);
    app.post(&alice, "/messages", &json!({"subject": "a", "html": huge}))
        .expect_problem(413, "payload_too_large");
}

#[test]
fn a_list_shows_how_messages_begin_and_finds_them_by_subject() {
    let app = TestApp::start();
    let alice = app.alice();
    let style = format!("<style>{}</style>", "p { color: red } ".repeat(100));
    for (subject, html, text) in [
        ("Весна", "", "Здравствуйте,\n\nпогода."),
        (
            "Лето",
            &*format!("<html>{style}<h1>Жара</h1><p>и отпуск"),
            "",
        ),
        ("100% off", "<p>x", &"long ".repeat(1000)),
    ] {
        app.post(
            &alice,
            "/messages",
            &json!({"subject": subject, "html": html, "text": text}),
        )
        .expect(201);
    }
    let listed = |query: &str| {
        let page = app
            .get(&alice, &format!("/messages?sort=subject&{query}"))
            .expect(200);
        let items = page["items"].as_array().unwrap().clone();
        assert!(
            items
                .iter()
                .all(|item| item.get("html").is_none() && item.get("text").is_none())
        );
        items
            .into_iter()
            .map(|item| {
                (
                    item["subject"].as_str().unwrap().to_owned(),
                    item["excerpt"].as_str().unwrap().to_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    let all = listed("");
    assert_eq!(all[0].0, "100% off");
    assert!(all[0].1.starts_with("long long") && all[0].1.ends_with('…') && all[0].1.len() < 200);
    assert_eq!(
        all[1],
        ("Весна".to_owned(), "Здравствуйте, погода.".to_owned())
    );
    assert_eq!(all[2], ("Лето".to_owned(), "Жара и отпуск".to_owned()));
    assert_eq!(listed("q=%D0%9B%D0%95%D0%A2"), [all[2].clone()], "ЛЕТ");
    assert_eq!(listed("q=%25"), [all[0].clone()]);
    app.get(&alice, "/messages?sort=html")
        .expect_invalid("sort", "unknown_value");
}

#[test]
fn a_stranger_finds_nothing_and_a_manager_writes_nothing() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let path = format!("/messages/{}", news(&app, &alice));
    app.get(&bob, &path).expect_problem(404, "not_found");
    app.patch(&bob, &path, &json!({"text": "x"}))
        .expect_problem(404, "not_found");
    app.delete(&bob, &path).expect_problem(404, "not_found");
    app.post(&bob, &format!("{path}/preview"), &json!({}))
        .expect_problem(404, "not_found");
    app.post(&bob, &format!("{path}/test"), &json!({}))
        .expect_problem(404, "not_found");
    assert_eq!(app.get(&bob, "/messages").expect(200)["total"], 0);

    let message = json!({"subject": "a", "text": "x"});
    app.post(&manager, "/messages", &message)
        .expect_problem(403, "forbidden");
    app.post(&manager, "/messages/preview", &message)
        .expect_problem(403, "forbidden");
    app.patch(&manager, &path, &json!({"text": "x"}))
        .expect_problem(403, "forbidden");
    app.delete(&manager, &path).expect_problem(403, "forbidden");
    app.post(&manager, &format!("{path}/test"), &json!({}))
        .expect_problem(403, "forbidden");
}

#[test]
fn a_message_that_a_mailing_uses_is_not_deleted() {
    let app = TestApp::start();
    let alice = app.alice();
    let id = news(&app, &alice);
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone, schedule_set_at, created_at, updated_at)
             VALUES ({}, {id}, now(), 'once', 'UTC', now(), now(), now())",
            alice.id
        ))
        .unwrap();
    let path = format!("/messages/{id}");
    app.delete(&alice, &path)
        .expect_problem(409, "message_in_use");
    app.get(&alice, &path).expect(200);
}

#[test]
fn a_write_against_an_old_state_is_refused() {
    let app = TestApp::start();
    let alice = app.alice();
    let path = format!("/messages/{}", news(&app, &alice));
    let tag = app.get(&alice, &path).header("etag").to_owned();
    app.wait(chrono::TimeDelta::seconds(1));
    let with_tag = [alice.bearer(), ("if-match", tag)];
    app.send(
        "PATCH",
        &path,
        &with_tag,
        Some(&json!({"subject": "First"})),
    )
    .expect(200);
    app.send(
        "PATCH",
        &path,
        &with_tag,
        Some(&json!({"subject": "Second"})),
    )
    .expect_problem(412, "precondition_failed");
    assert_eq!(app.get(&alice, &path).expect(200)["subject"], "First");
}
