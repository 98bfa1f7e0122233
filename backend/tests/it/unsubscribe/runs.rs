//! What becomes of the runs under way, and of other owners', when a reader unsubscribes.

use std::thread;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::deliveries;
use dispatch::engine::scheduler;
use serde_json::json;

use super::{daily, mail_to, mailed, one_click, suppressed, token};
use crate::support::app::TestApp;
use crate::support::smtp_server::{Rule, ScriptedServer};

#[test]
fn what_a_run_has_not_sent_yet_is_skipped_and_its_counts_stay_right() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = daily(
        &app,
        &alice,
        &["bob@example.org", "carol@example.org", "dora@example.org"],
    );
    app.tick();
    app.wait(TimeDelta::days(1));
    server.add("bob@example.org", Rule::refuse(450, "4.2.0 later"), None);
    app.tick();
    let counts = |fields: [&str; 5]| {
        let run = app.last_run(&alice, mailing);
        fields.map(|field| run["counts"][field].as_i64().unwrap())
    };
    let fields = ["total", "pending", "accepted", "deferred", "skipped"];
    assert_eq!(counts(fields), [3, 0, 2, 1, 0]);
    one_click(&app, &token(&mail_to(&server, "bob@example.org"))).expect(204);
    assert_eq!(counts(fields), [3, 0, 2, 0, 1]);
    app.tick();
    assert_eq!(app.last_run(&alice, mailing)["status"], "finished");

    // The next is prepared, and nothing of it sent, when the second reader has enough.
    app.wait(TimeDelta::days(1));
    scheduler::pass(
        &mut app.sql(),
        &app.services.clock,
        app.services.config.quotas,
    )
    .unwrap();
    assert_eq!(counts(fields), [3, 2, 0, 0, 1]);
    one_click(&app, &token(&mail_to(&server, "carol@example.org"))).expect(204);
    assert_eq!(counts(fields), [3, 1, 0, 0, 2]);
    let known = server.accepted().len();
    app.tick();
    assert_eq!(mailed(&server, known), ["dora@example.org"]);
    assert_eq!(counts(fields), [3, 0, 1, 0, 2]);
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many statements of the app's database wait for a lock.
fn waiting(conn: &mut PgConnection) -> i64 {
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting: Waiting = diesel::sql_query(waiting).get_result(conn).unwrap();
    waiting.n
}

#[test]
fn somebody_who_unsubscribes_while_a_run_is_being_prepared_gets_no_mail_of_it() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    app.wait(TimeDelta::seconds(1));
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect(202);
    let (mut preparing, mut watching) = (app.sql(), app.sql());
    preparing.batch_execute("BEGIN").unwrap();
    let prepared = deliveries::store::fan_out_some(&mut preparing, app.now()).unwrap();
    assert_eq!(prepared, Some(1));
    thread::scope(|scope| {
        let click = scope.spawn(|| one_click(&app, &token));
        while waiting(&mut watching) == 0 && !click.is_finished() {}
        preparing.batch_execute("COMMIT").unwrap();
        click.join().unwrap().expect(204);
    });
    app.tick();
    assert_eq!(mailed(&server, 1), [""; 0]);
    assert_eq!(app.last_run(&alice, mailing)["counts"]["skipped"], 1);
}

#[test]
fn one_owners_reader_stays_the_others() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let of_alice = daily(&app, &alice, &["carol@example.org"]);
    app.tick();
    one_click(&app, &token(&mail_to(&server, "carol@example.org"))).expect(204);
    let of_bob = daily(&app, &bob, &["CAROL@example.org"]);
    app.post(&bob, "/suppressions", &json!({"email": "dora@example.org"}))
        .expect(201);
    app.tick();
    assert_eq!(mailed(&server, 1), ["CAROL@example.org"]);
    assert_eq!(suppressed(&app, &bob).len(), 1);
    app.wait(TimeDelta::days(1));
    app.tick();
    assert_eq!(mailed(&server, 2), ["CAROL@example.org"]);
    assert_eq!(app.last_run(&alice, of_alice)["counts"]["skipped"], 1);
    assert_eq!(app.last_run(&bob, of_bob)["counts"]["skipped"], 0);
}
