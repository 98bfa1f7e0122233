//! What earlier releases stored is normalized: nothing is lost, and suppressions take precedence.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::recipients as stored_recipients;
use dispatch::core::email_address::EmailAddress;
use dispatch::engine::normalization::leftovers;
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

/// Stored spellings, all of the mailbox `ann@xn--bcher-kva.example`.
const ANNS: [&str; 4] = [
    "ann@bücher.example",
    "Ann@b\u{200B}ücher.example",
    "ann@bu\u{308}cher.example",
    "ann@b\u{AD}ücher.example",
];
const ANN: &str = "ann@xn--bcher-kva.example";

/// Stores a recipient like an earlier release; returns its id.
fn stored(app: &TestApp, owner: &Person, email: &str, name: &str) -> i64 {
    let placeholder = format!("r{}@example.org", email.len() + name.len() * 100);
    let body = json!({"email": placeholder, "full_name": name, "comment": name});
    let id = app.post(owner, "/recipients", &body).id();
    sql(
        app,
        &format!("UPDATE recipients SET email = '{email}' WHERE id = {id}"),
    );
    id
}

fn sql(app: &TestApp, statements: &str) {
    app.sql().batch_execute(statements).unwrap();
}

fn migrated(app: &TestApp) -> String {
    let ended = app.command(&["migrate"], &[]);
    assert!(ended.ok, "{}", ended.err);
    ended.out
}

fn recipients(app: &TestApp, owner: &Person) -> Vec<String> {
    let page = app.get(owner, "/recipients?sort=created_at").expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["email"].as_str().unwrap().to_owned())
        .collect()
}

fn reached(server: &ScriptedServer) -> Vec<String> {
    let mut reached: Vec<_> = server
        .accepted()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    reached.sort();
    reached
}

#[test]
fn recipients_that_are_one_mailbox_become_one_and_lose_nothing() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let ids: Vec<_> = ANNS
        .iter()
        .zip(["", "Ann", "Anna", "Annie"])
        .map(|(email, name)| stored(&app, &alice, email, name))
        .collect();
    stored(&app, &bob, ANNS[0], "Ann of Bob");
    app.recipient(&alice, "carol@example.org");
    let chosen = |ids: &[i64]| {
        app.mailing(
            &alice,
            &json!({"starts_at": "2026-05-02T10:00:00Z", "recipients": {"ids": ids}}),
        )
    };
    let mailings = [chosen(&ids[..1]), chosen(&ids[1..3]), chosen(&ids)];

    let said = migrated(&app);
    assert!(said.contains("merged 3 duplicate recipients"), "{said}");
    assert_eq!(recipients(&app, &alice), [ANN, "carol@example.org"]);
    assert_eq!(recipients(&app, &bob), [ANN]);
    let page = app.get(&alice, "/recipients?q=ann").expect(200);
    let kept = &page["items"][0];
    assert_eq!(kept["full_name"], "Ann");
    for name in ["Ann", "Anna", "Annie"] {
        let comment = kept["comment"].as_str().unwrap();
        assert!(comment.lines().any(|line| line == name), "{comment}");
    }
    for mailing in mailings {
        let mailing = app.get(&alice, &format!("/mailings/{mailing}")).expect(200);
        assert_eq!(mailing["recipients_count"], 1);
    }
    app.wait(chrono::TimeDelta::days(1));
    app.tick();
    assert_eq!(reached(&server), [ANN; 3]);
    assert!(migrated(&app).contains("the database is up to date"));
}

#[test]
fn whoever_was_suppressed_in_one_spelling_is_mailed_in_none_afterwards() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    for owner in [&alice, &bob] {
        stored(&app, owner, ANNS[0], "Ann");
    }
    app.post(&alice, "/suppressions", &json!({"email": "x@example.org"}))
        .expect(201);
    app.post(&alice, "/suppressions", &json!({"email": ANN}))
        .expect(201);
    sql(
        &app,
        &format!(
            "UPDATE suppressions SET email = '{}', reason = 'unsubscribed', run_id = 7 WHERE email = 'x@example.org'",
            ANNS[3]
        ),
    );
    migrated(&app);
    let page = app.get(&alice, "/suppressions").expect(200);
    let kept: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (&item["email"], &item["reason"]))
        .collect();
    assert_eq!(kept, [(&json!(ANN), &json!("unsubscribed"))]);
    for owner in [&alice, &bob] {
        app.mailing(owner, &json!({}));
    }
    app.tick();
    assert_eq!(reached(&server), [ANN]);
}

