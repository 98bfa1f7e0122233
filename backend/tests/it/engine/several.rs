//! Several processes on one database: who sends, who serves, and that nobody does it twice.

use std::thread;

use diesel::connection::SimpleConnection;
use serde_json::json;

use super::scene::Scene;
use crate::support::machine::eventually;
use crate::support::process::Service;
use crate::support::smtp_server::ScriptedServer;

const RECIPIENTS: usize = 50_000;

/// A mailing to so many, of which nothing is sent yet.
fn scene(recipients: usize) -> Scene {
    let scene = Scene::new(ScriptedServer::start(), 4);
    let names: Vec<_> = (0..recipients).map(|n| format!("r{n}")).collect();
    scene.mailing(
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
        "retry",
    );
    scene
}

#[test]
fn two_engines_and_a_service_without_one_mail_fifty_thousand_people_once_each() {
    let scene = scene(RECIPIENTS);
    let service = Service::start_without_engine(&scene.app, &[("SMTP_URL", &scene.server.url())]);
    let engines = [scene.machine.engine(), scene.machine.engine()];
    for engine in &engines {
        engine.start();
    }
    // However slow the machine is: as long as it goes on.
    while scene.server.taken() < RECIPIENTS {
        let before = scene.server.taken();
        eventually("another mail is sent", || {
            (scene.server.taken() > before).then_some(())
        });
    }
    scene.finish();
    let copies = scene.server.copies();
    assert_eq!(
        (copies.len(), copies.values().max()),
        (RECIPIENTS, Some(&1))
    );
    assert_eq!(scene.workers(), 2, "one of the three sends nothing");
    let owner = scene.app.signed_in(scene.owner.id, &scene.owner.email);
    let token = scene
        .app
        .post(&owner, "/me/tokens", &json!({"name": "a", "scope": "read"}));
    let token = format!("Bearer {}", token.expect(201)["token"].as_str().unwrap());
    let stats = format!("{}/api/v1/stats", service.url);
    let stats = scene
        .app
        .send_to(&stats, "GET", &[("authorization", token)], None);
    let log = stats.expect(200);
    assert_eq!(
        log["attempts"],
        json!({"total": RECIPIENTS, "ok": RECIPIENTS, "failed": 0})
    );
}

/// What a migration may do, on every table that a sending touches.
const ADDITIONS: &str = "
    ALTER TABLE mailings   ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs       ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE chunks     ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE deliveries ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempts   ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tallies    ADD COLUMN colour TEXT, ADD COLUMN shade INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX attempts_colour ON attempts (colour);
    CREATE INDEX deliveries_colour ON deliveries (colour);
    INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000001')";

#[test]
fn an_engine_goes_on_while_a_newer_release_adds_to_the_tables_and_the_next_one_takes_over() {
    let recipients = 3_000;
    let scene = scene(recipients);
    let (old, new) = (scene.machine.engine(), scene.machine.engine());
    old.start();
    let until = |share: usize| {
        eventually("a part of it is sent", || {
            (scene.server.taken() >= share).then_some(())
        });
    };
    until(recipients / 4);
    // All or nothing; whoever asks for several tables may be the one that gives way to the engine.
    eventually("the step is taken, if need be again", || {
        scene.app.sql().batch_execute(ADDITIONS).ok()
    });
    until(recipients / 2);
    thread::scope(|scope| {
        let ending = scope.spawn(|| old.terminate());
        new.start();
        assert!(ending.join().unwrap().success());
    });
    scene.finish();
    let copies = scene.server.copies();
    assert_eq!(
        (copies.len(), copies.values().max()),
        (recipients, Some(&1))
    );
    assert_eq!((scene.uncertain().len(), scene.workers()), (0, 2));
}
