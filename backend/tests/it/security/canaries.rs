//! Secrets stay out of the log, also when it tells all it knows: they are sent through a running process, then looked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::process::Service;
use crate::support::smtp_server::{Mail, ScriptedServer};

const EMAIL: &str = "canary.address@example.org";
const PASSWORD: &str = "canary-password-of-somebody";
const WRONG: &str = "canary-password-that-is-wrong";
const SMTP_PASSWORD: &str = "canary-smtp-password";
const APP_SECRET: &str = "canary-app-secret-of-32-characters";
const OWN_PASSWORD: &str = "canary-own-server-password";
const REDIS_PASSWORD: &str = "canary-redis-password";

/// The token of a mailed link.
fn token_in(mail: &Mail) -> String {
    let words = mail.words();
    let (_, behind) = words.split_once("#token=").expect("a link");
    let of_token = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    behind.chars().take_while(of_token).collect()
}

#[test]
fn no_secret_and_no_address_is_ever_logged() {
    let server = ScriptedServer::setup()
        .offering("AUTH PLAIN LOGIN")
        .knowing("mailer", SMTP_PASSWORD)
        .start();
    let app = TestApp::start_with(&[("SMTP_URL", &server.url())]);
    let redis = format!("redis://:{REDIS_PASSWORD}@127.0.0.1:9");
    let service = Service::start(
        &app,
        &[
            ("SMTP_URL", &server.url()),
            ("APP_SECRET", APP_SECRET),
            ("REDIS_URL", &redis),
            ("OWN_SMTP_NETWORKS", "127.0.0.1"),
            ("OWN_SMTP_PORTS", &server.port().to_string()),
            ("RUST_LOG", "trace"),
            ("POLL_INTERVAL_MS", "50"),
        ],
    );
    let post = |path: &str, headers: &[(&str, String)], body: &Value| -> Answer {
        app.send_to(
            &format!("{}/api/v1{path}", service.url),
            "POST",
            headers,
            Some(body),
        )
    };
    let with = |password: &str| json!({"email": EMAIL, "password": password});

    post("/auth/sign-up", &[], &with(PASSWORD)).expect(202);
    let mail = eventually("the mail with the link", || server.accepted().pop());
    let link = token_in(&mail);
    post(
        "/auth/confirm",
        &[],
        &json!({"token": "canary-token-that-is-none"}),
    )
    .expect(422);
    post("/auth/confirm", &[], &json!({"token": link})).expect(204);
    post("/auth/sign-in", &[], &with(WRONG)).expect(401);
    // Mistakes are told to whoever makes them, and to nobody else.
    post(
        "/auth/sign-in",
        &[],
        &json!({"email": EMAIL, "password": {"canary-key": 1}}),
    )
    .expect(422);
    post("/auth/sign-in", &[], &json!("canary-password-as-the-body")).expect(400);
    let signed_in = post("/auth/sign-in", &[], &with(PASSWORD));
    let mut cookies = vec![cookie_of(&signed_in)];
    let mut tokens = vec![token_of(signed_in)];
    let refreshed = post(
        "/auth/refresh",
        &[("cookie", cookies[0].clone())],
        &json!({}),
    );
    cookies.push(cookie_of(&refreshed));
    tokens.push(token_of(refreshed));
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    for (token, status) in [
        (tokens[1].as_str(), 200),
        ("canary-access-token", 401),
        ("dsp_canary-api-token", 401),
    ] {
        let me = app.send_to(
            &format!("{}/api/v1/me", service.url),
            "GET",
            &[bearer(token)],
            None,
        );
        assert_eq!(me.status, status);
    }
    bring_a_server(&app, &service.url, &bearer(&tokens[1]), &server);
    let search = format!("{}/api/v1/recipients?q=canary-search", service.url);
    app.send_to(&search, "GET", &[bearer(&tokens[1])], None)
        .expect(200);
    for link in [
        "unsubscribe/canary-link-to-unsubscribe",
        "letters/canary-link-to-a-letter",
    ] {
        let link = format!("{}/api/v1/{link}", service.url);
        app.send_to(&link, "GET", &[], None).expect(404);
    }
    post(
        "/auth/sign-out",
        &[("cookie", cookies[1].clone())],
        &json!({}),
    )
    .expect(204);
    let log = service.stop();

    let mut secrets = vec!["canary".to_owned(), link];
    secrets.extend(tokens);
    secrets.extend(
        cookies
            .iter()
            .map(|cookie| cookie.split_once('=').unwrap().1.to_owned()),
    );
    assert_untold(&log, secrets);
}

/// A server of a user's own, which refuses his password, and one that is not described well.
fn bring_a_server(app: &TestApp, url: &str, bearer: &(&str, String), server: &ScriptedServer) {
    let mut described = server.described();
    described["password"] = json!(OWN_PASSWORD);
    let url = format!("{url}/api/v1/smtp-servers");
    let headers = [(bearer.0, bearer.1.clone())];
    let post = |url: &str, body: &Value| app.send_to(url, "POST", &headers, Some(body));
    let brought = post(&url, &described).expect(201);
    assert!(!brought.to_string().contains("canary"), "{brought}");
    let test = post(&format!("{url}/{}/test", brought["id"]), &json!({})).expect(200);
    assert_eq!(test["advice"], "credentials_refused");
    described["dkim"] =
        json!({"domain": "example.org", "selector": "one", "private_key": "canary-dkim-key"});
    described["password"] = json!("canary\u{1}control");
    let refused = post(&url, &described).expect(422);
    assert!(!refused.to_string().contains("canary"), "{refused}");
}

/// Fails if the log, which must be at its most talkative, has one of these or a password in another shape.
fn assert_untold(log: &str, mut secrets: Vec<String>) {
    assert!(
        log.contains("signed in") && log.contains("TRACE"),
        "the log tells all it knows"
    );
    secrets.extend([
        STANDARD.encode(format!("\0mailer\0{SMTP_PASSWORD}")),
        STANDARD.encode(SMTP_PASSWORD),
        STANDARD.encode(format!("\0mailer\0{OWN_PASSWORD}")),
        STANDARD.encode(OWN_PASSWORD),
        STANDARD.encode(PASSWORD),
    ]);
    for secret in secrets {
        let told = log.lines().find(|line| line.contains(&secret));
        assert!(told.is_none(), "{secret}: {}", told.unwrap_or_default());
    }
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().expect("a cookie").to_owned()
}

fn token_of(answer: Answer) -> String {
    answer.expect(200)["access_token"]
        .as_str()
        .expect("a token")
        .to_owned()
}
