//! Many schedulers at once: unique keys and row locks decide, whatever comes first.

use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::engine::scheduler;

use crate::support::app::TestApp;
use crate::support::people::Person;

const MAILINGS: i64 = 10_000;
const SCHEDULERS: usize = 8;

#[derive(Debug, PartialEq, Eq, QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    mailings: i64,
    #[diesel(sql_type = BigInt)]
    still_due: i64,
}

#[test]
fn eight_schedulers_start_each_of_ten_thousand_due_mailings_once() {
    let app = TestApp::start();
    due_mailings(&app, &app.alice());
    let (url, clock) = (&app.services.config.database.url, &app.services.clock);
    let quotas = app.services.config.quotas;
    let started: Vec<usize> = thread::scope(|scope| {
        let race = || {
            let mut conn = PgConnection::establish(url).expect("the database answers");
            let mut started = 0;
            loop {
                let pass = scheduler::pass(&mut conn, clock, quotas).expect("a pass");
                started += pass.started;
                if !pass.more {
                    return started;
                }
            }
        };
        let racing: Vec<_> = (0..SCHEDULERS).map(|_| scope.spawn(race)).collect();
        let joined = racing.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|started| started.expect("no panic")).collect()
    });
    assert!(
        started.iter().filter(|started| **started > 0).count() > 1,
        "nobody raced: {started:?}"
    );
    let dealt_with: usize = started.iter().sum();
    let found: Found = diesel::sql_query(
        "SELECT count(*) AS runs, count(DISTINCT mailing_id) AS mailings,
                (SELECT count(*) FROM mailings WHERE next_run_at IS NOT NULL) AS still_due
         FROM runs WHERE status = 'running' AND trigger = 'schedule'",
    )
    .get_result(&mut app.sql())
    .unwrap();
    let every_one_once = Found {
        runs: MAILINGS,
        mailings: MAILINGS,
        still_due: 0,
    };
    assert_eq!(
        (i64::try_from(dealt_with).unwrap(), found),
        (MAILINGS, every_one_once)
    );
}

/// Mailings to one recipient, all due at this moment; through the API they would take minutes.
fn due_mailings(app: &TestApp, owner: &Person) {
    let recipient = app.recipient(owner, "ann@example.org");
    let (message, now, owner) = (app.message(owner), app.now(), owner.id);
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO mailings (owner_id, message_id, starts_at, recurrence, time_zone, recipients_count,
                                   schedule_set_at, next_occurrence, next_run_at, created_at, updated_at)
             SELECT {owner}, {message}, '{now}', 'once', 'UTC', 1, '{now}', 0, '{now}', '{now}', '{now}'
             FROM generate_series(1, {MAILINGS});
             INSERT INTO mailing_recipients SELECT id, {recipient} FROM mailings;
             ANALYZE mailings, mailing_recipients",
        ))
        .unwrap();
}
