//! The commands, run as processes.

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::process::dispatch;
use crate::support::smtp_server::ScriptedServer;

#[test]
fn run_due_sends_what_is_due_once_and_says_what_it_did() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    app.mailing(&alice, &json!({"ends_at": "2099-01-01T00:00:00Z"}));
    let first = app.command(&["run-due"], &[]);
    assert!(first.ok, "{first:?}");
    assert_eq!(
        first.out,
        "mailings started: 1, mails prepared: 2, runs finished: 1\n"
    );
    let second = app.command(&["run-due"], &[]);
    assert_eq!(
        second.out,
        "mailings started: 0, mails prepared: 0, runs finished: 0\n"
    );
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn send_begins_a_run_and_waits_for_it() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let mailing = app.mailing(
        &alice,
        &json!({"ends_at": "2099-01-01T00:00:00Z", "recurrence": "monthly"}),
    );
    let sent = app.command(&["send", &mailing.to_string()], &[]);
    assert!(sent.ok, "{sent:?}");
    assert!(
        sent.out.contains("1 recipients, 1 accepted, 0 rejected"),
        "{}",
        sent.out
    );
    assert_eq!(app.last_run(&alice, mailing)["trigger"], "cli");
    assert_eq!(server.accepted().len(), 1);
    let nothing = app.command(&["send", "999"], &[]);
    assert_eq!(
        (nothing.ok, nothing.err.as_str()),
        (false, "dispatch: there is no mailing 999\n")
    );
}

#[test]
fn migrate_does_its_work_once() {
    let app = TestApp::start();
    let again = app.command(&["migrate"], &[]);
    assert_eq!(
        (again.ok, again.out.as_str()),
        (true, "the database is up to date\n")
    );
}

#[test]
fn demo_data_come_into_an_empty_database_only() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let seeded = app.command(&["seed-demo"], &[]);
    assert!(
        seeded.ok && seeded.out.contains("anna@dispatch.localhost"),
        "{seeded:?}"
    );
    let again = app.command(&["seed-demo"], &[]);
    assert_eq!(
        (again.ok, again.err.as_str()),
        (
            false,
            "dispatch: there are data already; use --force to add the demo to them\n"
        )
    );
    let sent = app.command(&["run-due"], &[]);
    assert!(sent.ok, "{sent:?}");
    assert_eq!(server.accepted().len(), 250);
}

#[test]
fn every_wrong_setting_is_named_before_anything_is_done() {
    let refused = dispatch(
        &["serve"],
        &[
            ("BIND", "here"),
            ("SMTP_URL", "http://x"),
            ("APP_SECRET", "short"),
        ],
    );
    assert!(!refused.ok);
    for name in ["BIND", "SMTP_URL", "APP_SECRET", "DATABASE_URL"] {
        assert!(
            refused.err.contains(&format!("- {name}")),
            "{name}: {}",
            refused.err
        );
    }
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let printed = dispatch(&["openapi"], &[]);
    assert!(printed.ok, "{printed:?}");
    let committed = include_str!("../../../openapi/openapi.json");
    assert!(
        printed.out == committed,
        "openapi/openapi.json is out of date: run `make generate`"
    );
}
