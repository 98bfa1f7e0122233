//! A stored password is sent only to the host, port, encryption and user name that it was given for, whatever
//! sequence of changes is made in the owner's session.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use dispatch::core::db::schema::smtp_servers;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// Accepts any credentials on both plain and encrypted connections.
fn greedy() -> ScriptedServer {
    ScriptedServer::setup()
        .starttls()
        .offering("AUTH PLAIN")
        .knowing("ann", "secret")
        .start()
}

/// The user names and passwords sent with AUTH in these lines of a conversation.
fn told(conversation: &[String]) -> Vec<(String, String)> {
    let plain = conversation
        .iter()
        .filter_map(|line| line.strip_prefix("AUTH PLAIN "));
    plain
        .map(|encoded| {
            let bytes = STANDARD.decode(encoded.trim()).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            (parts.next().unwrap(), parts.next().unwrap())
        })
        .collect()
}

/// A server of Alice's at the first of these, reached in clear text as `ann`.
fn stored(app: &TestApp, alice: &Person, at: &ScriptedServer) -> String {
    let plain = json!({"tls": "none", "host": "127.0.0.1"});
    format!("/smtp-servers/{}", app.own_server(alice, at, &plain))
}

fn test(app: &TestApp, alice: &Person, path: &str) {
    app.post(alice, &format!("{path}/test"), &Value::Null)
        .expect(200);
}

#[test]
fn a_password_survives_no_change_of_where_it_goes_or_whose_it_is() {
    let (server, other) = (greedy(), greedy());
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&server, &other]);
    let alice = app.alice();
    let path = stored(&app, &alice, &server);
    for changed in [
        json!({"host": "localhost"}),
        json!({"port": other.port()}),
        json!({"tls": "starttls"}),
        json!({"username": "bob"}),
        json!({"username": "bob", "host": "localhost", "port": other.port()}),
    ] {
        let refused = app.patch(&alice, &path, &changed);
        let problem = refused.expect_problem(422, "validation_failed");
        assert_eq!(problem["fields"][0]["field"], "password", "{changed}");
    }
    let same = json!({"host": "127.0.0.1", "port": server.port(), "tls": "none", "username": "ann", "name": "Renamed"});
    let kept = app.patch(&alice, &path, &same).expect(200);
    assert_eq!(kept["has_password"], true);
}

#[test]
fn a_password_goes_with_its_user_name_and_does_not_wait_for_another() {
    let (server, other) = (greedy(), greedy());
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&server, &other]);
    let alice = app.alice();
    let path = stored(&app, &alice, &server);
    let away = json!({"username": null, "port": other.port()});
    let moved = app.patch(&alice, &path, &away).expect(200);
    assert_eq!(moved["has_password"], false);
    app.patch(&alice, &path, &json!({"username": "ann"}))
        .expect_invalid("password", "required");
    test(&app, &alice, &path);
    assert_eq!(told(&other.commands()), []);
}

#[test]
fn a_password_that_was_left_without_a_user_name_is_never_told() {
    let server = greedy();
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&server]);
    let alice = app.alice();
    let path = stored(&app, &alice, &server);
    diesel::update(smtp_servers::table)
        .set(smtp_servers::username.eq(None::<String>))
        .execute(&mut app.sql())
        .unwrap();
    app.patch(&alice, &path, &json!({"username": "ann"}))
        .expect_invalid("password", "required");
    test(&app, &alice, &path);
    assert_eq!(told(&server.commands()), []);
}

/// The fields of a change; ports identify the servers.
#[derive(Debug, Clone)]
struct Change {
    host: Option<&'static str>,
    server: Option<usize>,
    tls: Option<&'static str>,
    /// `Some("")`: `null`.
    username: Option<&'static str>,
    /// `Some(true)`: a new one; `Some(false)`: `null`.
    password: Option<bool>,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let names = prop_oneof![Just(""), Just("ann"), Just("bob")];
    let host = option::weighted(0.3, prop_oneof![Just("127.0.0.1"), Just("localhost")]);
    let tls = option::weighted(0.3, prop_oneof![Just("none"), Just("starttls")]);
    let change = (
        host,
        option::weighted(0.4, 0_usize..2),
        tls,
        option::weighted(0.5, names),
        option::weighted(0.3, proptest::bool::ANY),
    );
    let change = change.prop_map(|(host, server, tls, username, password)| Change {
        host,
        server,
        tls,
        username,
        password,
    });
    vec(change, 1..7)
}

fn body(change: &Change, ports: [u16; 2], new_password: &str) -> Value {
    let mut body = json!({});
    if let Some(host) = change.host {
        body["host"] = json!(host);
    }
    if let Some(server) = change.server {
        body["port"] = json!(ports[server]);
    }
    if let Some(tls) = change.tls {
        body["tls"] = json!(tls);
    }
    if let Some(username) = change.username {
        body["username"] = json!(Some(username).filter(|name| !name.is_empty()));
    }
    match change.password {
        Some(true) => body["password"] = json!(new_password),
        Some(false) => body["password"] = Value::Null,
        None => {}
    }
    body
}

/// The address and user name of a server.
fn target(server: &Value) -> String {
    json!([
        server["host"],
        server["port"],
        server["tls"],
        server["username"]
    ])
    .to_string()
}

#[test]
fn no_sequence_of_changes_tells_a_password_to_another_server_or_under_another_name() {
    let servers = [greedy(), greedy()];
    let ports = [servers[0].port(), servers[1].port()];
    let app = TestApp::letting_in(&ScriptedServer::start(), &[&servers[0], &servers[1]]);
    let alice = app.alice();
    proptest!(Config { cases: 48, failure_persistence: None, ..Config::default() }, |(sequence in changes())| {
        let path = stored(&app, &alice, &servers[0]);
        let mut given = HashSet::from([(target(&app.get(&alice, &path).expect(200)), "secret".to_owned())]);
        for (step, change) in sequence.iter().enumerate() {
            let new_password = format!("password-{step}");
            let changed = app.patch(&alice, &path, &body(change, ports, &new_password));
            let now = app.get(&alice, &path).expect(200);
            if changed.status == 200 && change.password == Some(true) {
                given.insert((target(&now), new_password));
            }
            let before = servers.each_ref().map(|server| server.commands().len());
            test(&app, &alice, &path);
            for (server, before) in servers.iter().zip(before) {
                let conversation = server.commands()[before..].to_vec();
                let encrypted = conversation.iter().any(|line| line == "STARTTLS");
                for (username, password) in told(&conversation) {
                    assert_eq!(
                        json!([server.port(), if encrypted { "starttls" } else { "none" }, username]),
                        json!([now["port"], now["tls"], now["username"]])
                    );
                    assert!(given.contains(&(target(&now), password.clone())), "{password} {now} {given:?}");
                }
            }
        }
        app.delete(&alice, &path).expect(204);
    });
}
