//! Many mailings due in the same second: they start in batches, the first of every owner before the second of any,
//! and the cost of a pass depends on the work to do.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::delivery::deliveries::claims;
use dispatch::engine::scheduler::{self, SchedulerPass};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// More than one batch.
const MANY: i64 = 250;

fn pass(app: &TestApp, conn: &mut PgConnection) -> SchedulerPass {
    let quotas = app.services.config.quotas;
    scheduler::pass(conn, &app.services.clock, quotas).expect("a pass")
}

/// Creates this many mailings of the owner, due now, to one recipient each; through the API this would take a while.
fn due_mailings(app: &TestApp, owner: &Person, count: i64) {
    let recipient = app.recipient(owner, "ann@example.org");
    let message = app.message(owner);
    insert_due(app, (owner.id, message, recipient), count);
}

fn insert_due(app: &TestApp, (owner, message, recipient): (i64, i64, i64), count: i64) {
    let now = app.now();
    app.sql()
        .batch_execute(&format!(
            "WITH new AS (
                 INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone,
                                       schedule_set_at, next_occurrence, next_run_at, created_at, updated_at)
                 SELECT {owner}, {message}, '{now}', 'once', 'UTC', '{now}', 0, '{now}', '{now}', '{now}'
                 FROM generate_series(1, {count}) RETURNING id)
             INSERT INTO mailing_recipients SELECT id, {recipient} FROM new",
        ))
        .unwrap();
}

/// Creates this many users with two due mailings each.
fn owners_with_two_due(app: &TestApp, count: i64) {
    let now = app.now();
    app.sql()
        .batch_execute(&format!(
            "WITH owner AS (
                 INSERT INTO users (email, full_name, password_hash, confirmed_at, created_at, updated_at)
                 SELECT 'owner' || n || '@example.org', 'Owner', '-', '{now}', '{now}', '{now}'
                 FROM generate_series(1, {count}) n RETURNING id),
             message AS (
                 INSERT INTO messages (owner_id, subject, text, created_at, updated_at)
                 SELECT id, 'News', 'News', '{now}', '{now}' FROM owner RETURNING id, owner_id)
             INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone,
                                   schedule_set_at, next_occurrence, next_run_at, created_at, updated_at)
             SELECT owner_id, id, '{now}', 'once', 'UTC', '{now}', 0, '{now}', '{now}', '{now}'
             FROM message, generate_series(1, 2)",
        ))
        .unwrap();
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(conn: &mut PgConnection, query: &str) -> i64 {
    let found: Count = diesel::sql_query(format!("SELECT ({query})::bigint AS n"))
        .get_result(conn)
        .unwrap();
    found.n
}

/// Rows read from all tables in the current transaction.
const ROWS_READ: &str = "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables";

/// Rows read by an idle pass, and by a search for claimable runs.
fn rows_read_in_vain(app: &TestApp) -> i64 {
    let mut conn = claims::connect(&app.services.config.database.url).unwrap();
    conn.begin_test_transaction().unwrap();
    assert!(!pass(app, &mut conn).more);
    assert!(
        claims::claimable_runs(&mut conn, app.now())
            .unwrap()
            .is_empty()
    );
    count(&mut conn, ROWS_READ)
}

#[test]
fn another_owners_mailing_starts_in_the_first_batch_however_many_were_due_before_it() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    due_mailings(&app, &alice, MANY);
    app.wait(TimeDelta::seconds(1));
    due_mailings(&app, &bob, 1);
    let mut conn = app.sql();
    assert!(pass(&app, &mut conn).more);
    let prepared = "SELECT count(*) FROM runs WHERE fanned_out_at IS NOT NULL";
    assert_eq!(
        count(&mut conn, &format!("{prepared} AND owner_id = {}", bob.id)),
        1
    );
    assert!(count(&mut conn, prepared) < MANY);
}

#[test]
fn with_more_owners_than_fit_in_a_batch_each_has_a_turn_before_any_has_two() {
    let app = TestApp::start();
    owners_with_two_due(&app, 150);
    let mut conn = app.sql();
    pass(&app, &mut conn);
    pass(&app, &mut conn);
    assert_eq!(
        count(&mut conn, "SELECT count(DISTINCT owner_id) FROM runs"),
        150
    );
    while pass(&app, &mut conn).more {}
    assert_eq!(count(&mut conn, "SELECT count(*) FROM runs"), 300);
}

