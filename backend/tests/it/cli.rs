//! The commands, run as processes.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::{articles, users};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::process::{Service, dispatch};
use crate::support::smtp_server::ScriptedServer;

#[test]
fn run_due_sends_due_mailings_once_and_prints_a_summary() {
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
fn send_starts_a_run_and_waits_for_it() {
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
        (false, "dispatch: mailing 999 does not exist\n")
    );
}

#[test]
fn migrate_applies_each_migration_once() {
    let app = TestApp::start();
    let again = app.command(&["migrate"], &[]);
    assert_eq!(
        (again.ok, again.out.as_str()),
        (true, "the database is up to date\n")
    );
}

#[test]
fn demo_data_are_added_to_an_empty_database_only() {
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
            "dispatch: the database contains data; use --force to add the demo data to it\n"
        )
    );
    let sent = app.command(&["run-due"], &[]);
    assert!(sent.ok, "{sent:?}");
    assert_eq!(server.accepted().len(), 250);
    let published = articles::table.filter(articles::is_published).count();
    assert_eq!(published.get_result(&mut app.sql()), Ok(3));
}

/// The password that was printed for this address.
fn password_of(printed: &str, email: &str) -> String {
    let line = printed.lines().find(|line| line.contains(email));
    let word = line.and_then(|line| line.split_whitespace().last());
    word.expect("a line with a password").to_owned()
}

#[test]
fn demo_accounts_have_random_passwords_that_are_printed_once() {
    let seeded = [TestApp::start(), TestApp::start()].map(|app| {
        let printed = app.command(&["seed-demo"], &[]).out;
        let emails = ["anna@dispatch.localhost", "admin@dispatch.localhost"];
        let passwords = emails.map(|email| password_of(&printed, email));
        for (email, password) in emails.iter().zip(&passwords) {
            app.sign_in(email, "dispatch-demo")
                .expect_problem(401, "invalid_credentials");
            app.sign_in(email, password).expect(200);
        }
        passwords
    });
    let different: HashSet<_> = seeded.iter().flatten().collect();
    assert_eq!(different.len(), 4, "{seeded:?}");
    assert!(different.iter().all(|password| password.len() >= 22));
}

#[test]
fn demo_accounts_use_the_configured_password() {
    let app = TestApp::start();
    let seeded = app.command(&["seed-demo"], &[("DEMO_PASSWORD", "dispatch-demo")]);
    assert!(seeded.ok, "{seeded:?}");
    app.sign_in("admin@dispatch.localhost", "dispatch-demo")
        .expect(200);
}

#[test]
fn demo_accounts_are_refused_in_production() {
    let app = TestApp::start();
    let production = [("APP_ENV", "production"), ("SIGN_UP", "closed")];
    for command in [&["seed-demo"][..], &["seed-demo", "--force"]] {
        let refused = app.command(command, &production);
        assert!(
            !refused.ok && refused.err.contains("APP_ENV=production"),
            "{refused:?}"
        );
    }
    let users = users::table.count().get_result(&mut app.sql());
    assert_eq!(users, Ok(0));
}