/// A mailing to both spellings that was attempted once and waits for its retry.
fn deferred(app: &TestApp, server: &ScriptedServer, alice: &Person) -> i64 {
    server.add(ANN, Rule::refuse(450, "4.2.1 try later"), None);
    stored(app, alice, ANNS[0], "Ann");
    app.recipient(alice, ANN);
    let mailing = app.mailing(alice, &json!({}));
    app.tick();
    server.forget_rules();
    mailing
}

#[test]
fn a_run_under_way_mails_a_mailbox_once_after_its_recipients_became_one() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = deferred(&app, &server, &alice);
    migrated(&app);
    assert_eq!(recipients(&app, &alice), [ANN]);
    app.wait(chrono::TimeDelta::hours(1));
    app.tick();
    assert_eq!(reached(&server), [ANN]);
    let counts = &app.last_run(&alice, mailing)["counts"];
    assert_eq!(
        (&counts["accepted"], &counts["skipped"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(app.log(&alice).len(), 3);
}

#[test]
fn a_run_under_way_skips_whom_a_suppression_in_another_spelling_means() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.post(&alice, "/suppressions", &json!({"email": "x@example.org"}))
        .expect(201);
    sql(
        &app,
        &format!("UPDATE suppressions SET email = '{}'", ANNS[2]),
    );
    deferred(&app, &server, &alice);
    migrated(&app);
    app.wait(chrono::TimeDelta::hours(1));
    app.tick();
    assert_eq!(reached(&server), [""; 0]);
}

#[test]
fn recipients_of_different_runs_under_way_each_get_their_mail_before_they_become_one() {
    let server = ScriptedServer::start().on(ANN, Rule::refuse(450, "4.2.1 try later"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for id in [
        stored(&app, &alice, ANNS[0], "Ann"),
        app.recipient(&alice, ANN),
    ] {
        app.mailing(&alice, &json!({"recipients": {"ids": [id]}}));
    }
    app.tick();
    server.forget_rules();
    let said = migrated(&app);
    assert!(said.contains("1 recipients are not mailed: "), "{said}");
    app.wait(chrono::TimeDelta::hours(1));
    app.tick();
    assert_eq!(reached(&server), [ANN, ANN]);
    migrated(&app);
    assert_eq!(recipients(&app, &alice), [ANN]);
}

#[test]
fn what_is_no_address_is_told_and_not_mailed() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    stored(&app, &alice, "ann@[192.0.2.1]", "Ann");
    app.recipient(&alice, "bob@example.org");
    let said = migrated(&app);
    assert!(said.contains("1 recipients are not mailed"), "{said}");
    app.mailing(&alice, &json!({}));
    app.tick();
    assert_eq!(reached(&server), ["bob@example.org"]);
    assert_eq!(
        recipients(&app, &alice),
        ["ann@[192.0.2.1]", "bob@example.org"]
    );
}

fn addresses_finding(app: &TestApp) -> Option<String> {
    let ended = app.command(&["doctor", "--json"], &[]);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let finding = checks
        .iter()
        .find(|finding| finding["check"] == "addresses")?;
    Some(finding["message"].as_str().unwrap().to_owned())
}

#[test]
fn accounts_with_one_mailbox_are_left_and_told_and_others_come_in_under_every_spelling() {
    let app = TestApp::start();
    for email in ["carol@example.org", "dora@example.org", "emma@example.org"] {
        app.account(email);
    }
    sql(
        &app,
        &format!(
            "UPDATE users SET email = '{}', confirmed_at = NULL WHERE email = 'carol@example.org';
         UPDATE users SET email = '{}' WHERE email = 'dora@example.org';
         UPDATE users SET email = 'Emma@пример.рф' WHERE email = 'emma@example.org'",
            ANNS[0], ANNS[1]
        ),
    );
    migrated(&app);
    app.sign_in(ANNS[0], PASSWORD).expect(200);
    app.sign_in("emma@ПРИМЕР.рф", PASSWORD).expect(200);
    let manager = app.manager();
    let users = app.get(&manager, "/users?sort=created_at").expect(200);
    let emails: Vec<_> = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect();
    assert_eq!(
        emails,
        [
            ANNS[0],
            "Ann@xn--bcher-kva.example",
            "Emma@xn--e1afmkfd.xn--p1ai",
            "manager@example.org"
        ]
    );
    let first = users["items"][0]["id"].to_string();
    let told = addresses_finding(&app).unwrap();
    assert!(
        told.starts_with(&format!("users {first}: ")) && !told.contains('@'),
        "{told}"
    );
}

#[test]
fn doctor_says_nothing_of_addresses_that_are_in_their_form() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "Ann.Lee+x@Bücher.example");
    assert_eq!(addresses_finding(&app), None);
}

