//! What browsers are told with every answer, and which pages they let at the API.

use std::fs;
use std::path::PathBuf;

use crate::support::answer::Answer;
use crate::support::app::TestApp;

const NOTHING_FOREIGN: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const ELSEWHERE: &str = "https://elsewhere.example.org";

/// An app with a page to show.
struct Site {
    app: TestApp,
    dir: PathBuf,
}

impl Site {
    fn with(name: &str, settings: &[(&str, &str)]) -> Self {
        let dir = std::env::temp_dir().join(format!("headers-{name}-{}", std::process::id()));
        fs::create_dir_all(dir.join("assets")).unwrap();
        fs::write(dir.join("index.html"), "<!doctype html>").unwrap();
        fs::write(dir.join("logo.svg"), "<svg/>").unwrap();
        fs::write(dir.join("assets/app-1.js"), "1").unwrap();
        fs::write(dir.join("assets/photo-1.png"), "png").unwrap();
        let own = [
            ("SMTP_URL", "smtp://127.0.0.1:9"),
            ("FRONTEND_DIR", dir.to_str().unwrap()),
        ];
        let app = TestApp::start_with(&[settings, &own[..]].concat());
        Self { app, dir }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, String)]) -> Answer {
        self.app.send_to(
            &format!("http://{}{path}", self.app.address),
            method,
            headers,
            None,
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).ok();
    }
}

/// One answer of every kind: pages, files, the API's own and its failures, its document and Swagger UI.
const ANSWERS: [(&str, &str, u16); 15] = [
    ("GET", "/", 200),
    ("GET", "/mailings/7", 200),
    ("GET", "/logo.svg", 200),
    ("GET", "/assets/app-1.js", 200),
    ("GET", "/assets/photo-1.png", 200),
    ("GET", "/assets/app-0.js", 404),
    ("POST", "/mailings", 405),
    ("GET", "/healthz", 200),
    ("GET", "/api/openapi.json", 200),
    ("GET", "/api/docs/", 200),
    ("GET", "/api/v1/nothing", 404),
    ("PUT", "/api/v1/mailings", 405),
    ("GET", "/api/v1/mailings", 401),
    ("POST", "/api/v1/auth/sign-in", 415),
    ("POST", "/api/v1/auth/sign-out", 204),
];

#[test]
fn every_response_has_the_security_headers() {
    let site = Site::with("all", &[]);
    for (method, path, status) in ANSWERS {
        let answer = site.ask(method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        for (header, value) in [
            ("content-security-policy", NOTHING_FOREIGN),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(answer.header(header), value, "{method} {path}: {header}");
        }
    }
}

#[test]
fn the_page_of_a_letter_shows_pictures_from_elsewhere_and_lets_in_nothing_else() {
    let site = Site::with("letter", &[]);
    let with_pictures =
        NOTHING_FOREIGN.replace("img-src 'self' data:", "img-src 'self' https: data:");
    assert_ne!(with_pictures, NOTHING_FOREIGN);
    for (path, policy) in [
        ("/letter", with_pictures.as_str()),
        ("/letter?a=1", with_pictures.as_str()),
        ("/letters", NOTHING_FOREIGN),
        ("/letter/1", NOTHING_FOREIGN),
        ("/unsubscribe", NOTHING_FOREIGN),
    ] {
        let answer = site.ask("GET", path, &[]);
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[test]
fn inline_scripts_are_forbidden() {
    let policy: Vec<&str> = NOTHING_FOREIGN.split("; ").collect();
    assert!(policy.contains(&"default-src 'self'") && policy.contains(&"frame-ancestors 'none'"));
    assert!(!policy.iter().any(|rule| rule.starts_with("script-src")));
    // Swagger UI lives with that.
    let site = Site::with("swagger", &[]);
    let page = ureq::get(format!("http://{}/api/docs/", site.app.address))
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap();
    let scripts: Vec<&str> = page.split("<script").skip(1).collect();
    assert!(!scripts.is_empty(), "{page}");
    assert!(
        scripts
            .iter()
            .all(|script| script.split('>').next().unwrap().contains("src=\"./")),
        "{page}"
    );
}

#[test]
fn behind_tls_browsers_are_told_to_come_by_no_other_way() {
    let site = Site::with("tls", &[("PUBLIC_URL", "https://dispatch.example.org")]);
    for (method, path, _) in ANSWERS {
        let answer = site.ask(method, path, &[]);
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000",
            "{method} {path}"
        );
    }
}

fn origin(origin: &str) -> (&'static str, String) {
    ("origin", origin.to_owned())
}

fn preflight(site: &Site, from: &str) -> Answer {
    let asked = [
        origin(from),
        ("access-control-request-method", "PATCH".to_owned()),
        (
            "access-control-request-headers",
            "authorization,content-type,if-match".to_owned(),
        ),
    ];
    site.ask("OPTIONS", "/api/v1/mailings/1", &asked)
}

fn opened(answer: &Answer) -> Vec<&String> {
    let names = answer.headers.keys();
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

#[test]
fn pages_from_elsewhere_may_not_call_the_api() {
    let site = Site::with("closed", &[]);
    assert_eq!(opened(&preflight(&site, ELSEWHERE)), [""; 0]);
    for (method, path, status) in ANSWERS {
        let answer = site.ask(method, path, &[origin(ELSEWHERE)]);
        assert_eq!(opened(&answer), [""; 0], "{method} {path}");
        assert_eq!(answer.status, status, "{method} {path}");
    }
}

#[test]
fn configured_origins_may_call_the_api_without_cookies() {
    let site = Site::with("open", &[("CORS_ORIGINS", ELSEWHERE)]);
    let allowed = preflight(&site, ELSEWHERE);
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), ELSEWHERE);
    assert!(
        allowed
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    for (path, status) in [
        ("/api/v1/mailings", 401),
        ("/api/v1/nothing", 404),
        ("/healthz", 200),
    ] {
        let answer = site.ask("GET", path, &[origin(ELSEWHERE)]);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            ELSEWHERE,
            "{path}"
        );
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "",
            "{path}"
        );
        assert!(
            answer.header("vary").to_lowercase().contains("origin"),
            "{path}"
        );
    }
    for other in [
        "https://elsewhere.example.org.evil.example",
        "http://elsewhere.example.org",
        "null",
    ] {
        assert_eq!(
            preflight(&site, other).header("access-control-allow-origin"),
            "",
            "{other}"
        );
        let answer = site.ask("GET", "/api/v1/mailings", &[origin(other)]);
        assert_eq!(answer.header("access-control-allow-origin"), "", "{other}");
    }
}
