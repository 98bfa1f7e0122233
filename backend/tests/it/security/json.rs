//! Bodies that are not what they should be: never a 500, and always an answer that the document knows.

use serde_json::{Map, Value, json};

use super::{Operation, administrator, operations, say};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

/// The operations with a JSON body.
fn writes() -> Vec<Operation> {
    let writes: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.body.is_some())
        .collect();
    assert!(writes.len() >= 15, "{}", writes.len());
    writes
}

fn send(app: &TestApp, person: &Person, operation: &Operation, body: &str) -> Answer {
    let headers = [
        person.bearer(),
        ("content-type", "application/json".to_owned()),
    ];
    app.send_text(&operation.method, &operation.at("1"), &headers, body)
}

/// A body as the document's examples have it.
fn example(schema: &Value) -> Value {
    if schema["example"] != Value::Null {
        return schema["example"].clone();
    }
    if let Some(properties) = schema["properties"].as_object() {
        let examples = properties
            .iter()
            .map(|(name, schema)| (name.clone(), example(schema)));
        return Value::Object(examples.collect::<Map<_, _>>());
    }
    let first = |list: &Value| list.as_array().and_then(|list| list.first().cloned());
    match first(&schema["enum"]).or_else(|| first(&schema["oneOf"]).map(|schema| example(&schema)))
    {
        Some(value) => value,
        None if schema["format"] == "date-time" => json!("2026-06-01T10:00:00Z"),
        None if schema["type"].to_string().contains("\"array\"") => json!([1]),
        None if schema["type"].to_string().contains("\"integer\"") => json!(1),
        None if schema["type"].to_string().contains("\"boolean\"") => json!(true),
        None => json!("example"),
    }
}

#[test]
fn no_value_of_any_field_causes_an_internal_error() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let long = format!("\"{}\"", "я".repeat(10_000));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let values = [
        "null",
        "true",
        "0",
        "-1",
        "7",
        "1.5",
        "1e3",
        "1e400",
        "-0",
        "9223372036854775808",
        "123456789012345678901234567890",
        "\"\"",
        "\" \"",
        "\"x\"",
        "\"\\u0000\"",
        "\"a\\u0000b\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\\u202e\"",
        "\"a\\r\\nBcc: x@example.org\"",
        "\"\\u0085\"",
        "\"\\ufeff\"",
        "\"{{ '{{' }}\"",
        "\"{% for %}\"",
        "\"%\"",
        "\"'; --\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"9999-12-31T23:59:60Z\"",
        "\"+1000000000-01-01T00:00:00Z\"",
        "\"../../etc/passwd\"",
        "\"x@example.org\"",
        "\"x@[127.0.0.1]\"",
        "\"\\\"x\\\\\\\"@example.org\"",
        "\"x@\\u0131.org\"",
        "[]",
        "{}",
        "[null]",
        "[1]",
        "[-1]",
        "[\"x\"]",
        "{\"x\": 1}",
        "{\"all\": true}",
        "{\"ids\": []}",
        "{\"ids\": [9223372036854775807]}",
        "{\"q\": \"%\"}",
        &long,
        &deep,
    ];
    for operation in writes() {
        let schema = operation.body.as_ref().unwrap();
        let good = example(schema);
        for name in schema["properties"].as_object().unwrap().keys() {
            for value in values {
                let mut body = good.clone();
                body[name] = json!("here");
                let body = body.to_string().replacen(
                    &format!("\"{name}\":\"here\""),
                    &format!("\"{name}\":{value}"),
                    1,
                );
                let answer = send(&app, &admin, &operation, &body);
                operation.check(&answer, &format!("{name}: {value}"));
                // Half of a character, and NUL, which PostgreSQL cannot store.
                if value.contains("\\ud800") {
                    answer.expect_problem(400, "malformed");
                } else if value.contains("\\u0000") {
                    assert_eq!(answer.status, 422, "{operation:?} {name}: {}", answer.body);
                }
            }
        }
    }
    app.get(&admin, "/me").expect(200);
}

#[test]
fn what_is_not_one_json_object_is_malformed_everywhere() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for operation in writes() {
        for body in [
            "",
            " ",
            "null",
            "7",
            "\"x\"",
            "[]",
            "[{}]",
            "{",
            "{\"x\"",
            "{} {}",
            "{} x",
            "{}]",
            "{'x': 1}",
            "{x: 1}",
            "{\"x\": 01}",
            "{\"x\": NaN}",
            "{\"x\": 1,}",
            "\u{feff}{}",
            "// x\n{}",
            "a=b",
            &deep,
        ] {
            send(&app, &admin, &operation, body).expect_problem(400, "malformed");
        }
        let bearer = admin.bearer().1;
        let (method, path) = (&operation.method, operation.at("1"));
        let not_utf8 = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
        );
        let bytes = [not_utf8.as_bytes(), b"{\"x\":\"\xff\"}"].concat();
        assert!(
            say(&app, &bytes).starts_with("HTTP/1.1 400 "),
            "{method} {path}"
        );
    }
}

#[test]
fn a_field_that_is_unknown_or_comes_twice_is_named_everywhere() {
    let app = TestApp::start();
    let admin = administrator(&app);
    for operation in writes() {
        let good = example(operation.body.as_ref().unwrap());
        for name in [
            "role",
            "owner_id",
            "status",
            "no_such_field",
            "__proto__",
            "",
        ] {
            if good.get(name).is_some() {
                continue;
            }
            let mut body = good.clone();
            body[name] = json!("admin");
            let answer = send(&app, &admin, &operation, &body.to_string());
            answer.expect_invalid(name, "unknown_field");
        }
        let (name, value) = good.as_object().unwrap().iter().next().unwrap();
        let twice = good
            .to_string()
            .replacen('{', &format!("{{\"{name}\":{value},"), 1);
        send(&app, &admin, &operation, &twice).expect_invalid(name, "duplicate_field");
    }
}

#[test]
fn only_what_is_declared_as_json_is_read() {
    let app = TestApp::start();
    let admin = administrator(&app);
    for operation in writes() {
        let body = example(operation.body.as_ref().unwrap()).to_string();
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "json",
            "/",
        ] {
            let headers = [admin.bearer(), ("content-type", kind.to_owned())];
            let answer = app.send_text(&operation.method, &operation.at("1"), &headers, &body);
            answer.expect_problem(415, "unsupported_media_type");
        }
    }
}

#[test]
fn a_body_over_its_limit_is_refused_before_it_is_read() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let bearer = admin.bearer().1;
    for operation in writes() {
        let (method, path) = (&operation.method, operation.at("1"));
        for size in [
            "Content-Length: 99999999999\r\n\r\n",
            "Content-Length: 67108864\r\n\r\n",
        ] {
            let head = format!(
                "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\n"
            );
            let answer = say(&app, format!("{head}{size}{{").as_bytes());
            assert!(
                answer.starts_with("HTTP/1.1 413 "),
                "{method} {path}: {answer}"
            );
            assert!(answer.contains("payload_too_large"), "{answer}");
        }
    }
}
