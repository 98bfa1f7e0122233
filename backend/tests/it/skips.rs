//! Recipients who leave while a run is going on, and the counts that go with them.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use dispatch::core::db::schema::deliveries;
use dispatch::delivery::deliveries::model::DeliveryStatus;
use dispatch::delivery::deliveries::results::{AttemptResult, ChunkKey, record};
use dispatch::delivery::mailings::audience::model::Audience;
use dispatch::delivery::mailings::audience::store::replace;
use dispatch::delivery::mailings::store;
use serde_json::{Value, json};
use smtp::disposition::Outcome;
use smtp::reply::Stage;

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// A server that is to be asked again later for everybody but ann@example.org.
fn knowing_only_ann() -> ScriptedServer {
    let server = ScriptedServer::start();
    for name in ["bob", "cay", "dan"] {
        let not_yet = Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n");
        server.add(&format!("{name}@example.org"), not_yet, None);
    }
    server
}

fn people(app: &TestApp, owner: &Person) -> [i64; 4] {
    ["ann", "bob", "cay", "dan"].map(|name| app.recipient(owner, &format!("{name}@example.org")))
}

impl TestApp {
    /// Status and reason of every delivery of the mailing's last run, by address. Fails unless the counts agree.
    fn ledger(&self, owner: &Person, mailing: i64) -> Vec<(String, Value)> {
        #[derive(QueryableByName)]
        struct Wrong {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let wrong: Wrong = diesel::sql_query(
            "SELECT count(*) AS n FROM chunks c WHERE (pending, deferred, accepted, skipped) <> (
                 SELECT count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'deferred'),
                        count(*) FILTER (WHERE status = 'accepted'), count(*) FILTER (WHERE status = 'skipped')
                 FROM deliveries d WHERE d.run_id = c.run_id AND recipient_id BETWEEN first_recipient_id AND last_recipient_id)",
        )
        .get_result(&mut self.sql())
        .unwrap();
        assert_eq!(wrong.n, 0, "counters that do not agree with the ledger");
        let run = self.last_run(owner, mailing)["id"].clone();
        let deliveries = self
            .get(owner, &format!("/runs/{run}/deliveries"))
            .expect(200);
        let rows = deliveries["items"].as_array().unwrap().iter();
        rows.map(|row| {
            (
                row["recipient"]["email"].as_str().unwrap().to_owned(),
                json!([row["status"], row["skip_reason"]]),
            )
        })
        .collect()
    }
}

#[test]
fn a_recipient_deleted_in_mid_run_gets_nothing_more_and_the_others_do() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let [ann, bob, ..] = people(&app, &alice);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    for id in [ann, bob] {
        app.delete(&alice, &format!("/recipients/{id}")).expect(204);
        app.delete(&alice, &format!("/recipients/{id}"))
            .expect_problem(404, "not_found");
    }
    let expected = [
        ("ann", json!(["accepted", null])),
        ("bob", json!(["skipped", "recipient_deleted"])),
        ("cay", json!(["deferred", null])),
        ("dan", json!(["deferred", null])),
    ];
    let expected = expected.map(|(name, state)| (format!("{name}@example.org"), state));
    assert_eq!(app.ledger(&alice, mailing), expected);
    let before = app.log(&alice).len();
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_eq!(app.log(&alice).len(), before + 2);
    assert!(
        app.log(&alice)[..2]
            .iter()
            .all(|a| a["recipient"]["email"] != "bob@example.org")
    );
}

#[test]
fn a_run_is_finished_when_those_it_waited_for_are_deleted() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let [_, bob, cay, dan] = people(&app, &alice);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    for id in [bob, cay, dan] {
        app.delete(&alice, &format!("/recipients/{id}")).expect(204);
    }
    app.tick();
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (&run["status"], &run["counts"]["skipped"]),
        (&json!("finished"), &json!(3))
    );
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "finished".into())
    );
}

#[test]
fn an_address_is_left_out_of_all_open_runs_of_its_owner_and_of_nobody_else() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let mailings: Vec<_> = [&alice, &alice, &bob]
        .iter()
        .enumerate()
        .map(|(index, owner)| {
            if index != 1 {
                people(&app, owner);
            }
            app.mailing(owner, &json!({}))
        })
        .collect();
    app.tick();
    let wants_none = || {
        let address = ["BOB@Example.org".to_owned()];
        let deliveries = DeliveriesTo::Addresses(&address);
        withdraw(
            &mut app.sql(),
            alice.id,
            deliveries,
            WithdrawalReason::Suppressed,
        )
        .unwrap()
    };
    assert_eq!((wants_none(), wants_none()), (2, 0));
    let bobs = |owner: &Person, mailing| app.ledger(owner, mailing)[1].1.clone();
    assert_eq!(bobs(&alice, mailings[0]), json!(["skipped", "suppressed"]));
    assert_eq!(bobs(&alice, mailings[1]), json!(["skipped", "suppressed"]));
    assert_eq!(bobs(&bob, mailings[2]), json!(["deferred", null]));
}

