//! From one release to the next, and back: what a migration may do to tables that are in use, and which program runs on
//! which tables.

mod promise;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::MigrationHarness as _;
use serde_json::json;

use self::promise::broken_by;
use crate::support::app::TestApp;
use crate::support::process::Service;
use crate::support::smtp_server::{Rule, ScriptedServer};
use crate::support::tables::{apply_next, differing, migrations, tables, take_back_last};

/// The last migration of before anybody was promised anything. Those after it only add: the release before runs on them.
const BASELINE: &str = "20261121000024";
/// The last migration of before they had to lock one table at a time.
const BEFORE_SINGLE_LOCKS: &str = "20261127000001";

/// Something in most tables, so that a step that cannot be taken with data in them fails.
fn used_app() -> TestApp {
    let server =
        ScriptedServer::start().on("bob@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    for name in ["ann", "bob"] {
        app.recipient(&alice, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    app.post(&alice, &format!("/mailings/{mailing}/pause"), &json!({}))
        .expect(204);
    app.post(
        &alice,
        "/me/tokens",
        &json!({"name": "shop", "scope": "full"}),
    )
    .expect(201);
    let article = json!({"title": "Spring", "html": "<p>It is here.</p>"});
    app.post(&manager, "/articles", &article).expect(201);
    let block = json!({"reason": "for the test"});
    app.post(&manager, &format!("/users/{}/block", alice.id), &block)
        .expect(204);
    app
}

#[test]
fn each_migration_taken_back_and_applied_again_leaves_the_tables_as_they_were() {
    let app = used_app();
    let mut conn = app.sql();
    let whole = tables(&mut conn);
    for _ in conn.applied_migrations().expect("the list of them") {
        let before = tables(&mut conn);
        let taken_back = take_back_last(&mut conn);
        assert_eq!(apply_next(&mut conn), taken_back);
        let after = tables(&mut conn);
        assert_eq!(differing(&before, &after), [""; 0], "{taken_back}");
        take_back_last(&mut conn);
    }
    assert!(tables(&mut conn).is_empty());
    conn.run_pending_migrations(migrations())
        .expect("all of them apply");
    assert_eq!(differing(&whole, &tables(&mut conn)), [""; 0]);
}

#[test]
fn a_migration_takes_nothing_away_that_the_release_before_works_with() {
    let app = TestApp::start();
    let mut conn = app.sql();
    let later = conn.applied_migrations().expect("the list of them");
    let later = later
        .iter()
        .filter(|version| version.to_string().as_str() > BASELINE);
    for _ in 0..later.count() {
        take_back_last(&mut conn);
    }
    while matches!(conn.has_pending_migration(migrations()), Ok(true)) {
        let before = tables(&mut conn);
        let version = apply_next(&mut conn);
        assert_eq!(broken_by(&before, &tables(&mut conn)), [""; 0], "{version}");
    }
}

/// Tables that an engine writes to in one transaction while it sends. It waits for a migration that has locked one of
/// them; waiting for the next one then, the migration would wait for the engine.
const WRITTEN_TOGETHER: &str = "('attempts', 'chunks', 'deliveries', 'tallies')";

#[test]
fn a_migration_locks_one_table_at_most_that_an_engine_writes_to_while_it_sends() {
    #[derive(QueryableByName)]
    struct Locked {
        #[diesel(sql_type = Text)]
        relname: String,
    }
    let app = TestApp::start();
    let mut conn = app.sql();
    let applied = conn.applied_migrations().expect("the list of them");
    let later = applied
        .iter()
        .filter(|version| version.to_string().as_str() > BEFORE_SINGLE_LOCKS);
    for _ in 0..later.count() {
        take_back_last(&mut conn);
    }
    while matches!(conn.has_pending_migration(migrations()), Ok(true)) {
        conn.transaction(|conn| {
            let version = apply_next(conn);
            let locked: Vec<Locked> = diesel::sql_query(format!(
                "SELECT DISTINCT relname::text FROM pg_locks JOIN pg_class ON pg_class.oid = relation
                 WHERE pid = pg_backend_pid() AND relname IN {WRITTEN_TOGETHER}
                   AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
            ))
            .load(conn)?;
            let locked: Vec<_> = locked.iter().map(|table| &table.relname).collect();
            assert!(locked.len() <= 1, "{version} locks {locked:?}");
            QueryResult::Ok(())
        })
        .unwrap();
    }
}

#[test]
fn a_program_works_on_the_tables_of_a_newer_release_and_says_so() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "bob@example.org");
    let token = app.post(
        &alice,
        "/me/tokens",
        &json!({"name": "shop", "scope": "read"}),
    );
    let token = format!("Bearer {}", token.expect(201)["token"].as_str().unwrap());
    app.sql()
        .batch_execute(
            "ALTER TABLE recipients ADD COLUMN colour TEXT;
             INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000001')",
        )
        .unwrap();
    let service = Service::start(&app, &[]);
    let ready = format!("{}/readyz", service.url);
    assert_eq!(app.send_to(&ready, "GET", &[], None).status, 200);
    let page = format!("{}/api/v1/recipients", service.url);
    let page = app.send_to(&page, "GET", &[("authorization", token)], None);
    assert_eq!(page.expect(200)["total"], 1);
    let log = service.stop();
    let line = log.lines().find(|line| line.contains("newer release"));
    let line = line.unwrap_or_else(|| panic!("not said: {log}"));
    assert!(
        line.contains("INFO") && line.contains("99990101000001"),
        "{line}"
    );
}

#[test]
fn a_program_on_the_tables_of_an_older_release_ends_and_says_what_to_do() {
    let app = TestApp::start();
    let last = take_back_last(&mut app.sql());
    for command in [
        &["serve"][..],
        &["engine"],
        &["run-due"],
        &["send", "1"],
        &["create-admin"],
    ] {
        let ended = app.command(command, &[("BIND", "127.0.0.1:0")]);
        assert!(!ended.ok, "{command:?}");
        let told = "dispatch: 1 migrations are pending, beginning with ";
        let last_line = ended.err.lines().last().unwrap_or_default();
        assert!(
            last_line.starts_with(told) && last_line.ends_with(": run `dispatch migrate`"),
            "{}",
            ended.err
        );
        let version: String = last_line.chars().filter(char::is_ascii_digit).collect();
        assert!(version.contains(&last), "{last_line}");
    }
    assert!(app.command(&["migrate"], &[]).ok);
    assert!(app.command(&["run-due"], &[]).ok);
}

#[test]
fn what_a_newer_release_has_noted_in_the_journal_is_passed_over() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "bob@example.org");
    app.sql()
        .batch_execute(
            "ALTER TABLE events DROP CONSTRAINT events_kind_check, DROP CONSTRAINT events_subject_kind_check;
             INSERT INTO events (at, kind, subject_kind, subject_id, subject_name) VALUES
                 (now(), 'rocket_started', NULL, NULL, NULL), (now(), 'recipient_changed', 'rocket', 1, 'Saturn')",
        )
        .unwrap();
    let journal = app.get(&manager, "/events").expect(200);
    let told: Vec<_> = journal["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["kind"].as_str().unwrap(), event["subject"].is_null()))
        .collect();
    assert_eq!(
        told,
        [("recipient_changed", true), ("recipient_created", false)]
    );
}
