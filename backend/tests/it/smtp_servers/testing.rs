//! `POST /smtp-servers/{id}/test`: how far a conversation with a server comes, and what is advised.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer, Setup};

/// The verdict on a server that its owner describes with these differences: stage, code, advice.
fn verdict(server: &ScriptedServer, fields: &Value) -> (String, Value, String) {
    verdict_in(&app_with(server), server, fields)
}

fn app_with(server: &ScriptedServer) -> TestApp {
    TestApp::letting_in(&ScriptedServer::start(), &[server])
}

fn verdict_in(app: &TestApp, server: &ScriptedServer, fields: &Value) -> (String, Value, String) {
    let alice = app.person(&format!("{}@example.org", rand::random::<u64>()), "user");
    let id = app.own_server(&alice, server, fields);
    let result = app
        .post(&alice, &format!("/smtp-servers/{id}/test"), &json!(null))
        .expect(200);
    assert_eq!(result["ok"], result["stage"] == "done", "{result}");
    let checked = &app.get(&alice, &format!("/smtp-servers/{id}")).expect(200)["checked_at"];
    assert_eq!(checked.is_string(), result["ok"] == true, "{result}");
    let word = |field: &str| result[field].as_str().unwrap().to_owned();
    (word("stage"), result["code"].clone(), word("advice"))
}

fn told(stage: &str, code: impl Into<Value>, advice: &str) -> (String, Value, String) {
    (stage.to_owned(), code.into(), advice.to_owned())
}

#[test]
fn a_server_that_works_is_found_to_work_and_gets_no_mail() {
    let knowing = |setup: Setup, offering| setup.offering(offering).knowing("me", "pässword 1");
    for setup in [
        ScriptedServer::setup(),
        knowing(ScriptedServer::setup(), "AUTH PLAIN"),
        knowing(ScriptedServer::setup().starttls(), "AUTH LOGIN"),
        knowing(ScriptedServer::setup().implicit_tls(), "AUTH PLAIN LOGIN"),
        ScriptedServer::setup().without("PIPELINING"),
    ] {
        let server = setup.start();
        assert_eq!(verdict(&server, &json!({})), told("done", 250, "works"));
        assert!(server.accepted().is_empty());
        let said = server.commands();
        assert!(
            said.contains(&"MAIL FROM:<own@sender.example>".to_owned()),
            "{said:?}"
        );
        assert!(
            said.iter()
                .all(|line| !line.starts_with("RCPT") && !line.starts_with("DATA"))
        );
        assert_eq!(said.last().map(String::as_str), Some("QUIT"));
    }
}

#[test]
fn each_fault_is_told_by_its_stage_and_has_its_advice() {
    let plain = || {
        ScriptedServer::setup()
            .offering("AUTH PLAIN")
            .knowing("me", "secret")
    };
    let none = json!({});
    let wrong = json!({"password": "wrong"});
    assert_eq!(
        verdict(&plain().start(), &wrong),
        told("auth", 535, "credentials_refused")
    );
    let unable = ScriptedServer::setup()
        .offering("AUTH CRAM-MD5")
        .knowing("me", "secret")
        .start();
    assert_eq!(
        verdict(&unable, &none),
        told("auth", json!(null), "auth_not_offered")
    );
    let busy = plain()
        .start()
        .on("*", Rule::say(At::Auth, "454 4.7.0 later\r\n"));
    assert_eq!(verdict(&busy, &none), told("auth", 454, "try_later"));
    let stripped = plain().starttls().without("STARTTLS").start();
    assert_eq!(
        verdict(&stripped, &none),
        told("tls", json!(null), "starttls_not_offered")
    );
    assert!(
        stripped
            .commands()
            .iter()
            .all(|line| line.starts_with("EHLO")),
        "no password in clear"
    );
    let closed = ScriptedServer::start().on("*", Rule::say(At::Greeting, "554 no\r\n"));
    assert_eq!(verdict(&closed, &none), told("greeting", 554, "refused"));
    let other = ScriptedServer::start().on("*", Rule::say(At::Greeting, "HTTP/1.1 400 Bad\r\n"));
    assert_eq!(
        verdict(&other, &none),
        told("greeting", json!(null), "not_smtp")
    );
    let sender = ScriptedServer::start().on("*", Rule::say(At::Mail, "550 5.7.1 not you\r\n"));
    assert_eq!(
        verdict(&sender, &none),
        told("sender", 550, "sender_refused")
    );
    let rude = ScriptedServer::start().on("*", Rule::act(At::Ehlo, Action::Drop));
    assert_eq!(
        verdict(&rude, &none),
        told("ehlo", json!(null), "no_connection")
    );
    // Encryption is expected where there is none.
    assert_eq!(
        verdict(&ScriptedServer::start(), &json!({"tls": "implicit"})),
        told("tls", json!(null), "starttls_expected")
    );
    let app = app_with(&sender);
    let nobody = json!({"port": 9});
    assert_eq!(
        verdict_in(&app, &sender, &nobody),
        told("connect", json!(null), "no_connection")
    );
    let unknown = json!({"host": "no-such-host.invalid"});
    assert_eq!(
        verdict_in(&app, &sender, &unknown),
        told("resolve", json!(null), "host_not_found")
    );
}

