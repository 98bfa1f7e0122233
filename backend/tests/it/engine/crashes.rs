//! The crash table: an engine is killed at an exact point of a mail, another one goes on, and every copy is counted.
//!
//! There is one session and no pipelining, so the server knows what the client has read: whoever sends the next command
//! has the answer to the last.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::scene::{POLICIES, Scene};
use crate::support::machine::{Engine, eventually};
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

/// Ann's mail comes before the victim's, Cid's after it.
const NAMES: [&str; 3] = ["ann", "bob", "cid"];
const FIRST: &str = "ann@example.org";
const VICTIM: &str = "bob@example.org";
const NEXT: &str = "cid@example.org";

const ANN_IS_DONE: &str = "ann: 1 sent, 0 uncertain, accepted";
const BOB_IS_DONE: &str = "bob: 1 sent, 0 uncertain, accepted";
const CID_IS_DONE: &str = "cid: 1 sent, 0 uncertain, accepted";

fn scene(on_uncertain: &str) -> Scene {
    let scene = Scene::new(ScriptedServer::setup().without("PIPELINING").start(), 1);
    scene.mailing(&NAMES, on_uncertain);
    scene
}

/// An engine that is killed when the server comes to this point of somebody's mail, once `ready`; the server then does
/// as it is told.
fn doomed(
    scene: &Scene,
    (whom, at): (&str, At),
    then: Action,
    ready: impl Fn() + Send + Sync + 'static,
) -> Arc<Engine> {
    let engine = scene.machine.engine();
    let victim = Arc::clone(&engine);
    let kill = move || {
        ready();
        victim.kill();
    };
    scene
        .server
        .add(whom, Rule::act(at, Action::after(kill, then)), Some(1));
    engine
}

fn at_once() {}

/// Runs it until it is killed.
fn live(scene: &Scene, engine: &Engine) {
    engine.start();
    eventually("the engine is killed", || {
        scene.skip_the_wait();
        engine.is_dead().then_some(())
    });
}

/// The story of a death at this point, told when another engine has done the rest.
fn after_a_death(at: At, then: Action, on_uncertain: &str) -> [String; 3] {
    let scene = scene(on_uncertain);
    if at == At::Body {
        // More than the client can get rid of while the server reads the first line.
        scene.execute("UPDATE messages SET text = repeat(repeat('x', 70) || E'\n', 30000)");
    }
    let engine = doomed(&scene, (VICTIM, at), then, at_once);
    live(&scene, &engine);
    engine.start();
    scene.finish();
    NAMES.map(|name| scene.story(name))
}

#[test]
fn killed_before_the_body_the_mail_is_sent_once() {
    for at in [At::Rcpt, At::Data] {
        for policy in POLICIES {
            assert_eq!(
                after_a_death(at, Action::Drop, policy),
                [ANN_IS_DONE, BOB_IS_DONE, CID_IS_DONE],
                "{at:?}, {policy}"
            );
        }
    }
}

#[test]
fn killed_during_the_body_the_mail_is_uncertain_and_sent_once_at_most() {
    for (policy, victim) in [
        ("retry", "bob: 1 sent, 1 uncertain, accepted"),
        ("hold", "bob: 0 sent, 1 uncertain, uncertain"),
    ] {
        assert_eq!(
            after_a_death(At::Body, Action::Drop, policy),
            [ANN_IS_DONE, victim, CID_IS_DONE],
            "{policy}"
        );
    }
}

