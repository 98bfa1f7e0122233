//! What is kept of a user's mail server, who sees it, and what is not let in.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::smtp_servers;
use serde_json::{Value, json};
use smtp::dkim::DkimKey;

use super::signing::ED25519_KEY;
use crate::support::app::TestApp;
use crate::support::people::Person;

fn server() -> Value {
    json!({"name": "Own", "host": "Mail.Example.org", "port": 587, "tls": "starttls", "username": "news",
        "password": "canary-password", "from_email": "news@example.org"})
}

fn with(field: &str, value: Value) -> Value {
    let mut server = server();
    server[field] = value;
    server
}

fn add(app: &TestApp, owner: &Person) -> String {
    let id = app.post(owner, "/smtp-servers", &server()).id();
    format!("/smtp-servers/{id}")
}

#[test]
fn a_server_is_kept_changed_and_deleted_by_its_owner() {
    let app = TestApp::start();
    let alice = app.alice();
    let added = app.post(&alice, "/smtp-servers", &server());
    let path = added
        .header("location")
        .trim_start_matches("/api/v1")
        .to_owned();
    let added = added.expect(201);
    assert_eq!(
        added,
        json!({"id": added["id"], "name": "Own", "host": "mail.example.org", "port": 587, "tls": "starttls",
            "username": "news", "has_password": true, "from_email": "news@example.org", "from_name": null,
            "rate_per_second": 0, "rate_per_hour": 0, "sessions": 2, "session_limit": null, "ehlo_name": null, "dkim": null, "warnings": [], "mailings_count": 0,
            "checked_at": null, "created_at": added["created_at"], "updated_at": added["updated_at"]})
    );
    let read = app.get(&alice, &path);
    let tag = read.header("etag").to_owned();
    assert_eq!(read.expect(200), added);

    let dkim = json!({"domain": "example.org", "selector": "one", "private_key": ED25519_KEY});
    let changed = app
        .patch(
            &alice,
            &path,
            &json!({"name": "Other", "rate_per_second": 5, "dkim": dkim}),
        )
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["rate_per_second"]),
        (&json!("Other"), &json!(5))
    );
    assert_eq!(
        changed["dkim"],
        json!({"domain": "example.org", "selector": "one", "has_key": true})
    );
    assert_eq!(
        (&changed["host"], &changed["has_password"]),
        (&json!("mail.example.org"), &json!(true))
    );
    // A key that is not given stays.
    let renamed = json!({"dkim": {"domain": "example.org", "selector": "two"}});
    let changed = app.patch(&alice, &path, &renamed).expect(200);
    assert_eq!(
        changed["dkim"],
        json!({"domain": "example.org", "selector": "two", "has_key": true})
    );

    app.wait(chrono::TimeDelta::seconds(1));
    let cleared = json!({"password": null, "username": null, "dkim": null});
    let changed = app.patch(&alice, &path, &cleared).expect(200);
    assert_eq!(
        (&changed["has_password"], &changed["dkim"]),
        (&json!(false), &json!(null))
    );
    app.send("DELETE", &path, &[alice.bearer(), ("if-match", tag)], None)
        .expect_problem(412, "precondition_failed");
    app.delete(&alice, &path).expect(204);
    app.delete(&alice, &path).expect_problem(404, "not_found");
    let kinds: Vec<_> = app
        .get(&app.manager(), &format!("/events?actor_id={}", alice.id))
        .expect(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    let updated = "smtp_server_changed";
    assert_eq!(
        kinds,
        [
            "smtp_server_deleted",
            updated,
            updated,
            updated,
            "smtp_server_created"
        ]
    );
}

