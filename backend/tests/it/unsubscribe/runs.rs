//! What becomes of the runs under way, and of other owners', when a reader unsubscribes.

use std::thread;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::core::db::schema::former_addresses;
use dispatch::delivery::deliveries;
use dispatch::engine::maintenance::Maintenance;
use dispatch::engine::scheduler;
use serde_json::{Value, json};

use super::{daily, mail_to, mailed, one_click, suppressed, token};
use crate::support::app::TestApp;
use crate::support::people::Person;
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

/// The address of the recipient's delivery in each of these mailings' last runs, with its status and reason.
fn standings(app: &TestApp, owner: &Person, mailings: &[i64]) -> Vec<[Value; 3]> {
    let standing = |mailing: &i64| {
        let run = app.last_run(owner, *mailing)["id"].clone();
        let deliveries = app.get(owner, &format!("/runs/{run}/deliveries"));
        let row = deliveries.expect(200)["items"][0].clone();
        [
            row["recipient"]["email"].clone(),
            row["status"].clone(),
            row["skip_reason"].clone(),
        ]
    };
    mailings.iter().map(standing).collect()
}

fn edit(app: &TestApp, owner: &Person, recipient: i64, email: &str) {
    let path = format!("/recipients/{recipient}");
    app.patch(owner, &path, &json!({"email": email}))
        .expect(200);
}

#[test]
fn a_mail_to_an_address_that_was_edited_since_is_skipped_when_the_old_address_leaves() {
    let (old, new) = ("bob@example.org", "robert@example.org");
    for by_link in [true, false] {
        let server = ScriptedServer::start();
        let app = TestApp::sending_through(&server);
        let (alice, carol) = (app.alice(), app.bob());
        let recipient = app.recipient(&alice, old);
        let other = app.recipient(&carol, old);
        app.mailing(&alice, &json!({}));
        app.tick();
        let token = token(&mail_to(&server, old));
        server.add("*", Rule::refuse(450, "4.2.0 later"), None);
        // Both are to the old address; the second is prepared after two edits that leave it as it was.
        let first = app.mailing(&alice, &json!({}));
        app.tick();
        edit(&app, &alice, recipient, new);
        edit(&app, &alice, recipient, "BOB@example.org");
        let second = app.mailing(&alice, &json!({}));
        app.tick();
        edit(&app, &alice, recipient, new);
        let third = app.mailing(&alice, &json!({}));
        let of_carol = app.mailing(&carol, &json!({}));
        app.tick();
        edit(&app, &carol, other, new);
        if by_link {
            one_click(&app, &token).expect(204);
        } else {
            let entered = json!({"email": "Bob@Example.org"});
            app.post(&alice, "/suppressions", &entered).expect(201);
        }
        let of = |email: &str, status: &str, reason: Value| [json!(email), json!(status), reason];
        assert_eq!(
            standings(&app, &alice, &[first, second, third]),
            [
                of(old, "skipped", json!("suppressed")),
                of("BOB@example.org", "skipped", json!("suppressed")),
                of(new, "deferred", Value::Null),
            ],
            "by link: {by_link}"
        );
        assert_eq!(
            standings(&app, &carol, &[of_carol]),
            [of(old, "deferred", Value::Null)]
        );
        server.forget_rules();
        let known = server.accepted().len();
        app.wait(TimeDelta::hours(1));
        app.tick();
        // The link speaks of the old address only: the new one may be another person's.
        assert_eq!(mailed(&server, known), [old, new]);
        assert_eq!(suppressed(&app, &alice).len(), 1);
    }
}

#[test]
fn a_former_address_is_forgotten_when_no_mail_holds_it_any_more() {
    let app = TestApp::start();
    let alice = app.alice();
    let kept = app.recipient(&alice, "ann@example.org");
    let gone = app.recipient(&alice, "bob@example.org");
    app.mailing(&alice, &json!({"recipients": {"ids": [kept]}}));
    app.tick();
    edit(&app, &alice, kept, "ann2@example.org");
    edit(&app, &alice, gone, "bob2@example.org");
    let maintenance = Maintenance::new(
        app.services.db.clone(),
        app.services.clock.clone(),
        TimeDelta::days(365),
    );
    let left = || {
        let emails = former_addresses::table.select(former_addresses::email);
        emails.load::<String>(&mut app.sql()).unwrap()
    };
    maintenance.pass(&mut app.sql()).unwrap();
    assert_eq!(left().len(), 2);
    // Replaced by the database's clock.
    let long_ago = "UPDATE former_addresses SET replaced_at = '2020-01-01'";
    app.sql().batch_execute(long_ago).unwrap();
    maintenance.pass(&mut app.sql()).unwrap();
    assert_eq!(left(), ["ann@example.org"]);
}
