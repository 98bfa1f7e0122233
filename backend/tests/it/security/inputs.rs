//! Ids, pages, filters and methods that nobody in their right mind sends: never a 500, and always an answer that the
//! document knows.

use serde_json::json;

use super::{Operation, administrator, operations};
use crate::support::app::TestApp;

#[test]
fn an_unknown_id_is_not_found_whatever_its_form() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let ids = [
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e3",
        "1.0",
        "0x1",
        "x",
        "%00",
        "%FF",
        "%D9%A1",
        "%201",
        "1%20",
        "1%2F2",
        "..%2F1",
        "null",
        "'",
        "%25",
        "%F0%9F%92%A9",
    ];
    for operation in operations() {
        if !operation.path.contains('{') {
            continue;
        }
        let body = operation.body.as_ref().map(|_| json!({}));
        for id in ids {
            let headers = [admin.bearer()];
            let answer = app.send(
                &operation.method,
                &operation.at(id),
                &headers,
                body.as_ref(),
            );
            operation.check(&answer, id);
            assert!(
                answer.status >= 400,
                "{operation:?} {id}: {}",
                answer.status
            );
            if operation.method == "GET" {
                answer.expect_problem(404, "not_found");
            }
        }
    }
    app.get(&admin, "/me").expect(200);
}

#[test]
fn an_invalid_filter_is_rejected_with_its_name() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let long = "x".repeat(5000);
    let nonsense = [
        "0",
        "-1",
        "1000000000000000000",
        "9223372036854775808",
        "1e3",
        "1.5",
        "x",
        "%00",
        "%FF",
        "%ED%A0%80",
        "'",
        "%25",
        "%5C",
        "[]",
        "null",
        "true",
        "%F0%9F%92%A9",
        "%2B",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
        &long,
    ];
    for operation in operations() {
        let path = operation.at("1");
        for (name, schema) in &operation.query {
            for value in nonsense {
                let query = format!("{path}?{name}={value}");
                let answer = app.send(&operation.method, &query, &[admin.bearer()], None);
                operation.check(&answer, &query);
                let number = schema.to_string().contains("\"integer\"");
                let is_number = value.parse::<i64>().is_ok();
                let least = schema["minimum"].as_i64();
                let too_small = least
                    .zip(value.parse::<i64>().ok())
                    .is_some_and(|(least, n)| n < least);
                let never = value == "%00" || value == long || too_small;
                if never || (number && !is_number) {
                    answer.expect_invalid_named(name);
                }
            }
        }
        if !operation.query.is_empty() {
            let unknown = app.get(&admin, &format!("{path}?no_such_filter=1"));
            unknown.expect_invalid("no_such_filter", "unknown_field");
            let (name, _) = &operation.query[0];
            let twice = app.get(&admin, &format!("{path}?{name}=1&{name}=2"));
            operation.check(&twice, "the same twice");
        }
    }
}

#[test]
fn there_is_no_page_before_the_first_and_none_beyond_the_most() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let mut seen = 0;
    for operation in operations() {
        for (name, schema) in &operation.query {
            if !["page", "per_page", "limit"].contains(&name.as_str()) {
                continue;
            }
            seen += 1;
            let most = schema["maximum"].as_i64().expect("a list has its limit");
            let ask = |value: &str| {
                let query = format!("{}?{name}={value}", operation.at("1"));
                app.get(&admin, &query)
            };
            let more = (most + 1).to_string();
            for value in ["0", "-1", "1000000000000000000", "4294967296", &more] {
                ask(value).expect_invalid_named(name);
            }
            operation.check(&ask(&most.to_string()), name);
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn times_outside_2000_to_2100_are_rejected() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let mut seen = 0;
    for operation in operations() {
        for name in ["from", "to"] {
            if !operation.query.iter().any(|(known, _)| known == name) {
                continue;
            }
            seen += 1;
            for time in [
                "0000-01-01T00:00:00Z",
                "1999-12-31T23:59:59Z",
                "2101-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "%2B1000000000-01-01T00:00:00Z",
                "-0001-01-01T00:00:00Z",
                "2026-05-01T00:00:00%2B24:00",
                "2026-05-01T00:00:00-99:99",
                "2026-02-30T00:00:00Z",
                "2026-05-01T25:00:00Z",
                "2026-05-01",
                "1777600000",
                "now",
            ] {
                let query = format!("{}?{name}={time}", operation.at("1"));
                app.get(&admin, &query).expect_invalid_named(name);
            }
            for time in ["2026-06-30T23:59:60Z", "2026-05-01T00:00:00%2B23:59"] {
                let query = format!("{}?{name}={time}", operation.at("1"));
                operation.check(&app.get(&admin, &query), &query);
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn the_times_and_zone_of_a_mailing_are_ones_it_can_be_sent_in() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let mailing = |field: &str, value: &str| {
        let mut body = json!({
            "message_id": 1, "starts_at": "2026-06-01T10:00:00Z", "ends_at": "2026-07-01T10:00:00Z",
            "recurrence": "daily", "time_zone": "UTC", "recipients": {"all": true},
        });
        body[field] = json!(value);
        app.post(&admin, "/mailings", &body)
    };
    for field in ["starts_at", "ends_at"] {
        for time in [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "+1000000000-01-01T00:00:00Z",
            "2026-06-01T10:00:00+24:00",
            "2026-06-01T10:00:00",
            "",
        ] {
            mailing(field, time).expect_invalid_named(field);
        }
        let leap = mailing(field, "2026-06-30T23:59:60Z");
        assert!([201, 422].contains(&leap.status), "{}", leap.body);
    }
    for zone in [
        "../../etc/passwd",
        "/etc/passwd",
        "Europe/Moscow\u{0}",
        "Europe/Moscow\n",
        "Mars/Olympus",
        "",
        " ",
        "UTC+24",
        "posixrules",
        "Europe/МоскBа",
    ] {
        mailing("time_zone", zone).expect_invalid_named("time_zone");
    }
    // An old name of a zone is a name all the same.
    mailing("time_zone", "Europe/Kiev").expect(201);
}

#[test]
fn a_wrong_method_is_rejected_with_the_allowed_ones() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let operations = operations();
    for Operation { path, .. } in &operations {
        let known: Vec<&str> = operations
            .iter()
            .filter(|other| other.path == *path)
            .map(|other| other.method.as_str())
            .collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if known.contains(&method) {
                continue;
            }
            let at = path.replace("{id}", "1").replace("{token}", "x");
            let answer = app.send(method, &at, &[admin.bearer()], None);
            let mut allowed: Vec<_> = answer.header("allow").split(", ").collect();
            allowed.sort_unstable();
            let mut known = known.clone();
            known.extend(known.contains(&"GET").then_some("HEAD"));
            known.sort_unstable();
            assert_eq!(allowed, known, "{method} {path}");
            answer.expect_problem(405, "method_not_allowed");
        }
    }
}
