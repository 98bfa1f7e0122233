//! Files for spreadsheets: the whole log, in step with the list, and no cell that a spreadsheet would run.

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::{Rule, ScriptedServer};

#[test]
fn the_file_of_the_log_has_what_the_log_has() {
    let server = ScriptedServer::start().on(
        "r2@example.org",
        Rule::refuse(550, "5.1.1 \"gone\", said he"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 4);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let answer = app.get(&alice, &format!("/attempts.csv?mailing_id={mailing}"));
    for path in ["/attempts.csv", "/stats.csv", "/stats/mailings.csv"] {
        let file = app.get(&alice, path);
        assert_eq!(file.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"attempts.csv\""
    );
    let rows = answer.rows();
    let log = app.log(&alice);
    let listed: Vec<Vec<String>> = log
        .iter()
        .map(|attempt| {
            let text = |field: &str| match &attempt[field] {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            };
            let (email, recipient) = (alice.email.clone(), &attempt["recipient"]);
            let mut row = vec![
                "2026-05-01T10:00:00.000Z".to_owned(),
                email,
                text("mailing_id"),
                text("run_id"),
            ];
            row.extend([
                recipient["id"].to_string(),
                recipient["email"].as_str().unwrap().to_owned(),
            ]);
            row.extend(
                [
                    "attempt_no",
                    "ok",
                    "outcome",
                    "stage",
                    "smtp_code",
                    "enhanced_code",
                    "response",
                    "duration_ms",
                ]
                .map(text),
            );
            row
        })
        .collect();
    assert_eq!((rows.len(), &rows[1..]), (5, listed.as_slice()));
    assert_eq!(
        app.get(&alice, "/attempts.csv?outcome=rejected")
            .rows()
            .len(),
        2
    );
    assert_eq!(
        app.get(&alice, "/attempts.csv?to=2026-05-01T10:00:00Z")
            .rows()
            .len(),
        1
    );
    app.get(&alice, "/attempts.csv?limit=5")
        .expect_invalid("limit", "unknown_field");
    app.get(&alice, "/attempts.csv?from=9999-01-01T00:00:00Z")
        .expect_invalid("from", "out_of_range");
}

#[test]
fn a_log_longer_than_what_is_read_at_once_comes_whole_and_in_order() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipients(&alice, 1600);
    app.mailing(&alice, &json!({}));
    app.tick();
    app.sql()
        .batch_execute(
            "UPDATE attempts SET at = at + make_interval(secs => (recipient_id % 7)::int)",
        )
        .unwrap();
    for person in [&alice, &manager] {
        let rows = app.get(person, "/attempts.csv").rows();
        let places: Vec<(String, i64)> = rows[1..]
            .iter()
            .map(|row| (row[0].clone(), row[4].parse().unwrap()))
            .collect();
        let mut sorted = places.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        sorted.dedup();
        assert_eq!((places.len(), &places), (1600, &sorted));
    }
}

#[test]
fn nothing_that_a_mail_server_or_a_user_writes_becomes_a_formula() {
    let server = ScriptedServer::start().on(
        "a@example.org",
        Rule::refuse(550, "=HYPERLINK(\"http://evil.example\")"),
    );
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "a@example.org");
    app.recipient(&alice, "=cmd@example.org");
    let message = json!({"subject": "@SUM(1+1)", "text": "Hello"});
    let message = app.post(&alice, "/messages", &message).id();
    app.mailing(&alice, &json!({"message_id": message}));
    app.tick();
    for path in ["/attempts.csv", "/stats/mailings.csv"] {
        let rows = app.get(&alice, path).rows();
        let formulas: Vec<_> = rows
            .iter()
            .flatten()
            .filter(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r']))
            .collect();
        assert!(formulas.is_empty(), "{path}: {formulas:?}");
        assert!(
            rows.iter().flatten().any(|cell| cell.starts_with('\'')),
            "{path}: {rows:?}"
        );
    }
}
