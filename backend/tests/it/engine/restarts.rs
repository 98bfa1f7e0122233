//! What is stopped or cut off in the middle of a run: processes that are told to end, a database that restarts.

use std::time::Duration;

use diesel::connection::SimpleConnection;

use super::scene::Scene;
use crate::support::machine::eventually;
use crate::support::smtp_server::ScriptedServer;

/// A mailing that takes its time.
fn slow_scene(recipients: usize) -> (Scene, Vec<String>) {
    let delay = Duration::from_millis(2);
    let scene = Scene::new(ScriptedServer::setup().replying_after(delay).start(), 8);
    let names: Vec<_> = (0..recipients).map(|n| format!("r{n}")).collect();
    let borrowed: Vec<_> = names.iter().map(String::as_str).collect();
    scene.mailing(&borrowed, "retry");
    (scene, names)
}

fn until_taken(scene: &Scene, mails: usize) {
    eventually("some mails are taken", || {
        (scene.server.taken() >= mails).then_some(())
    });
}

fn assert_each_got_one_copy(scene: &Scene, names: &[String]) {
    let copies = scene.server.copies();
    let wrong: Vec<_> = names
        .iter()
        .map(|name| format!("{name}@example.org"))
        .filter(|address| copies.get(address) != Some(&1))
        .map(|address| (copies.get(&address).copied(), address))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let recorded = i64::try_from(names.len()).unwrap();
    assert_eq!(scene.outcomes(), [("accepted".to_owned(), recorded)]);
}

#[test]
fn on_sigterm_an_engine_records_mails_in_flight_and_the_next_one_sends_the_rest() {
    let (scene, names) = slow_scene(900);
    let engine = scene.machine.engine();
    for part in [200, 500] {
        engine.start();
        until_taken(&scene, part);
        let ended = engine.terminate();
        assert!(ended.success(), "{ended}");
        let taken = i64::try_from(scene.server.taken()).unwrap();
        assert!(taken < 900, "it was all sent");
        assert_eq!(
            (scene.outcomes(), scene.lease_holders().len()),
            (vec![("accepted".to_owned(), taken)], 0)
        );
    }
    engine.start();
    scene.finish();
    assert_each_got_one_copy(&scene, &names);
}

#[test]
fn when_the_database_drops_all_connections_two_engines_lose_and_double_nothing() {
    // Enough chunks for both.
    let (scene, names) = slow_scene(6000);
    for _ in 0..2 {
        scene.machine.engine().start();
    }
    for part in [1000, 2500, 4000] {
        until_taken(&scene, part);
        let drop_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()";
        scene.app.sql().batch_execute(drop_all).unwrap();
    }
    scene.finish();
    assert_eq!(scene.workers(), 2);
    assert_each_got_one_copy(&scene, &names);
}