#[test]
fn what_is_uncertain_stays_so_when_its_recipient_is_deleted_and_is_not_sent_again() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let [_, bob, ..] = people(&app, &alice);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    app.sql()
        .batch_execute(&format!(
            "UPDATE deliveries SET status = 'uncertain' WHERE recipient_id = {bob};
             UPDATE chunks SET deferred = deferred - 1, uncertain = uncertain + 1"
        ))
        .unwrap();
    app.delete(&alice, &format!("/recipients/{bob}"))
        .expect(204);
    assert_eq!(app.ledger(&alice, mailing)[1].1, json!(["uncertain", null]));
    let before = app.log(&alice).len();
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_eq!(app.log(&alice).len(), before + 2, "cay and dan alone");
}

#[test]
fn what_is_being_retried_when_its_address_is_suppressed_is_not_retried_again() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let [_, bob, ..] = people(&app, &alice);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    app.sql()
        .batch_execute(&format!(
            "UPDATE deliveries SET status = 'uncertain' WHERE recipient_id = {bob};
             UPDATE chunks SET deferred = deferred - 1, uncertain = uncertain + 1"
        ))
        .unwrap();
    let claimed = |app: &TestApp| {
        deliveries::table
            .filter(deliveries::recipient_id.eq(bob))
            .select((deliveries::run_id, deliveries::attempts))
            .first::<(i64, i16)>(&mut app.sql())
            .unwrap()
    };
    let (run_id, attempts) = claimed(&app);
    let id = app
        .post(
            &alice,
            "/suppressions",
            &json!({"email": "bob@example.org"}),
        )
        .id();
    let place = ChunkKey {
        run_id,
        chunk_no: 0,
        mailing_id: mailing,
        owner_id: alice.id,
    };
    let deferred = AttemptResult {
        recipient_id: bob,
        attempt_no: attempts + 1,
        at: app.now(),
        outcome: Outcome::Deferred,
        stage: Stage::Rcpt,
        smtp_code: Some(450),
        enhanced_code: None,
        response: "not yet".to_owned(),
        duration_ms: 1,
        before: DeliveryStatus::Uncertain,
        after: DeliveryStatus::Deferred,
        next_attempt_at: Some(app.now()),
        body_at: None,
    };
    record(&mut app.sql(), "worker", &place, &[deferred]).unwrap();
    assert_eq!(app.ledger(&alice, mailing)[1].1, json!(["uncertain", null]));
    assert_eq!(claimed(&app).1, attempts + 1, "the attempt is counted");
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_eq!(claimed(&app).1, attempts + 1, "and there is no other");

    // Once the owner may mail it again, a retry is a retry.
    app.delete(&alice, &format!("/suppressions/{id}"))
        .expect(204);
    server.forget_rules();
    app.post(
        &alice,
        &format!("/runs/{run_id}/retry"),
        &json!({"recipient_ids": [bob]}),
    )
    .expect(202);
    app.tick();
    assert_eq!(app.ledger(&alice, mailing)[1].1, json!(["accepted", null]));
}

#[test]
fn a_recipient_deleted_before_the_run_is_prepared_has_no_delivery() {
    let server = knowing_only_ann();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let [ann, ..] = people(&app, &alice);
    let mailing = app.mailing(&alice, &json!({}));
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect(202);
    app.delete(&alice, &format!("/recipients/{ann}"))
        .expect(204);
    assert_eq!(app.last_run(&alice, mailing)["counts"]["total"], 3);
    app.tick();
    assert_eq!(app.ledger(&alice, mailing).len(), 3);
    assert!(server.accepted().is_empty());
}

#[test]
fn the_number_of_recipients_is_right_when_one_is_deleted_while_the_choice_changes() {
    let app = TestApp::start();
    let alice = app.alice();
    let [_, bob, ..] = people(&app, &alice);
    let mailing = app.mailing(
        &alice,
        &json!({"starts_at": "2026-06-01T10:00:00Z", "recipients": {"q": "ann"}}),
    );
    let path = format!("/mailings/{mailing}");
    std::thread::scope(|scope| {
        let mut conn = app.sql();
        let deleted = conn
            .transaction::<_, diesel::result::Error, _>(|conn| {
                let everyone = Audience {
                    all: Some(true),
                    ..Audience::default()
                };
                store::lock(conn, alice.id, mailing)?;
                assert_eq!(replace(conn, mailing, alice.id, &everyone)?, Some(4));
                let deleted = scope.spawn(|| app.delete(&alice, &format!("/recipients/{bob}")));
                while !somebody_waits(&app) {
                    std::thread::yield_now();
                }
                Ok(deleted)
            })
            .unwrap();
        deleted.join().unwrap().expect(204);
    });
    let told = app.get(&alice, &path).expect(200)["recipients_count"].clone();
    let found = app.get(&alice, &format!("{path}/recipients")).expect(200);
    assert_eq!((told, &found["total"]), (json!(3), &json!(3)));
}

/// Whether a transaction waits for another in this app's database.
fn somebody_waits(app: &TestApp) -> bool {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let waiting: Waiting = diesel::sql_query(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .get_result(&mut app.sql())
    .unwrap();
    waiting.n > 0
}
