//! One delivery followed through the log, and its spans exported to a collector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::process::Ended;
use crate::support::smtp_server::ScriptedServer;

/// Sends a mailing to two recipients with these settings.
fn send_to_two(settings: &[(&str, &str)]) -> Ended {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    app.mailing(&alice, &json!({"ends_at": "2099-01-01T00:00:00Z"}));
    let sent = app.command(&["run-due"], settings);
    assert!(sent.ok, "{sent:?}");
    assert_eq!(server.accepted().len(), 2);
    sent
}

/// The value of this field in any of the spans of a line.
fn span_field<'a>(line: &'a Value, field: &str) -> Option<&'a Value> {
    let spans = line["spans"].as_array()?;
    spans.iter().find_map(|span| span.get(field))
}

#[test]
fn one_delivery_can_be_followed_through_the_json_log() {
    let log = send_to_two(&[
        ("RUST_LOG", "info,dispatch::engine=debug"),
        ("LOG_FORMAT", "json"),
    ])
    .err;
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let ended: Vec<_> = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "attempt ended")
        .collect();
    assert_eq!(ended.len(), 2, "{log}");
    let ids: Vec<_> = ended
        .iter()
        .map(|line| span_field(line, "delivery.id").unwrap())
        .collect();
    assert_ne!(ids[0], ids[1], "{log}");
    for line in &ended {
        assert_eq!(line["fields"]["outcome"], "accepted", "{line}");
        let names: Vec<_> = line["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span["name"].as_str().unwrap())
            .collect();
        assert_eq!(names[..3], ["run", "chunk", "delivery"], "{line}");
        assert!(span_field(line, "run.id").is_some(), "{line}");
        assert!(span_field(line, "chunk.id").is_some(), "{line}");
    }
    let opened = lines
        .iter()
        .find(|line| line["fields"]["message"] == "session opened");
    let opened = opened.expect("a session was opened");
    assert!(span_field(opened, "delivery.id").is_some(), "{opened}");
    assert!(span_field(opened, "server.name").is_some(), "{opened}");
    assert!(!log.contains("example.org"), "{log}");
}

#[test]
fn one_delivery_can_be_followed_through_the_text_log() {
    let log = send_to_two(&[("RUST_LOG", "info,dispatch::engine=debug")]).err;
    let ended: Vec<_> = log
        .lines()
        .filter(|line| line.contains("attempt ended"))
        .collect();
    assert_eq!(ended.len(), 2, "{log}");
    for line in ended {
        for part in ["run{run.id=", "chunk{chunk.id=", "delivery{delivery.id="] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[test]
fn by_default_the_log_has_no_line_for_each_mail() {
    let log = send_to_two(&[]).err;
    assert!(
        !log.contains("attempt ended") && !log.contains("delivery{"),
        "{log}"
    );
}

/// Accepts one export, and returns its path and body.
fn collector() -> (String, thread::JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let exported = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let (mut path, mut length) = (String::new(), 0);
        reader.read_line(&mut path).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        (&stream)
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .unwrap();
        (path, body)
    });
    (endpoint, exported)
}

#[test]
fn spans_are_exported_to_a_collector_if_one_is_configured() {
    let (endpoint, exported) = collector();
    send_to_two(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let (path, body) = exported.join().unwrap();
    assert!(path.starts_with("POST /v1/traces "), "{path}");
    for name in [
        "dispatch",
        "run",
        "chunk",
        "delivery",
        "smtp_session",
        "session.id",
    ] {
        let is_in = body.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(is_in, "{name}: {}", String::from_utf8_lossy(&body));
    }
}