#[test]
fn a_certificate_that_is_not_to_be_trusted_is_not() {
    for mode in [Setup::starttls, Setup::implicit_tls] {
        let refused = told("tls", json!(null), "certificate_not_trusted");
        for setup in [
            ScriptedServer::setup().named("mail.example.org"),
            ScriptedServer::setup().expired(),
        ] {
            assert_eq!(verdict(&mode(setup).start(), &json!({})), refused);
        }
        // Nobody vouches for it.
        let server = mode(ScriptedServer::setup()).start();
        let app = TestApp::letting_in_tuned(&ScriptedServer::start(), &[&server], &[], |config| {
            config.mail.outside.roots.clear();
        });
        assert_eq!(verdict_in(&app, &server, &json!({})), refused);
    }
}

#[test]
fn what_a_name_leads_to_is_checked_when_it_is_connected_to() {
    let server = ScriptedServer::start();
    let app = TestApp::letting_in_tuned(&server, &[&server], &[("OWN_SMTP_NETWORKS", "")], |_| {});
    let alice = app.alice();
    let port = server.port();
    for (host, advice) in [
        ("localhost", "address_not_allowed"),
        ("127.0.0.1", "address_not_allowed"),
    ] {
        let public = json!({"host": "mail.example.org"});
        let id = app.own_server(&alice, &server, &public);
        app.sql()
            .batch_execute(&format!(
                "UPDATE smtp_servers SET host = '{host}', port = {port}"
            ))
            .unwrap();
        let result = app
            .post(&alice, &format!("/smtp-servers/{id}/test"), &json!(null))
            .expect(200);
        assert_eq!(
            (&result["stage"], &result["advice"]),
            (&json!("resolve"), &json!(advice))
        );
        assert_eq!(
            (&result["code"], &result["response"]),
            (&json!(null), &json!(null))
        );
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    let server = ScriptedServer::start().on("*", Rule::act(At::Greeting, Action::FallSilent));
    let began = Instant::now();
    assert_eq!(
        verdict(&server, &json!({})),
        told("greeting", json!(null), "no_answer")
    );
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn tests_are_limited_to_ten_a_minute() {
    let server = ScriptedServer::start();
    let app = TestApp::letting_in_tuned(&server, &[&server], &[("LIMITS", "1")], |_| {});
    let alice = app.alice();
    let path = format!(
        "/smtp-servers/{}/test",
        app.own_server(&alice, &server, &json!({}))
    );
    for _ in 0..10 {
        app.post(&alice, &path, &json!(null)).expect(200);
    }
    app.post(&alice, &path, &json!(null))
        .expect_problem(429, "too_many_requests");
    let bob = app.bob();
    let his = format!(
        "/smtp-servers/{}/test",
        app.own_server(&bob, &server, &json!({}))
    );
    app.post(&bob, &his, &json!(null)).expect(200);
}

#[test]
fn credentials_that_cannot_be_read_any_more_are_asked_for_again() {
    let server = ScriptedServer::setup()
        .offering("AUTH PLAIN")
        .knowing("me", "secret")
        .start();
    let app = app_with(&server);
    let alice = app.alice();
    let path = format!(
        "/smtp-servers/{}",
        app.own_server(&alice, &server, &json!({}))
    );
    // As after a change of APP_SECRET.
    app.sql()
        .batch_execute("UPDATE smtp_servers SET password = password || '\\x00'")
        .unwrap();
    let test = || {
        let result = app
            .post(&alice, &format!("{path}/test"), &json!(null))
            .expect(200);
        (result["stage"].clone(), result["advice"].clone())
    };
    assert_eq!(test(), (json!("auth"), json!("credentials_unreadable")));
    assert_eq!(app.get(&alice, &path).expect(200)["has_password"], true);
    app.patch(&alice, &path, &json!({"password": "secret"}))
        .expect(200);
    assert_eq!(test(), (json!("done"), json!("works")));
}

#[test]
fn a_port_of_the_other_encryption_is_told_by_name_and_soon() {
    let implicit = || ScriptedServer::setup().implicit_tls().start();
    for (server, tls, expected) in [
        (
            implicit(),
            "starttls",
            told("greeting", json!(null), "implicit_tls_expected"),
        ),
        (
            implicit(),
            "none",
            told("greeting", json!(null), "implicit_tls_expected"),
        ),
        (
            ScriptedServer::start(),
            "implicit",
            told("tls", json!(null), "starttls_expected"),
        ),
        (
            ScriptedServer::setup().starttls().start(),
            "implicit",
            told("tls", json!(null), "starttls_expected"),
        ),
    ] {
        let began = Instant::now();
        assert_eq!(verdict(&server, &json!({"tls": tls})), expected, "{tls}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_server_that_is_only_slow_to_greet_is_not_taken_for_one_that_expects_tls() {
    let server = ScriptedServer::setup()
        .replying_after(Duration::from_millis(1500))
        .start();
    assert_eq!(verdict(&server, &json!({})), told("done", 250, "works"));
}

#[test]
fn a_server_is_greeted_by_the_name_that_its_owner_has_set_and_the_test_says_so() {
    let server = ScriptedServer::start();
    let app = app_with(&server);
    let alice = app.alice();
    let id = app.own_server(&alice, &server, &json!({}));
    let path = format!("/smtp-servers/{id}");
    let said = || {
        let result = app
            .post(&alice, &format!("{path}/test"), &json!(null))
            .expect(200);
        let said = result["ehlo_name"].as_str().unwrap().to_owned();
        assert!(
            server.commands().contains(&format!("EHLO {said}")),
            "{said}"
        );
        said
    };
    let usual = said();
    assert!(
        usual.contains('.'),
        "a name with its domain or an address: {usual}"
    );
    for (name, stored) in [
        ("Mail.Example.org", "mail.example.org"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
    ] {
        let changed = app
            .patch(&alice, &path, &json!({"ehlo_name": name}))
            .expect(200);
        assert_eq!(changed["ehlo_name"], stored);
        assert_eq!(said(), stored);
    }
    for wrong in [
        "",
        "localhost",
        "192.0.2.1",
        "a b.example.org",
        "mail.example.org\r\nMAIL",
    ] {
        app.patch(&alice, &path, &json!({"ehlo_name": wrong}))
            .expect_invalid("ehlo_name", "invalid_ehlo_name");
    }
    app.patch(&alice, &path, &json!({"ehlo_name": null}))
        .expect(200);
    assert_eq!(said(), usual);
}

#[test]
fn a_server_that_knows_no_ehlo_works_and_one_that_is_to_encrypt_or_sign_in_is_not_trusted_without()
{
    for code in [
        "500 what?",
        "502 5.5.1 not implemented",
        "504 no",
        "550 5.7.1 not you",
        "554 no",
    ] {
        let refusing = |setup: Setup| {
            setup
                .start()
                .on("*", Rule::say(At::Ehlo, format!("{code}\r\n")))
        };
        let server = refusing(ScriptedServer::setup());
        assert_eq!(
            verdict(&server, &json!({})),
            told("done", 250, "works"),
            "{code}"
        );
        assert!(
            server
                .commands()
                .iter()
                .any(|line| line.starts_with("HELO "))
        );
        let encrypting = refusing(ScriptedServer::setup().starttls());
        assert_eq!(
            verdict(&encrypting, &json!({})),
            told("tls", json!(null), "starttls_not_offered")
        );
        let knowing = refusing(
            ScriptedServer::setup()
                .offering("AUTH PLAIN")
                .knowing("me", "secret"),
        );
        assert_eq!(
            verdict(&knowing, &json!({})),
            told("auth", json!(null), "auth_not_offered")
        );
        let all = [encrypting.commands(), knowing.commands()].concat();
        assert!(
            all.iter()
                .all(|line| line.starts_with("EHLO ") || line.starts_with("HELO ")),
            "{all:?}"
        );
    }
    let neither = ScriptedServer::start()
        .on("*", Rule::say(At::Ehlo, "502 no\r\n"))
        .on("*", Rule::say(At::Helo, "550 not this name\r\n"));
    assert_eq!(verdict(&neither, &json!({})), told("ehlo", 550, "refused"));
    let later = ScriptedServer::start().on("*", Rule::say(At::Ehlo, "451 later\r\n"));
    assert_eq!(verdict(&later, &json!({})), told("ehlo", 451, "try_later"));
}