#[test]
fn whatever_is_wrong_is_named() {
    let app = TestApp::start();
    let alice = app.alice();
    let long = "a".repeat(300);
    let wrong = [
        ("name", json!(""), "required"),
        ("name", json!("a".repeat(101)), "too_long"),
        ("host", json!("mail/x"), "invalid_host"),
        ("host", json!(&long), "invalid_host"),
        ("host", json!("a b"), "invalid_host"),
        ("port", json!(0), "out_of_range"),
        ("port", json!(22), "port_not_allowed"),
        ("port", json!(6379), "port_not_allowed"),
        ("tls", json!("maybe"), "unknown_value"),
        ("username", json!(""), "out_of_range"),
        ("password", json!(""), "required"),
        ("password", json!("a".repeat(1001)), "too_long"),
        ("password", json!(null), "required"),
        ("username", json!(null), "required"),
        ("from_email", json!("nobody"), "invalid_email"),
        (
            "from_email",
            json!("a\u{2028}b@example.org"),
            "invalid_email",
        ),
        ("from_name", json!("a".repeat(201)), "too_long"),
        ("rate_per_second", json!(-1), "wrong_type"),
        ("sessions", json!(0), "out_of_range"),
        ("sessions", json!(17), "out_of_range"),
        ("owner_id", json!(1), "unknown_field"),
    ];
    for (field, value, code) in wrong {
        let refused = app.post(&alice, "/smtp-servers", &with(field, value.clone()));
        let fields = refused.expect_problem(422, "validation_failed")["fields"].clone();
        assert_eq!(
            (&fields[0]["field"], &fields[0]["code"]),
            (&json!(field), &json!(code)),
            "{value}"
        );
    }
    for (key, code) in [
        ("no key", "invalid_key"),
        ("", "invalid_key"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            "encrypted_key",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "public_key",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "certificate",
        ),
    ] {
        let dkim = json!({"domain": "example.org", "selector": "one", "private_key": key});
        app.post(&alice, "/smtp-servers", &with("dkim", dkim))
            .expect_invalid("dkim.private_key", code);
    }
    let dkim = json!({"domain": "a b", "selector": "one", "private_key": ED25519_KEY});
    app.post(&alice, "/smtp-servers", &with("dkim", dkim))
        .expect_invalid("dkim.domain", "invalid_host");
    let path = add(&app, &alice);
    app.patch(
        &alice,
        &path,
        &json!({"dkim": {"domain": "example.org", "selector": "one"}}),
    )
    .expect_invalid("dkim.private_key", "required");
    app.patch(&alice, &path, &json!({"username": null, "password": "x"}))
        .expect_invalid("username", "required");
    app.patch(&alice, &path, &json!({"port": 1}))
        .expect_invalid("port", "port_not_allowed");
}

#[test]
fn a_kept_password_is_not_led_to_another_server_nor_told_aloud() {
    let app = TestApp::start();
    let alice = app.alice();
    let path = add(&app, &alice);
    for elsewhere in [
        json!({"host": "mail.example.net"}),
        json!({"port": 25}),
        json!({"tls": "none"}),
    ] {
        app.patch(&alice, &path, &elsewhere)
            .expect_invalid("password", "required");
    }
    let moved = json!({"host": "mail.example.net", "password": "another"});
    let moved = app.patch(&alice, &path, &moved).expect(200);
    assert_eq!(moved["host"], "mail.example.net");
    let same = json!({"host": "MAIL.example.net", "name": "Renamed"});
    app.patch(&alice, &path, &same).expect(200);
    let without = json!({"host": "mail.example.org", "username": null, "password": null});
    app.patch(&alice, &path, &without).expect(200);
}

#[test]
fn no_spelling_of_an_address_lets_a_server_into_our_networks() {
    let app = TestApp::start();
    let alice = app.alice();
    let path = add(&app, &alice);
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST.",
        "x.localhost",
        "0",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "127.1",
        "10.1.2.3",
        "169.254.169.254",
        "[::1]",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1",
        "0.0.0.0",
        "::",
        "100.64.0.1",
        "224.0.0.1",
    ] {
        app.post(&alice, "/smtp-servers", &with("host", json!(host)))
            .expect_invalid("host", "address_not_allowed");
        app.patch(&alice, &path, &json!({"host": host}))
            .expect_invalid("host", "address_not_allowed");
    }
    app.post(&alice, "/smtp-servers", &with("host", json!("8.8.8.8")))
        .expect(201);
}

#[test]
fn passwords_and_keys_lie_sealed_in_the_database() {
    let app = TestApp::start();
    let alice = app.alice();
    let dkim = json!({"domain": "example.org", "selector": "one", "private_key": ED25519_KEY});
    app.post(&alice, "/smtp-servers", &with("dkim", dkim))
        .expect(201);
    let (password, key): (Option<Vec<u8>>, Option<Vec<u8>>) = smtp_servers::table
        .select((smtp_servers::password, smtp_servers::dkim_key))
        .first(&mut app.sql())
        .unwrap();
    let key = key.unwrap();
    assert!(!String::from_utf8_lossy(&password.unwrap()).contains("canary"));
    assert!(!String::from_utf8_lossy(&key).contains("PRIVATE"));
    assert!(DkimKey::parse(ED25519_KEY).is_ok() && key.len() > 100);
}

