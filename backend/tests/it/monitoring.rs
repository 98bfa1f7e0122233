//! What a running process tells of itself: metrics, health and log, as those who watch over it see them.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use yaml_rust2::YamlLoader;

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::people::Person;
use crate::support::process::Service;
use crate::support::smtp_server::{Rule, ScriptedServer};

const DASHBOARD: &str = include_str!("../../ops/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../ops/alerts.yml");

const SHOWN: [(&str, &str); 2] = [("METRICS_BIND", "127.0.0.1:0"), ("POLL_INTERVAL_MS", "50")];

/// Processes go by the machine's clock, which is far ahead of the tests'.
const END: &str = "2099-01-01T00:00:00Z";

#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where Redis is by their environment"
)]
fn redis_url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names a Redis for tests; `make test` brings one")
}

fn page(app: &TestApp, monitor: &str) -> String {
    let answer = app.send_to(&format!("{monitor}/metrics"), "GET", &[], None);
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").contains("openmetrics-text"));
    let page = String::from_utf8(answer.bytes).unwrap();
    assert!(page.ends_with("# EOF\n"), "{page}");
    page
}

/// The value of a series, by its name and labels as they stand there.
fn value(page: &str, series: &str) -> Option<f64> {
    let mut lines = page.lines();
    lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Names of ours in a query.
fn names(query: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = query.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with("dispatch_"))
        .map(str::to_owned)
        .collect()
}

