//! SIGTERM: what is claimed at that very moment is given back, and a mail server that never answers keeps nobody.

use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use dispatch::engine::scheduler;

use super::scene::Scene;
use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

/// What an engine says when it has heard.
const HEARD: &str = "shutting down; finishing mails in flight";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Until somebody in the app's database waits for a lock.
fn until_a_lock_is_waited_for(app: &TestApp) {
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("somebody waits for a lock", || {
        let found: Count = diesel::sql_query(waiting)
            .get_result(&mut app.sql())
            .unwrap();
        (found.n > 0).then_some(())
    });
}

#[test]
fn a_chunk_claimed_during_shutdown_is_released() {
    let scene = Scene::new(ScriptedServer::start(), 2);
    scene.mailing(&["ann", "bob"], "hold");
    let app = &scene.app;
    scheduler::pass(
        &mut app.sql(),
        &app.services.clock,
        app.services.config.quotas,
    )
    .expect("the run is begun");
    let mut elsewhere = app.sql();
    elsewhere
        .batch_execute("BEGIN; LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    let engine = scene.machine.engine();
    engine.start();
    until_a_lock_is_waited_for(app);
    thread::scope(|scope| {
        let ending = scope.spawn(|| engine.terminate());
        eventually("it has heard", || engine.has_said(HEARD).then_some(()));
        elsewhere.batch_execute("COMMIT").unwrap();
        assert!(ending.join().unwrap().success());
    });
    assert!(scene.lease_holders().is_empty());
    assert!(!engine.has_said("still in flight"));
    engine.start();
    scene.finish();
    assert_eq!(scene.story("ann"), "ann: 1 sent, 0 uncertain, accepted");
    assert_eq!(scene.story("bob"), "bob: 1 sent, 0 uncertain, accepted");
}

#[test]
fn a_silent_mail_server_does_not_prevent_shutdown() {
    let silent = Rule::act(At::Dot, Action::FallSilent);
    let server = ScriptedServer::start().on("ann@example.org", silent);
    let scene = Scene::new(server, 1);
    scene.mailing(&["ann"], "hold");
    let engine = scene.machine.engine();
    engine.start();
    eventually("a mail is in flight", || {
        let commands = scene.server.commands();
        commands
            .iter()
            .any(|command| command.starts_with("DATA"))
            .then_some(())
    });
    assert!(engine.terminate().success());
    assert!(engine.has_said("some mails are still in flight after 30 s"));
    engine.start();
    eventually("its journal is read", || {
        scene
            .story("ann")
            .ends_with("1 uncertain, uncertain")
            .then_some(())
    });
}