#[test]
fn an_owner_keeps_twenty_servers_at_most() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    for _ in 0..20 {
        add(&app, &alice);
    }
    app.post(&alice, "/smtp-servers", &server())
        .expect_problem(409, "smtp_servers_quota");
    add(&app, &bob);
}

#[test]
fn servers_are_listed_in_pages_searched_and_sorted_each_owners_own() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    for name in ["beta", "Alpha", "gamma 100%"] {
        app.post(&alice, "/smtp-servers", &with("name", json!(name)))
            .expect(201);
    }
    add(&app, &bob);
    let names = |query: &str| {
        let list = app
            .get(&alice, &format!("/smtp-servers{query}"))
            .expect(200);
        let items = list["items"].as_array().unwrap().clone();
        let names: Vec<_> = items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect();
        (names.join(" "), list["total"].as_i64().unwrap())
    };
    assert_eq!(names("?sort=name"), ("Alpha beta gamma 100%".to_owned(), 3));
    assert_eq!(
        names("?sort=-name&per_page=1&page=2"),
        ("beta".to_owned(), 3)
    );
    assert_eq!(
        names("?sort=created_at"),
        ("beta Alpha gamma 100%".to_owned(), 3)
    );
    assert_eq!(names("?q=0%25"), ("gamma 100%".to_owned(), 1));
    assert_eq!(names("?q=MAIL.example").1, 3);
    app.get(&alice, "/smtp-servers?page=0")
        .expect_invalid("page", "out_of_range");
}

#[test]
fn a_mailing_names_a_server_of_its_owners_and_keeps_it_from_being_deleted() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let (hers, his) = (add(&app, &alice), add(&app, &bob));
    let id_of = |path: &str| path.rsplit('/').next().unwrap().parse::<i64>().unwrap();
    app.recipient(&alice, "friend@example.org");
    let later = json!({"recurrence": "daily", "smtp_server_id": id_of(&hers)});
    let mailing = format!("/mailings/{}", app.mailing(&alice, &later));
    for staff_or_owner in [&alice, &manager] {
        let read = app.get(staff_or_owner, &mailing).expect(200);
        assert_eq!(read["smtp_server_id"], id_of(&hers));
        assert_eq!(
            read["smtp_server"],
            json!({"id": id_of(&hers), "name": "Own"})
        );
    }
    app.get(&manager, &hers).expect_problem(404, "not_found");
    assert_eq!(app.get(&alice, &hers).expect(200)["mailings_count"], 1);

    for stranger in [id_of(&his), 999_999, i64::MAX, 0, -1] {
        app.patch(&alice, &mailing, &json!({"smtp_server_id": stranger}))
            .expect_invalid("smtp_server_id", "not_found");
    }
    app.delete(&alice, &hers)
        .expect_problem(409, "smtp_server_in_use");
    let unchanged = app
        .patch(&alice, &mailing, &json!({"on_uncertain": "hold"}))
        .expect(200);
    assert_eq!(unchanged["smtp_server_id"], id_of(&hers));
    let freed = app
        .patch(&alice, &mailing, &json!({"smtp_server_id": null}))
        .expect(200);
    assert_eq!(
        (&freed["smtp_server_id"], &freed["smtp_server"]),
        (&json!(null), &json!(null))
    );
    app.delete(&alice, &hers).expect(204);
    app.patch(&alice, &mailing, &json!({"smtp_server_id": id_of(&hers)}))
        .expect_invalid("smtp_server_id", "not_found");
}

#[test]
fn servers_and_what_is_known_of_them_go_with_their_owner() {
    let app = TestApp::start();
    let alice = app.alice();
    let path = add(&app, &alice);
    let id: i64 = path.rsplit('/').next().unwrap().parse().unwrap();
    app.recipient(&alice, "friend@example.org");
    app.mailing(
        &alice,
        &json!({"recurrence": "daily", "smtp_server_id": id}),
    );
    let mut conn = app.sql();
    dispatch::delivery::smtp_server_health::store::know(&mut conn, Some(id)).unwrap();
    conn.batch_execute(&format!("DELETE FROM users WHERE id = {}", alice.id))
        .unwrap();
    let left: i64 = diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "SELECT (SELECT count(*) FROM smtp_servers) + (SELECT count(*) FROM mail_servers WHERE name LIKE 'smtp_server:%')",
    )
    .get_result(&mut conn)
    .unwrap();
    assert_eq!(left, 0);
    // Known too late, it leaves nothing.
    dispatch::delivery::smtp_server_health::store::know(&mut conn, Some(id)).unwrap();
}