#[test]
fn names_come_into_the_form_in_which_they_are_searched() {
    let app = TestApp::start();
    let alice = app.alice();
    for email in ["a@example.org", "b@example.org"] {
        app.recipient(&alice, email);
    }
    app.message(&alice);
    sql(
        &app,
        "UPDATE recipients SET full_name = E'Zoe\\u0308' WHERE email = 'a@example.org';
         UPDATE recipients SET full_name = 'Zoë' WHERE email = 'b@example.org';
         UPDATE messages SET subject = E'Zoe\\u0308'",
    );
    let said = migrated(&app);
    assert!(said.contains("normalized 2 names"), "{said}");
    for path in ["/recipients?q=Zo%C3%AB", "/recipients?q=Zoe%CC%88"] {
        assert_eq!(app.get(&alice, path).expect(200)["total"], 2, "{path}");
    }
    assert_eq!(
        app.get(&alice, "/messages?q=Zo%C3%AB").expect(200)["total"],
        1
    );
}

#[test]
fn the_engine_does_it_too_for_what_a_process_of_the_release_before_still_stores() {
    let app = TestApp::start();
    let alice = app.alice();
    stored(&app, &alice, ANNS[0], "Ann");
    let service = crate::support::process::Service::start(&app, &[]);
    crate::support::machine::eventually("the address is in its form", || {
        (recipients(&app, &alice) == [ANN]).then_some(())
    });
    service.stop();
}

#[test]
fn an_address_is_reported_exactly_if_it_is_not_stored_as_it_is_parsed() {
    let app = TestApp::start();
    let alice = app.alice();
    let id = app.recipient(&alice, "ann@example.org");
    let label = |length| "a".repeat(length);
    let long = format!("{}.{}.{}.{}", label(63), label(63), label(57), label(3));
    let user = label(64);
    let texts = [
        "ann@example.org",
        "Ann@example.org",
        "ann@localhost",
        "ann@a-b.example",
        "ann@ab--cd.example",
        "ann@1.example",
        "ann@example.1a",
        "a%b@example.org",
        "a!#$&'*+/=?^_`{|}~-b@example.org",
        "ann.@example.org",
        ".ann@example.org",
        "a..b@example.org",
        "ann@xn--bcher-kva.example",
        "ann@xn--a.example",
        "ann@xn--example-.org",
        "ann@xn--.org",
        "ann@xn--abc.example",
        "ann@xn--BCHER-KVA.example",
        "ann@example.org.",
        "ann@.example.org",
        "ann@example..org",
        "ann@.",
        "ann@-example.org",
        "ann@example-.org",
        "ann@example.org-",
        "ann@-",
        "ann@Example.org",
        "ann@exa%mple.org",
        "ann@exa_mple.org",
        "ann@192.0.2.1",
        "ann@1",
        "ann@example.42",
        "ann@[192.0.2.1]",
        "ann@bücher.example",
        "анна@example.org",
        "a\"b@example.org",
        "a(b@example.org",
        "a,b@example.org",
        "a b@example.org",
        " ann@example.org",
        "ann@example.org\n",
        "ann@bob@example.org",
        "ann",
        "@example.org",
        "ann@",
        "",
    ]
    .map(str::to_owned);
    let lengths = [
        format!("ann@{}.org", label(63)),
        format!("ann@{}.org", label(64)),
        format!("{user}@example.org"),
        format!("a{user}@example.org"),
        format!("{user}@{long}"),
        format!("{}.@{long}", label(63)),
        format!("{}.@{}", label(63), &long[2..]),
    ];
    for text in texts.into_iter().chain(lengths) {
        diesel::update(stored_recipients::table.find(id))
            .set(stored_recipients::email.eq(&text))
            .execute(&mut app.sql())
            .unwrap();
        let reported = leftovers::find(&mut app.sql()).unwrap().recipients;
        let parsed = EmailAddress::parse(&text).map(|address| address.to_string());
        let is_as_stored = parsed.is_ok_and(|parsed| parsed == text);
        assert_eq!(reported, i64::from(!is_as_stored), "{text:?}");
    }
}
