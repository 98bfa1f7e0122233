//! Recipients.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;

#[test]
fn a_recipient_is_kept_changed_and_deleted() {
    let app = TestApp::start();
    let alice = app.alice();
    let added = app.post(
        &alice,
        "/recipients",
        &json!({"email": " Ada@Example.org ", "full_name": "Ada Lovelace"}),
    );
    let location = added.header("location").to_owned();
    let id = added.expect(201)["id"].as_i64().unwrap();
    assert_eq!(location, format!("/api/v1/recipients/{id}"));
    let path = format!("/recipients/{id}");

    let changed = app
        .patch(&alice, &path, &json!({"comment": "first programmer"}))
        .expect(200);
    assert_eq!(
        (changed["email"].as_str(), changed["comment"].as_str()),
        (Some("Ada@example.org"), Some("first programmer"))
    );

    app.delete(&alice, &path).expect(204);
    app.delete(&alice, &path).expect_problem(404, "not_found");
    app.get(&alice, &path).expect_problem(404, "not_found");
}

#[test]
fn an_address_is_unique_per_owner_whatever_its_case() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    app.post(&alice, "/recipients", &json!({"email": "ада@пример.рф"}))
        .expect_invalid("email", "invalid_email");
    app.post(&alice, "/recipients", &json!({"email": "Info@Пример.рф"}))
        .expect(201);
    let taken = app
        .post(&alice, "/recipients", &json!({"email": "info@ПРИМЕР.РФ"}))
        .expect_problem(409, "email_taken");
    assert_eq!(taken["fields"][0]["field"], "email");
    let other = app
        .post(
            &alice,
            "/recipients",
            &json!({"email": "other@example.org"}),
        )
        .id();
    app.patch(
        &alice,
        &format!("/recipients/{other}"),
        &json!({"email": "INFO@пример.рф"}),
    )
    .expect_problem(409, "email_taken");

    app.post(&bob, "/recipients", &json!({"email": "info@пример.рф"}))
        .expect(201);
    assert_eq!(app.get(&bob, "/recipients").expect(200)["total"], 1);
}

#[test]
fn a_mistake_is_named_by_its_field_and_nothing_is_stored() {
    let app = TestApp::start();
    let alice = app.alice();
    let long = format!("{}@example.org", "a".repeat(250));
    for (body, field, code) in [
        (json!({}), "email", "required"),
        (json!({"email": "nobody"}), "email", "invalid_email"),
        (json!({"email": long}), "email", "too_long"),
        (
            json!({"email": "a@example.org\r\nBcc: b@example.org"}),
            "email",
            "invalid_email",
        ),
        (
            json!({"email": "a@example.org", "full_name": "A\nB"}),
            "full_name",
            "control_characters",
        ),
        (
            json!({"email": "a@example.org", "comment": "\u{0}"}),
            "comment",
            "control_characters",
        ),
        (
            json!({"email": "a@example.org", "owner_id": 1}),
            "owner_id",
            "unknown_field",
        ),
        (json!({"email": 1}), "email", "wrong_type"),
        (json!({"email": null}), "email", "wrong_type"),
    ] {
        app.post(&alice, "/recipients", &body)
            .expect_invalid(field, code);
    }
    for (query, field, code) in [
        ("page=0", "page", "out_of_range"),
        ("page=-1", "page", "wrong_type"),
        ("page=1000000000000000000", "page", "wrong_type"),
        ("per_page=101", "per_page", "out_of_range"),
        ("sort=password_hash", "sort", "unknown_value"),
        ("q=%00", "q", "control_characters"),
        ("limit=1", "limit", "unknown_field"),
    ] {
        app.get(&alice, &format!("/recipients?{query}"))
            .expect_invalid(field, code);
    }
    assert_eq!(app.get(&alice, "/recipients").expect(200)["total"], 0);
    for id in ["0", "-1", "9223372036854775808", "1e3", "abc", "%00"] {
        app.get(&alice, &format!("/recipients/{id}"))
            .expect_problem(404, "not_found");
    }
}

