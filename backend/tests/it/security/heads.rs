//! HEAD is answered like GET without the body, wherever GET is supported.

use std::collections::BTreeMap;
use std::fs;

use super::{administrator, operations, say};
use crate::support::app::TestApp;
use crate::support::process::Folder;

/// Status, headers and body of the response to this method.
fn ask(
    app: &TestApp,
    method: &str,
    path: &str,
    bearer: &str,
) -> (String, BTreeMap<String, String>, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nConnection: close\r\n\r\n"
    );
    let answer = say(app, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    });
    let headers = headers.filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    (status, headers.collect(), body.to_owned())
}

#[track_caller]
fn assert_alike(app: &TestApp, path: &str, bearer: &str) {
    let (status, headers, body) = ask(app, "HEAD", path, bearer);
    assert_eq!(body, "", "HEAD {path}");
    let (wanted, mut known, body) = ask(app, "GET", path, bearer);
    if body.contains("\"request_id\"") || !known.contains_key("content-length") {
        // Each response contains a different name.
        known.insert("content-length".to_owned(), String::new());
    }
    let mut headers = headers;
    if known["content-length"].is_empty() {
        headers.insert("content-length".to_owned(), String::new());
    }
    assert_eq!((status, headers), (wanted, known), "{path}");
}

#[test]
fn head_tells_what_get_would_say_of_every_operation() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let bearer = admin.bearer().1;
    let reads: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.method == "GET")
        .collect();
    assert!(reads.len() > 20, "{}", reads.len());
    for operation in &reads {
        for id in ["1", "999"] {
            let path = format!("/api/v1{}", operation.at(id));
            if path.ends_with("/live") && id == "1" {
                let (status, headers, body) = ask(&app, "HEAD", &path, &bearer);
                assert!(
                    status.contains(" 200 ") && body.is_empty(),
                    "{status} {body}"
                );
                assert_eq!(headers["content-type"], "text/event-stream");
            } else {
                assert_alike(&app, &path, &bearer);
                assert_alike(&app, &path, "Bearer nonsense");
            }
        }
    }
}

#[test]
fn head_tells_what_get_would_say_of_everything_beside_the_api() {
    let folder = Folder::new();
    fs::create_dir_all(folder.0.join("assets")).unwrap();
    folder.file("index.html", "<p>page</p>");
    folder.file("assets/app-1.js", "1");
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("FRONTEND_DIR", folder.0.to_str().unwrap()),
    ]);
    for path in [
        "/",
        "/mailings/7?tab=runs",
        "/assets/app-1.js",
        "/assets/app-0.js",
        "/healthz",
        "/readyz",
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/",
        "/api/nothing",
        "/api/v1/nothing",
    ] {
        assert_alike(&app, path, "none");
    }
}

#[test]
fn head_is_allowed_wherever_get_is() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let refused = app.send("HEAD", "/auth/sign-in", &[admin.bearer()], None);
    assert_eq!((refused.status, refused.header("allow")), (405, "POST"));
    let refused = app.send("PUT", "/recipients", &[admin.bearer()], None);
    assert!(
        refused.header("allow").contains("HEAD"),
        "{}",
        refused.header("allow")
    );
}

#[test]
fn an_article_that_is_only_asked_after_is_not_counted_as_read() {
    let app = TestApp::start();
    let manager = app.manager();
    let slug = app.published(&manager, "News");
    let path = format!("/articles/{slug}");
    for _ in 0..3 {
        app.send("HEAD", &path, &[], None).expect(200);
    }
    assert_eq!(app.read(&path).expect(200)["views"], 1);
    assert_alike(&app, &format!("/api/v1{path}"), "none");
}
