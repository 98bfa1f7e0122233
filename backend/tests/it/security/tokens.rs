//! Access tokens: ours, for access, of a live session, not expired; anything else is worth nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;

/// The claims of a token that is good for ten minutes.
fn claims(app: &TestApp, person: &Person) -> Value {
    let now = app.now().timestamp();
    json!({
        "iss": "dispatch", "aud": "dispatch-api", "sub": person.id.to_string(), "sid": person.session_id,
        "purpose": "access", "iat": now, "exp": now + 600,
    })
}

fn signed(app: &TestApp, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(&app.services.config.secrets.jwt);
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn status(app: &TestApp, token: &str) -> u16 {
    let bearer = ("authorization", format!("Bearer {token}"));
    let answer = app.send("GET", "/me", &[bearer], None);
    if answer.status != 200 {
        assert_eq!(answer.body["code"], "unauthenticated", "{}", answer.body);
    }
    answer.status
}

#[test]
fn a_token_without_one_of_its_claims_or_with_another_is_refused() {
    let app = TestApp::start();
    let alice = app.alice();
    let good = claims(&app, &alice);
    assert_eq!(status(&app, &signed(&app, Algorithm::HS256, &good)), 200);
    for claim in ["iss", "aud", "sub", "sid", "purpose", "exp"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(claim);
        let token = signed(&app, Algorithm::HS256, &without);
        assert_eq!(status(&app, &token), 401, "without {claim}");
    }
    for (claim, value) in [
        ("iss", json!("somebody")),
        ("aud", json!("dispatch")),
        ("aud", json!([])),
        ("purpose", json!("confirm")),
        ("purpose", json!("refresh")),
        ("purpose", json!(null)),
        ("sid", json!(999_999)),
        ("sid", json!("1")),
        ("sid", json!(1e300)),
        ("exp", json!("tomorrow")),
        ("exp", json!(0)),
        ("exp", json!(-1)),
    ] {
        let mut other = good.clone();
        other[claim] = value.clone();
        let token = signed(&app, Algorithm::HS256, &other);
        assert_eq!(status(&app, &token), 401, "{claim} = {value}");
    }
}

#[test]
fn a_token_is_valid_for_ten_minutes_plus_five_seconds_of_leeway() {
    let app = TestApp::start();
    let token = signed(&app, Algorithm::HS256, &claims(&app, &app.alice()));
    app.wait(TimeDelta::seconds(605));
    assert_eq!(status(&app, &token), 200);
    app.wait(TimeDelta::seconds(1));
    assert_eq!(status(&app, &token), 401);
}

#[test]
fn no_other_algorithm_is_accepted_including_none() {
    let app = TestApp::start();
    let good = claims(&app, &app.alice());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_eq!(status(&app, &signed(&app, algorithm, &good)), 401);
    }
    let body = URL_SAFE_NO_PAD.encode(good.to_string());
    let signature = signed(&app, Algorithm::HS256, &good);
    let (_, signature) = signature.rsplit_once('.').unwrap();
    for algorithm in ["none", "None", "NONE", "hs256", "RS256", "ES256", ""] {
        let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
        let header = URL_SAFE_NO_PAD.encode(header);
        for signature in ["", signature] {
            let token = format!("{header}.{body}.{signature}");
            assert_eq!(status(&app, &token), 401, "{algorithm}");
        }
    }
}

#[test]
fn malformed_tokens_are_rejected_like_invalid_ones() {
    let app = TestApp::start();
    let alice = app.alice();
    let long = "a".repeat(10_000);
    for token in ["", ".", "..", "a.b.c", "null", "dsp_", "dsp_unknown", &long] {
        assert_eq!(status(&app, token), 401, "{token:.20}");
    }
    // The scheme is part of it.
    for header in [
        alice.token(),
        format!("Basic {}", alice.token()),
        format!("Bearer{}", alice.token()),
        "Bearer".to_owned(),
    ] {
        let answer = app.send("GET", "/me", &[("authorization", header)], None);
        answer.expect_problem(401, "unauthenticated");
    }
}

#[test]
fn responses_with_tokens_are_not_cached() {
    let app = TestApp::start();
    let browser = app.browser("ada@example.org");
    let cookie = [("cookie", browser.cookie.clone())];
    for path in ["/auth/refresh", "/auth/sign-out"] {
        let answer = app.send("POST", path, &cookie, None);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    for path in ["/auth/sign-in", "/auth/sign-up", "/auth/confirm/resend"] {
        let answer = app.call(
            path,
            &match path {
                "/auth/confirm/resend" => json!({"email": "ada@example.org"}),
                _ => json!({"email": "ada@example.org", "password": crate::support::accounts::PASSWORD}),
            },
        );
        assert!(answer.status < 300, "{path}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}