#[test]
fn mailings_due_at_once_are_all_sent_and_finished() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    due_mailings(&app, &alice, MANY);
    app.tick();
    let mut conn = app.sql();
    while pass(&app, &mut conn).more {}
    assert_eq!(server.accepted().len(), usize::try_from(MANY).unwrap());
    let completed = "SELECT count(*) FROM mailings WHERE status = 'completed' AND next_run_at IS NULL AND last_run_at IS NOT NULL";
    assert_eq!(count(&mut conn, completed), MANY);
    let noted = "SELECT count(DISTINCT subject_id) FROM events WHERE kind = 'run_started' AND details ~ '^#[0-9]+$'";
    assert_eq!(count(&mut conn, noted), MANY);
}

#[test]
fn a_pass_reads_no_more_rows_when_hundreds_of_runs_are_running() {
    let app = TestApp::start();
    let alice = app.alice();
    due_mailings(&app, &alice, 1);
    let mut conn = app.sql();
    let under_way = |conn: &mut PgConnection| {
        while pass(&app, conn).more {}
        // As if every one of them were being sent, or were waiting for a retry.
        conn.batch_execute(
            "UPDATE chunks SET lease_token = run_id, lease_owner = 'another', lease_expires_at = 'infinity' WHERE run_id % 2 = 0;
             UPDATE chunks SET pending = 0, deferred = 1, next_attempt_at = 'infinity' WHERE run_id % 2 = 1",
        )
        .unwrap();
        conn.batch_execute("VACUUM ANALYZE").unwrap();
    };
    under_way(&mut conn);
    let with_one = rows_read_in_vain(&app);
    due_mailings_again(&app, 2 * MANY);
    under_way(&mut conn);
    assert_eq!(
        count(
            &mut conn,
            "SELECT count(*) FROM runs WHERE status = 'running'"
        ),
        2 * MANY + 1
    );
    let with_hundreds = rows_read_in_vain(&app);
    assert!(
        with_hundreds <= with_one + 50,
        "{with_one} rows with one run, {with_hundreds} with hundreds"
    );
}

/// Adds more of the existing ones.
fn due_mailings_again(app: &TestApp, count_of_them: i64) {
    let mut conn = app.sql();
    let mut first = |column: &str| {
        count(
            &mut conn,
            &format!(
                "SELECT min({column}) FROM mailings JOIN mailing_recipients ON mailing_id = id"
            ),
        )
    };
    let known = (
        first("owner_id"),
        first("message_id"),
        first("recipient_id"),
    );
    insert_due(app, known, count_of_them);
}

#[test]
fn a_quota_counts_all_the_mailings_that_start_together() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("QUOTA_MAILS_A_DAY", "3"),
    ]);
    let alice = app.alice();
    due_mailings(&app, &alice, 5);
    let mut conn = app.sql();
    while pass(&app, &mut conn).more {}
    assert_eq!(count(&mut conn, "SELECT count(*) FROM runs"), 3);
    let waiting = "SELECT count(*) FROM mailings WHERE put_off_reason = 'quota_used_up'";
    assert_eq!(count(&mut conn, waiting), 2);
}

#[test]
fn a_pass_returns_when_the_next_mailing_is_due() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    app.mailing(&alice, &json!({"starts_at": "2026-05-01T10:00:00.300Z"}));
    let pass = pass(&app, &mut app.sql());
    assert_eq!(
        pass.next_due,
        Some(app.now() + TimeDelta::milliseconds(300))
    );
}

#[test]
fn a_run_that_outlives_its_retries_still_expires_at_the_end_of_its_window() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"ends_at": "2026-05-04T10:00:00Z"}));
    let mut conn = app.sql();
    let mut run_after = |hours| {
        app.wait(TimeDelta::hours(hours));
        while pass(&app, &mut conn).more {}
        let run = app.last_run(&alice, mailing);
        (
            run["status"].as_str().unwrap().to_owned(),
            run["counts"]["expired"].as_i64(),
        )
    };
    assert_eq!(run_after(0), ("running".to_owned(), Some(0)));
    assert_eq!(run_after(25), ("running".to_owned(), Some(0)));
    assert_eq!(run_after(47), ("finished".to_owned(), Some(1)));
    // The pass that closes a chunk leaves the last check of its run to the next pass.
    run_after(1);
    assert_eq!(count(&mut app.sql(), "SELECT count(*) FROM run_checks"), 0);
}
