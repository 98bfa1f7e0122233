//! Requests that are rejected anyway do not query the database.

use chrono::TimeDelta;
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Nullable, Text};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::people::Person;

#[derive(diesel::QueryableByName)]
struct Last {
    #[diesel(sql_type = Nullable<Text>)]
    at: Option<String>,
}

/// When the app last queried its database.
fn last_statement(app: &TestApp) -> Option<String> {
    let last: Last = diesel::sql_query(
        "SELECT max(query_start)::text AS at FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .get_result(&mut app.sql())
    .unwrap();
    last.at
}

/// Fails if the database is queried meanwhile.
#[track_caller]
fn unasked<T>(app: &TestApp, work: impl FnOnce() -> T) -> T {
    let before = last_statement(app);
    let done = work();
    assert_eq!(last_statement(app), before);
    done
}

fn bearer(token: &str) -> [(&'static str, String); 1] {
    [("authorization", format!("Bearer {token}"))]
}

fn api_token(app: &TestApp, owner: &Person) -> String {
    let body = json!({"name": "One", "scope": "full"});
    let made = app.post(owner, "/me/tokens", &body).expect(201);
    made["token"].as_str().unwrap().to_owned()
}

/// The text with a different character at this position.
fn changed(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_forged_token_causes_no_query() {
    let app = TestApp::start();
    let ada = app.browser("ada@example.org");
    let alice = app.alice();
    let good = api_token(&app, &alice);
    app.send("GET", "/recipients", &bearer(&good), None)
        .expect(200);
    let jwt = alice.token();
    let reset_token = app.reset_token("ada@example.org");
    unasked(&app, || {
        let tokens = [
            "x".to_owned(),
            "dsp_".to_owned(),
            "a.b.c".to_owned(),
            changed(&jwt, jwt.len() - 20),
            changed(&jwt, 50),
            changed(&good, 4),
            changed(&good, 30),
            changed(&good, good.len() - 3),
            format!("{good}A"),
            format!("dsp_{}", "A".repeat(51)),
        ];
        for token in &tokens {
            for path in ["/recipients", "/me", "/mailings/1"] {
                let answer = app.send("GET", path, &bearer(token), None);
                answer.expect_problem(401, "unauthenticated");
            }
        }
        let (name, value) = ada.cookie.split_once('=').unwrap();
        let cookies = [
            changed(value, 3),
            changed(value, value.len() - 3),
            format!("{value}A"),
            "x".to_owned(),
            // The form of cookies before they had a MAC.
            value[..43].to_owned(),
        ];
        for value in cookies {
            app.refresh(&format!("{name}={value}"))
                .expect_problem(401, "unauthenticated");
        }
        for path in ["/images", "/avatars"] {
            app.send("GET", &format!("{path}/x.php"), &[], None)
                .expect_problem(404, "not_found");
        }
        let sizes = [42, 43, 65, 86, 200].map(|size| "A".repeat(size));
        let tokens = sizes.iter().map(String::as_str);
        for token in tokens.chain(["x", "", &reset_token[..43], &changed(&reset_token, 50)]) {
            app.call("/auth/confirm", &json!({"token": token}))
                .expect_problem(422, "token_invalid");
            let reset = json!({"token": token, "password": "a password that is new"});
            app.call("/auth/password/reset", &reset)
                .expect_problem(422, "token_invalid");
            let mut sign_up =
                json!({"email": "eve@example.org", "password": "a password that is new"});
            sign_up["invitation"] = token.into();
            app.call("/auth/sign-up", &sign_up)
                .expect_problem(422, "token_invalid");
            for path in ["/unsubscribe", "/letters"] {
                app.send("GET", &format!("{path}/x{token}"), &[], None)
                    .expect_problem(404, "not_found");
            }
        }
    });
    app.refresh(&ada.cookie).expect(200);
    app.send("GET", "/recipients", &bearer(&good), None)
        .expect(200);
}

#[test]
fn a_token_without_a_mac_is_valid_and_forged_ones_cause_at_most_one_query() {
    let app = TestApp::start();
    let alice = app.alice();
    let old = format!("dsp_{}", "a".repeat(43));
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO api_tokens (user_id, name, scope, token_hash, created_at) VALUES ({}, 'Old', 'full', sha256('{old}'), now())",
            alice.id
        ))
        .unwrap();
    let ask = |token: &str| app.send("GET", "/recipients", &bearer(token), None);
    ask(&old).expect(200);
    unasked(&app, || {
        for n in 10..60 {
            ask(&format!("dsp_{}{n}", "b".repeat(41))).expect_problem(401, "unauthenticated");
        }
    });
    ask(&old).expect(200);
}

/// Settings with limits enabled, in this process only.
const LIMITED: [(&str, &str); 2] = [("SMTP_URL", "smtp://127.0.0.1:9"), ("LIMITS", "1")];

#[test]
fn a_request_over_the_limit_causes_no_query() {
    let app = TestApp::start_with(&LIMITED);
    let (alice, bob) = (app.alice(), app.bob());
    let token = api_token(&app, &bob);
    app.wait(TimeDelta::seconds(1));
    for credentials in [alice.token(), token] {
        let ask = |path: &str| app.send("GET", path, &bearer(&credentials), None);
        for _ in 0..20 {
            ask("/recipients").expect(200);
        }
        unasked(&app, || {
            for path in ["/recipients", "/mailings", "/messages/1", "/stats"] {
                ask(path).expect_problem(429, "too_many_requests");
            }
        });
    }
    let sign_in = |n: u32| {
        let body = json!({"email": format!("user{n}@example.org"), "password": "not the password"});
        app.call("/auth/sign-in", &body)
    };
    for n in 0..10 {
        sign_in(n).expect_problem(401, "invalid_credentials");
    }
    unasked(&app, || {
        for n in 10..20 {
            sign_in(n).expect_problem(429, "too_many_requests");
        }
    });
}

#[test]
fn unknown_picture_names_are_counted_before_they_are_queried() {
    let app = TestApp::start_with(&LIMITED);
    for path in ["/images", "/avatars"] {
        app.wait(TimeDelta::seconds(1));
        let ask = |n: u32| {
            let name = format!("{path}/{}{n}.webp", "x".repeat(40));
            app.send("GET", &name, &[], None)
        };
        for n in 0..100 {
            ask(n).expect_problem(404, "not_found");
        }
        unasked(&app, || {
            for n in 100..120 {
                ask(n).expect_problem(429, "too_many_requests");
            }
        });
    }
}

#[test]
fn a_session_whose_owner_is_not_known_yet_is_counted_before_it_is_looked_up() {
    let app = TestApp::start_with(&LIMITED);
    let alice = app.alice();
    // Revoked: the database is queried for the session once in five seconds, regardless of the result.
    app.sql()
        .batch_execute("UPDATE sessions SET revoked_at = now()")
        .unwrap();
    let ask = || app.get(&alice, "/recipients");
    let statuses: Vec<u16> = (0..25).map(|_| ask().status).collect();
    assert_eq!(
        (statuses[0], statuses[19], statuses[24]),
        (401, 401, 429),
        "{statuses:?}"
    );
    unasked(&app, || {
        ask().expect_problem(429, "too_many_requests");
    });
}