#[test]
fn a_search_finds_parts_of_names_and_addresses_in_any_case_and_alphabet() {
    let app = TestApp::start();
    let alice = app.alice();
    for (email, name) in [
        ("petrova@example.org", "Анна Петрова"),
        ("sidorov@example.org", "Пётр Сидоров"),
        ("100%@example.org", ""),
    ] {
        app.post(
            &alice,
            "/recipients",
            &json!({"email": email, "full_name": name}),
        )
        .expect(201);
    }
    let found = |q: &str| {
        let page = app
            .get(&alice, &format!("/recipients?sort=email&q={q}"))
            .expect(200);
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["email"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found("%D0%9F%D0%95%D0%A2%D0%A0%D0%9E%D0%92%D0%90"),
        ["petrova@example.org"],
        "ПЕТРОВА"
    );
    assert_eq!(found("SIDOROV"), ["sidorov@example.org"]);
    assert_eq!(
        found("%25"),
        ["100%@example.org"],
        "a wildcard is only a character"
    );
    assert_eq!(found("_"), [""; 0]);
}

#[test]
fn the_last_page_holds_the_rest_in_the_same_order() {
    let app = TestApp::start();
    let alice = app.alice();
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO recipients (owner_id, email, created_at, updated_at)
             SELECT {}, 'r' || lpad(n::text, 3, '0') || '@example.org', now(), now() FROM generate_series(1, 205) n",
            alice.id
        ))
        .unwrap();
    let emails = |page: u32| {
        let page = app
            .get(
                &alice,
                &format!("/recipients?sort=email&per_page=100&page={page}"),
            )
            .expect(200);
        assert_eq!(page["total"], 205);
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["email"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = [1, 2, 3, 4].into_iter().flat_map(emails).collect();
    let wanted: Vec<String> = (1..=205).map(|n| format!("r{n:03}@example.org")).collect();
    assert_eq!(all, wanted);
}

#[test]
fn the_number_of_all_is_what_there_is_whoever_adds_and_removes_at_once() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    thread::scope(|scope| {
        for n in 0..8 {
            let (app, owner) = (&app, if n % 2 == 0 { &alice } else { &bob });
            scope.spawn(move || {
                let kept = app.recipient(owner, &format!("kept{n}@example.org"));
                let gone = app.recipient(owner, &format!("gone{n}@example.org"));
                app.delete(owner, &format!("/recipients/{gone}"))
                    .expect(204);
                app.post(
                    owner,
                    "/recipients",
                    &json!({"email": format!("kept{n}@example.org")}),
                )
                .expect_problem(409, "email_taken");
                kept
            });
        }
    });
    // Many in one statement, of more than one owner.
    app.sql()
        .batch_execute(
            "INSERT INTO recipients (owner_id, email, created_at, updated_at)
             SELECT id, n || '@example.net', now(), now() FROM users, generate_series(1, 10) n;
             DELETE FROM recipients WHERE email LIKE '1%@example.net'",
        )
        .unwrap();
    for owner in [&alice, &bob] {
        let page = app.get(owner, "/recipients?per_page=100").expect(200);
        assert_eq!(
            (&page["total"], page["items"].as_array().unwrap().len()),
            (&json!(12), 12)
        );
        assert_eq!(app.get(owner, "/stats").expect(200)["recipients"], 12);
    }
    let manager = app.manager();
    assert_eq!(app.get(&manager, "/recipients").expect(200)["total"], 24);
}

#[test]
fn a_write_against_an_old_state_is_refused() {
    let app = TestApp::start();
    let alice = app.alice();
    let id = app
        .post(&alice, "/recipients", &json!({"email": "a@example.org"}))
        .id();
    let path = format!("/recipients/{id}");
    let read = app.get(&alice, &path);
    let tag = read.header("etag").to_owned();
    let unchanged = app.send(
        "GET",
        &path,
        &[alice.bearer(), ("if-none-match", tag.clone())],
        None,
    );
    assert_eq!(
        (unchanged.status, unchanged.header("etag")),
        (304, tag.as_str())
    );

    app.wait(chrono::TimeDelta::seconds(1));
    let with_tag = [alice.bearer(), ("if-match", tag)];
    app.send(
        "PATCH",
        &path,
        &with_tag,
        Some(&json!({"full_name": "First"})),
    )
    .expect(200);
    app.send(
        "PATCH",
        &path,
        &with_tag,
        Some(&json!({"full_name": "Second"})),
    )
    .expect_problem(412, "precondition_failed");
    app.send("DELETE", &path, &with_tag, None)
        .expect_problem(412, "precondition_failed");
    assert_eq!(app.get(&alice, &path).expect(200)["full_name"], "First");
}

#[test]
fn a_manager_creates_and_changes_nothing() {
    let app = TestApp::start();
    app.post(
        &app.manager(),
        "/recipients",
        &json!({"email": "a@example.org"}),
    )
    .expect_problem(403, "forbidden");
}
