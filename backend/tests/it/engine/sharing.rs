//! Several engine processes on a server that allows fewer connections than all of them open: the accepted ones do the
//! work, whichever process has them.

use std::time::Duration;

use diesel::prelude::*;
use dispatch::core::db::schema::mail_servers;

use super::scene::Scene;
use crate::support::machine::eventually;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

const CONNECTIONS: usize = 4;
/// More than one engine leases at a time.
const ALL: usize = 4_000;

/// A mailing to `ALL` through a server that allows four connections, for engines that each open four.
fn scene(surplus: Action) -> Scene {
    scene_of(ALL, surplus)
}

fn scene_of(recipients: usize, surplus: Action) -> Scene {
    let server = ScriptedServer::setup()
        .replying_after(Duration::from_millis(2))
        .allowing(CONNECTIONS, surplus)
        .start();
    let scene = Scene::new(server, CONNECTIONS);
    let names: Vec<String> = (0..recipients).map(|number| format!("r{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    scene.mailing(&names, "retry");
    scene
}

fn until_sent(scene: &Scene, more: usize) {
    let sent = scene.server.taken();
    eventually("more mails are sent", || {
        (scene.server.taken() >= sent + more).then_some(())
    });
}

/// Why the breaker is open, for all processes.
fn cause(scene: &Scene) -> Option<String> {
    mail_servers::table
        .select(mail_servers::cause)
        .first(&mut scene.app.sql())
        .unwrap()
}

/// Asserts that nothing failed so far, and that the breaker is closed.
fn assert_untroubled(scene: &Scene) {
    assert_eq!(cause(scene), None);
    let outcomes = scene.outcomes();
    assert!(
        outcomes.iter().all(|(outcome, _)| outcome == "accepted"),
        "{outcomes:?}"
    );
}

#[test]
fn an_engine_without_a_session_waits_for_the_one_with_sessions_and_takes_over() {
    let scene = scene(Action::Say(b"421 4.7.0 too many connections\r\n".into()));
    let (first, second) = (scene.machine.engine(), scene.machine.engine());
    first.start();
    until_sent(&scene, 8);
    second.start();
    eventually("the second engine is refused", || {
        (scene.server.connections() > CONNECTIONS).then_some(())
    });
    until_sent(&scene, 1_000);
    assert_untroubled(&scene);
    assert!(first.terminate().success());
    scene.finish();
    assert_untroubled(&scene);
    assert_eq!((scene.server.taken(), scene.workers()), (ALL, 2));
}

#[test]
fn an_engine_refused_a_session_takes_none_from_another() {
    let scene = scene(Action::Drop);
    scene.server.allow(CONNECTIONS + 1);
    let (first, second) = (scene.machine.engine(), scene.machine.engine());
    first.start();
    until_sent(&scene, 8);
    second.start();
    eventually("the second engine is refused its second session", || {
        second.has_said("session limit lowered").then_some(())
    });
    until_sent(&scene, 1_000);
    assert!(!first.has_said("session limit lowered"));
    assert!(scene.server.open() > CONNECTIONS, "{}", scene.server.open());
    assert_untroubled(&scene);
}

#[test]
fn engines_that_start_together_share_the_servers_sessions() {
    let recipients = 2_500;
    let surplus = Action::SayAndClose(b"554 5.7.0 too many connections\r\n".into());
    let scene = scene_of(recipients, surplus);
    let engines = [(); 3].map(|()| scene.machine.engine());
    for engine in &engines {
        engine.start();
    }
    scene.finish();
    assert_untroubled(&scene);
    assert_eq!(scene.server.taken(), recipients);
}

#[test]
fn an_outage_opens_the_breaker_for_all_engines() {
    let scene = scene(Action::Drop);
    let (first, second) = (scene.machine.engine(), scene.machine.engine());
    first.start();
    until_sent(&scene, 8);
    second.start();
    eventually("the second engine leaves the server to the first", || {
        second.has_said("left to the others").then_some(())
    });
    scene
        .server
        .add("*", Rule::act(At::Greeting, Action::Drop), None);
    scene
        .server
        .add("*", Rule::act(At::NextMail, Action::Drop), None);
    eventually("the breaker is open", || cause(&scene));
    assert_eq!(cause(&scene).as_deref(), Some("mail_server_unreachable"));
    eventually("nothing is in flight", || {
        scene.lease_holders().is_empty().then_some(())
    });
}