#[test]
fn all_invalid_settings_are_reported_before_anything_is_done() {
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
fn the_committed_document_matches_the_code() {
    let printed = dispatch(&["openapi"], &[]);
    assert!(printed.ok, "{printed:?}");
    let committed = include_str!("../../../openapi/openapi.json");
    assert!(
        printed.out == committed,
        "openapi/openapi.json is out of date: run `make generate`"
    );
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let program = dispatch(&["--help"], &[]);
    assert_eq!(program.code, Some(0));
    for told in [
        "Exit status: 0 success",
        "DATABASE_PASSWORD_FILE",
        ".env.example",
    ] {
        assert!(program.out.contains(told), "{}", program.out);
    }
    let (_, commands) = program.out.split_once("Commands:\n").unwrap();
    let commands: Vec<_> = commands
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert_eq!(commands.len(), 10, "{commands:?}");
    for command in commands {
        let explained = dispatch(&[command, "--help"], &[]);
        let example = format!("dispatch {command}");
        let (_, below) = explained.out.split_once("Example").expect(command);
        assert!(below.contains(&example), "{}", explained.out);
    }
    let misspelt = dispatch(&["sned", "7"], &[]);
    assert_eq!(misspelt.code, Some(2));
    assert!(misspelt.err.contains("send"), "{}", misspelt.err);
}

#[test]
fn migrate_check_fails_before_a_migration_and_passes_after_it() {
    let app = TestApp::start();
    let name = format!("empty_{:x}", rand::random::<u32>());
    app.sql()
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .unwrap();
    let (base, _) = app.services.config.database.url.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let at = [("DATABASE_URL", url.as_str())];
    let before = app.command(&["migrate", "--check"], &at);
    let migrated = app.command(&["migrate"], &at);
    let after = app.command(&["migrate", "--check"], &at);
    app.sql()
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .unwrap();
    assert_eq!((before.code, before.err.as_str()), (Some(1), ""));
    assert!(migrated.ok, "{migrated:?}");
    let pending: Vec<_> = before.out.lines().collect();
    let applied = migrated.out.replace("applied ", "pending ");
    assert_eq!(
        applied.lines().collect::<Vec<_>>(),
        pending,
        "in the same order"
    );
    assert!(pending.len() > 20);
    let told = migrated
        .err
        .lines()
        .filter(|line| line.starts_with("applying "));
    assert_eq!(told.count(), pending.len(), "{}", migrated.err);
    assert_eq!(
        (after.code, after.out.as_str()),
        (Some(0), "the database is up to date\n")
    );
}

#[test]
fn of_two_concurrent_migrations_the_second_waits_and_says_so() {
    let app = TestApp::start();
    let mut first = app.sql();
    first
        .batch_execute("SELECT pg_advisory_lock(7205759403)")
        .unwrap();
    let second = Service::run(&app, &["migrate"], &[]);
    eventually("that it waits", || {
        let log = second.log();
        log.contains("another process is migrating this database; waiting")
            .then_some(())
    });
    drop(first);
    assert_eq!(second.wait().0, Some(0));
}

#[test]
fn an_interrupted_run_due_finishes_mails_in_flight_and_loses_none() {
    let server = ScriptedServer::setup()
        .replying_after(Duration::from_millis(20))
        .start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 60);
    app.mailing(&alice, &json!({"ends_at": "2099-01-01T00:00:00Z"}));
    let one = [("SMTP_SESSIONS", "1")];
    let told = Service::run(&app, &["run-due"], &one);
    eventually("the first mails", || (server.taken() > 2).then_some(()));
    told.signal("TERM");
    let (code, log) = told.wait();
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("dispatch: interrupted; remaining mails are sent by"),
        "{log}"
    );
    assert!(server.taken() < 60, "it did not go on to the end");
    let rest = app.command(&["run-due"], &[]);
    assert!(rest.ok && rest.out.contains("runs finished: 1"), "{rest:?}");
    let copies = server.copies();
    assert!(
        copies.len() == 60 && copies.values().all(|copies| *copies == 1),
        "{copies:?}"
    );
}

#[test]
fn serve_and_engine_shut_down_on_signals() {
    let app = TestApp::start();
    for (arguments, said) in [
        (&["serve"][..], "API listening"),
        (&["serve", "--no-engine"], "API listening"),
        (&["engine"], "engine running"),
    ] {
        for signal in ["INT", "TERM"] {
            let running = Service::run(&app, arguments, &[]);
            eventually(said, || running.log().contains(said).then_some(()));
            running.signal(signal);
            let (code, log) = running.wait();
            assert_eq!(code, Some(0), "{arguments:?} {signal}: {log}");
            assert!(log.contains("shutting down; "), "{log}");
        }
    }
}

#[test]
fn a_closed_stdout_is_not_reported_as_an_error() {
    let piped = Command::new("sh")
        .args([
            "-c",
            "\"$0\" openapi | head -n 1",
            env!("CARGO_BIN_EXE_dispatch"),
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), "{\n");
    assert_eq!(String::from_utf8(piped.stderr).unwrap(), "");
}

#[test]
fn a_port_in_use_is_reported_with_its_setting() {
    let app = TestApp::start();
    let taken = app.address.to_string();
    for setting in ["BIND", "METRICS_BIND"] {
        let settings = [("BIND", "127.0.0.1:0"), (setting, &taken)];
        let refused = app.command(&["serve", "--no-engine"], &settings);
        let complaint = format!("dispatch: {setting}={taken}: Address already in use");
        assert!(
            refused.code == Some(1) && refused.err.contains(&complaint),
            "{refused:?}"
        );
    }
}