fn queries(panel: &Value, found: &mut Vec<String>) {
    match panel {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(query) if name == "expr" => found.push(query.clone()),
                    other => queries(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

fn alice_of(app: &TestApp) -> Person {
    let alice = app.alice();
    for name in ["ann", "bob", "eve"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    alice
}

#[test]
fn after_a_sending_every_metric_that_the_dashboard_and_the_alerts_name_is_there() {
    let server =
        ScriptedServer::start().on("eve@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let alice = alice_of(&app);
    app.mailing(&alice, &json!({"ends_at": END}));
    let redis = redis_url();
    let service = Service::start(&app, &[&SHOWN[..], &[("REDIS_URL", &redis)]].concat());
    let monitor = service.monitor();
    let page = eventually("three attempts", || {
        let page = page(&app, &monitor);
        let of = |outcome| {
            value(
                &page,
                &format!("dispatch_attempts_total{{outcome=\"{outcome}\"}}"),
            )
        };
        (of("accepted") == Some(2.0) && of("rejected") == Some(1.0)).then_some(page)
    });
    assert_eq!(
        value(&page, "dispatch_attempt_duration_seconds_count"),
        Some(3.0)
    );
    app.send_to(&format!("{}/api/v1/home", service.url), "GET", &[], None);
    app.send_to(
        &format!("{}/api/v1/recipients/77?q=canary", service.url),
        "GET",
        &[],
        None,
    );
    app.send_to(&format!("{}/api/v1/canary", service.url), "GET", &[], None);
    let page = self::page(&app, &monitor);
    assert_eq!(value(&page, "dispatch_redis_up"), Some(1.0));
    assert!(
        value(
            &page,
            "dispatch_http_requests_total{method=\"GET\",route=\"/api/v1/recipients/{id}\",status=\"4xx\"}"
        ) == Some(1.0),
        "{page}"
    );
    assert!(
        !page.contains("canary"),
        "what clients send is no label: {page}"
    );

    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() > 12, "{asked:?}");
    let alerts = YamlLoader::load_from_str(ALERTS).unwrap();
    let rules = alerts[0]["groups"][0]["rules"].as_vec().unwrap();
    assert!(rules.len() > 6);
    for rule in rules {
        for field in [
            &rule["alert"],
            &rule["annotations"]["summary"],
            &rule["labels"]["severity"],
        ] {
            assert!(
                field.as_str().is_some_and(|text| !text.is_empty()),
                "{rule:?}"
            );
        }
        asked.push(rule["expr"].as_str().unwrap().to_owned());
    }
    let known = |name: &str| {
        page.lines().any(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        })
    };
    let unknown: Vec<_> = asked
        .iter()
        .flat_map(|query| names(query))
        .filter(|name| !known(name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?} in {page}");
}

#[test]
fn an_engine_alone_tells_what_waits_and_whether_it_is_well() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = alice_of(&app);
    app.mailing(&alice, &json!({"ends_at": END}));
    let late = app.mailing(&alice, &json!({"ends_at": END}));
    app.post(&alice, &format!("/mailings/{late}/pause"), &json!({}))
        .expect(204);
    let engine = Service::run(&app, &["engine"], &SHOWN);
    let monitor = engine.monitor();
    eventually("readiness", || {
        let ready = app.send_to(&format!("{monitor}/readyz"), "GET", &[], None);
        (ready.status == 200).then_some(())
    });
    assert_eq!(
        app.send_to(&format!("{monitor}/healthz"), "GET", &[], None)
            .status,
        200
    );
    eventually("the mails of what is not held", || {
        (server.taken() == 3).then_some(())
    });
    let page = eventually("an empty queue", || {
        let page = page(&app, &monitor);
        let waiting = value(&page, "dispatch_deliveries_waiting{state=\"pending\"}");
        (waiting == Some(0.0)).then_some(page)
    });
    for (series, expected) in [
        ("dispatch_database_up", 1.0),
        ("dispatch_redis_configured", 0.0),
        ("dispatch_scheduler_lag_seconds", 0.0),
        ("dispatch_mail_servers_shut{server=\"installation\"}", 0.0),
        ("dispatch_db_connections_max", 8.0),
    ] {
        assert_eq!(value(&page, series), Some(expected), "{series}: {page}");
    }
    assert!(
        value(&page, "dispatch_process_resident_memory_bytes") > Some(1e6),
        "{page}"
    );
    let address = monitor.trim_start_matches("http://");
    let nobody = ("BIND", "127.0.0.1:9");
    for arguments in [&["healthcheck"][..], &["healthcheck", "--engine"]] {
        let asked = app.command(arguments, &[nobody, ("METRICS_BIND", address)]);
        assert_eq!(
            (asked.code, asked.out.as_str()),
            (Some(0), "ready\n"),
            "{asked:?}"
        );
    }
    let away = app.command(&["healthcheck"], &[("BIND", "127.0.0.1:9")]);
    assert!(
        away.code == Some(1) && away.err.contains("no answer from 127.0.0.1:9"),
        "{away:?}"
    );
    engine.stop();
}

#[test]
fn without_an_engine_it_shows_for_how_long_mails_have_waited() {
    let app = TestApp::start();
    let alice = alice_of(&app);
    app.mailing(&alice, &json!({"ends_at": END}));
    let service = Service::run(&app, &["serve", "--no-engine"], &SHOWN);
    let monitor = service.monitor();
    let page = page(&app, &monitor);
    let day = 86_400.0;
    assert!(
        value(&page, "dispatch_scheduler_lag_seconds") > Some(day),
        "{page}"
    );
    assert_eq!(value(&page, "dispatch_scheduler_passes_total"), Some(0.0));
    let accepted = "dispatch_attempts_total{outcome=\"accepted\"}";
    assert_eq!(value(&page, accepted), Some(0.0), "{page}");
    let ready = app.send_to(&format!("{monitor}/readyz"), "GET", &[], None);
    assert_eq!(ready.status, 200, "the API lacks nothing");
    for path in ["/metrics", "/healthz", "/readyz"] {
        let head = app.send_to(&format!("{monitor}{path}"), "HEAD", &[], None);
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
    }
}

#[test]
fn a_service_that_is_not_ready_says_what_it_lacks() {
    let app = TestApp::start();
    let service = Service::start(&app, &[]);
    let bind = service.url.trim_start_matches("http://").to_owned();
    let healthcheck = || app.command(&["healthcheck"], &[("BIND", &bind)]);
    assert_eq!(healthcheck().out, "ready\n");
    app.sql()
        .batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = (SELECT max(version) FROM __diesel_schema_migrations)")
        .unwrap();
    let answer = app.send_to(&format!("{}/readyz", service.url), "GET", &[], None);
    assert_eq!(answer.status, 503);
    let head = app.send_to(&format!("{}/readyz", service.url), "HEAD", &[], None);
    assert_eq!((head.status, head.header("retry-after")), (503, "2"));
    assert_eq!(
        answer.body["reason"],
        "migrations are pending: run `dispatch migrate`"
    );
    let told = healthcheck();
    assert!(
        told.code == Some(1) && told.err.contains("migrations are pending"),
        "{told:?}"
    );
    let pending = app.command(&["migrate", "--check"], &[]);
    assert!(
        pending.code == Some(1) && pending.out.starts_with("pending ") && pending.err.is_empty(),
        "{pending:?}"
    );
}

#[test]
fn metrics_are_shown_nowhere_unless_that_is_asked_for() {
    let app = TestApp::start();
    let service = Service::start(&app, &[]);
    let nothing = app.send_to(&format!("{}/metrics", service.url), "GET", &[], None);
    assert_eq!(nothing.status, 404);
    assert!(!service.stop().contains("metrics listening"));
}

/// The lines of a log in JSON that tell of answers.
fn answers(log: &str) -> Vec<Value> {
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line));
    lines
        .filter(|line| line["fields"]["message"] == "answered")
        .collect()
}

#[test]
fn each_request_is_one_line_that_can_be_found_by_the_name_its_answer_has() {
    let app = TestApp::start();
    let admin = [
        ("ADMIN_EMAIL", "root@example.org"),
        ("ADMIN_PASSWORD", PASSWORD),
    ];
    assert!(app.command(&["create-admin"], &admin).ok);
    let settings = [
        ("LOG_FORMAT", "json"),
        ("TRUSTED_PROXIES", "1"),
        ("LIMITS", "0"),
    ];
    let service = Service::start(&app, &settings);
    let api = |path: &str| format!("{}/api/v1{path}", service.url);
    let body = json!({"email": "root@example.org", "password": PASSWORD});
    let signed_in = app
        .send_to(&api("/auth/sign-in"), "POST", &[], Some(&body))
        .expect(200);
    let bearer = (
        "authorization",
        format!("Bearer {}", signed_in["access_token"].as_str().unwrap()),
    );
    let named = ("x-request-id", "proxy-7.canary_ok".to_owned());
    let missing = app.send_to(
        &api("/recipients/5?q=secret"),
        "GET",
        &[bearer.clone(), named],
        None,
    );
    assert_eq!(missing.header("x-request-id"), "proxy-7.canary_ok");
    assert_eq!(missing.body["request_id"], "proxy-7.canary_ok");
    for bad in ["a b", "line\tbreak", &"x".repeat(65), "{\"a\":1}"] {
        let other = app.send_to(
            &api("/home"),
            "GET",
            &[("x-request-id", bad.to_owned())],
            None,
        );
        assert_ne!(other.header("x-request-id"), bad);
        assert_eq!(other.header("x-request-id").len(), 36);
    }
    app.send_to(&format!("{}/readyz", service.url), "GET", &[], None);
    let log = service.stop();
    let lines = answers(&log);
    assert_eq!(lines.len(), 6, "{log}");
    let of_it: Vec<_> = lines
        .iter()
        .filter(|line| line["span"]["request_id"] == "proxy-7.canary_ok")
        .collect();
    let [line] = of_it.as_slice() else {
        panic!("{log}")
    };
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["span"]["http.route"], "/api/v1/recipients/{id}");
    assert_eq!(line["span"]["http.method"], "GET");
    assert_eq!(line["fields"]["status"], 404);
    assert_eq!(line["fields"]["user.id"], signed_in["user"]["id"]);
    assert!(line["fields"]["duration_ms"].is_u64());
    for private in ["secret", "root@example.org", PASSWORD] {
        assert!(!log.contains(private), "{private}: {log}");
    }
}

#[test]
fn without_a_proxy_nobody_else_names_a_request() {
    let app = TestApp::start();
    let service = Service::start(&app, &[]);
    let named = [("x-request-id", "mine".to_owned())];
    let answer = app.send_to(&format!("{}/api/v1/home", service.url), "GET", &named, None);
    assert_ne!(answer.header("x-request-id"), "mine");
    let log = service.stop();
    assert!(
        log.contains("answered status=200") && log.contains("http.route=\"/api/v1/home\""),
        "{log}"
    );
    assert!(!log.contains("mine"), "{log}");
}