#[test]
fn killed_before_the_reply_to_an_accepted_mail_it_is_sent_again_or_held() {
    for (policy, victim) in [
        ("retry", "bob: 2 sent, 1 uncertain, accepted"),
        ("hold", "bob: 1 sent, 1 uncertain, uncertain"),
    ] {
        assert_eq!(
            after_a_death(At::Dot, Action::AcceptAndDrop, policy),
            [ANN_IS_DONE, victim, CID_IS_DONE],
            "{policy}"
        );
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many statements of others wait for a lock. Each is done `with` something.
fn waiting_for_a_lock(conn: &mut PgConnection, with: &str) -> i64 {
    let waiting: Count = diesel::sql_query(format!(
        "SELECT count({with}) AS n FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
    ))
    .get_result(conn)
    .unwrap();
    waiting.n
}

#[test]
fn killed_between_the_reply_and_the_database_the_result_is_in_the_journal() {
    for policy in POLICIES {
        let scene = scene(policy);
        let mut lock = scene.app.sql();
        lock.batch_execute("BEGIN; LOCK TABLE attempts IN EXCLUSIVE MODE")
            .unwrap();
        let engine = doomed(&scene, (NEXT, At::Rcpt), Action::Drop, at_once);
        live(&scene, &engine);
        // What the dead process asked of the database is not to be done after all.
        waiting_for_a_lock(&mut lock, "pg_terminate_backend(pid)");
        eventually("nobody waits for the lock", || {
            (waiting_for_a_lock(&mut lock, "*") == 0).then_some(())
        });
        lock.batch_execute("ROLLBACK").unwrap();
        assert!(scene.attempts(VICTIM).is_empty(), "it was too quick");
        engine.start();
        scene.finish();
        assert_eq!(
            NAMES.map(|name| scene.story(name)),
            [ANN_IS_DONE, BOB_IS_DONE, CID_IS_DONE],
            "{policy}"
        );
        assert_eq!(scene.attempts(VICTIM).len(), 1, "{policy}");
    }
}

/// Waits until an attempt to reach this address is in the database.
fn recorded(scene: &Scene, address: &'static str) -> impl Fn() + Send + Sync + 'static {
    let url = scene.app.services.config.database.url.clone();
    move || {
        let mut conn = PgConnection::establish(&url).expect("the database answers");
        eventually("the result is recorded", || {
            let found: Count = diesel::sql_query(
                "SELECT count(*) AS n FROM attempts JOIN deliveries USING (run_id, recipient_id) WHERE email = $1",
            )
            .bind::<Text, _>(address)
            .get_result(&mut conn)
            .expect("the database answers");
            (found.n > 0).then_some(())
        });
    }
}

#[test]
fn killed_after_the_result_is_recorded_the_mail_is_not_sent_again() {
    for policy in POLICIES {
        let scene = scene(policy);
        let ready = recorded(&scene, VICTIM);
        let engine = doomed(&scene, (NEXT, At::Rcpt), Action::Drop, ready);
        live(&scene, &engine);
        engine.start();
        scene.finish();
        assert_eq!(
            NAMES.map(|name| scene.story(name)),
            [ANN_IS_DONE, BOB_IS_DONE, CID_IS_DONE],
            "{policy}"
        );
        assert_eq!(scene.attempts(VICTIM).len(), 1, "{policy}");
    }
}

#[test]
fn when_the_machine_is_lost_its_deliveries_without_a_result_are_uncertain() {
    for (policy, victim, next) in [
        (
            "retry",
            "bob: 2 sent, 1 uncertain, accepted",
            "cid: 1 sent, 1 uncertain, accepted",
        ),
        (
            "hold",
            "bob: 1 sent, 1 uncertain, uncertain",
            "cid: 0 sent, 1 uncertain, uncertain",
        ),
    ] {
        let scene = scene(policy);
        let (ready, then) = (recorded(&scene, FIRST), Action::AcceptAndDrop);
        let engine = doomed(&scene, (VICTIM, At::Dot), then, ready);
        live(&scene, &engine);
        scene.machine.lose_journal();
        scene.execute(
            "UPDATE chunks SET lease_expires_at = clock_timestamp() - interval '1 second' WHERE lease_token IS NOT NULL",
        );
        engine.start();
        scene.finish();
        assert_eq!(
            NAMES.map(|name| scene.story(name)),
            [ANN_IS_DONE, victim, next],
            "{policy}"
        );
    }
}

#[test]
fn a_mail_that_kills_its_worker_three_times_is_quarantined_and_others_are_sent() {
    let scene = scene("retry");
    for _ in 0..3 {
        let engine = doomed(&scene, (VICTIM, At::Body), Action::Drop, at_once);
        live(&scene, &engine);
    }
    scene.machine.engine().start();
    scene.finish();
    assert_eq!(
        NAMES.map(|name| scene.story(name)),
        [
            ANN_IS_DONE,
            "bob: 0 sent, 2 uncertain, rejected",
            CID_IS_DONE
        ]
    );
    let attempts = scene.attempts(VICTIM);
    let (outcome, words) = &attempts[2];
    assert!(
        attempts.len() == 3 && outcome == "rejected" && words.contains("quarantined"),
        "{attempts:?}"
    );
}
