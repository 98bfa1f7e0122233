//! Backup and restore: the numbers are the same, and what a mailing that was under way does in the restored database.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::app::TestApp;
use crate::support::backup::Dump;
use crate::support::database::Database;
use crate::support::machine::{Machine, eventually};
use crate::support::numbers::assert_tallied;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer, Setup};
use crate::support::tables::{differing, tables};

const RECIPIENTS: usize = 400;
const SESSIONS: usize = 4;
/// What is to be done after an old backup was restored, before anything is started.
const HOLD: &str = include_str!("../../../ops/hold-after-restore.sql");

/// Slow enough to be met in the middle.
fn slow_server() -> Setup {
    ScriptedServer::setup().replying_after(std::time::Duration::from_millis(3))
}

/// A mailing of which a part is sent.
fn under_way() -> Scene {
    let scene = Scene::new(slow_server().start(), SESSIONS);
    let names: Vec<_> = (0..RECIPIENTS).map(|n| format!("r{n}")).collect();
    scene.mailing(
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
        "retry",
    );
    scene.machine.engine().start();
    eventually("a part of it is sent", || {
        (scene.server.taken() >= RECIPIENTS / 4).then_some(())
    });
    scene
}

impl Scene {
    /// The same mail server, and a new machine on what the dump brings.
    fn moved_to(self, dump: &Dump) -> Self {
        let Self { server, owner, .. } = self;
        let database = Database::empty();
        dump.restore(&database);
        let app = TestApp::start_on(database);
        Self {
            machine: Machine::new(&app, &server, SESSIONS),
            owner: app.signed_in(owner.id, &owner.email),
            app,
            server,
        }
    }

    /// How many copies there are beyond the first of those who are not marked as uncertain, and how many have none.
    fn doubled_and_lost(&self) -> (usize, usize) {
        let (copies, uncertain) = (self.server.copies(), self.uncertain());
        let unsaid = copies
            .iter()
            .filter(|(address, copies)| **copies > 1 && !uncertain.contains(*address));
        (unsaid.count(), RECIPIENTS - copies.len())
    }
}

/// What people and programs are told.
fn numbers(app: &TestApp, owner: &Person) -> Vec<Value> {
    let mut conn = app.sql();
    assert_tallied(&mut conn);
    let pages = [
        "/home",
        "/stats",
        "/mailings",
        "/recipients",
        "/messages",
        "/attempts",
        "/suppressions",
    ];
    pages.map(|page| app.get(owner, page).expect(200)).to_vec()
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many rows each table has.
fn rows(app: &TestApp) -> Vec<(String, i64)> {
    let mut conn = app.sql();
    let pieces = tables(&mut conn);
    let names = pieces
        .keys()
        .filter_map(|piece| piece.strip_prefix("table "));
    let rows = names.map(|name| {
        let count = diesel::sql_query(format!("SELECT count(*) AS n FROM {name}"));
        let count: Count = count.get_result(&mut conn).unwrap();
        (name.to_owned(), count.n)
    });
    rows.collect()
}

#[test]
fn a_restored_database_has_the_same_tables_and_statistics() {
    let server =
        ScriptedServer::start().on("r3@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 40);
    app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    app.mailing(&alice, &json!({"starts_at": "2026-06-01T09:00:00Z"}));
    let database = Database::empty();
    Dump::of(&app).restore(&database);
    let restored = TestApp::start_on(database);
    let before = numbers(&app, &alice);
    assert_eq!(
        before[1]["attempts"],
        json!({"total": 40, "ok": 39, "failed": 1})
    );
    assert_eq!(numbers(&restored, &alice), before);
    assert_eq!(rows(&restored), rows(&app));
    let (old, new) = (tables(&mut app.sql()), tables(&mut restored.sql()));
    assert_eq!(differing(&old, &new), [""; 0]);
}

#[test]
fn a_mailing_stopped_by_sigterm_continues_in_the_restored_database() {
    let scene = under_way();
    assert!(scene.machine.engines()[0].terminate().success());
    let sent = scene.server.taken();
    assert!(sent < RECIPIENTS, "nothing was left to be sent");
    let dump = Dump::of(&scene.app);
    let scene = scene.moved_to(&dump);
    scene.machine.engine().start();
    scene.finish();
    assert_eq!(scene.server.taken(), RECIPIENTS);
    assert_eq!(scene.doubled_and_lost(), (0, 0));
    assert!(scene.uncertain().is_empty());
}

#[test]
fn the_journal_of_a_killed_engine_is_replayed_into_a_database_restored_under_the_same_url() {
    let scene = under_way();
    let engine = scene.machine.engines().remove(0);
    engine.kill();
    let dump = Dump::of(&scene.app);
    scene.app.database.empty_out();
    dump.restore(&scene.app.database);
    engine.start();
    scene.finish();
    assert_eq!(scene.doubled_and_lost(), (0, 0));
    let uncertain = scene.uncertain().len();
    assert!(uncertain <= SESSIONS, "{uncertain} uncertain");
}

#[test]
fn an_old_backup_is_held_until_people_have_decided() {
    let scene = under_way();
    let dump = Dump::of(&scene.app);
    scene.finish();
    let scene = scene.moved_to(&dump);
    scene.app.sql().batch_execute(HOLD).unwrap();
    let ended = scene
        .app
        .command(&["run-due"], &[("SMTP_URL", &scene.server.url())]);
    assert!(ended.ok, "{ended:?}");
    assert_eq!(scene.server.taken(), RECIPIENTS, "everybody has it already");
    let mailings = scene.app.get(&scene.owner, "/mailings").expect(200);
    assert_eq!(mailings["items"][0]["state_reason"], "paused");
    let mailing = format!("/mailings/{}", mailings["items"][0]["id"]);
    scene
        .app
        .post(&scene.owner, &format!("{mailing}/cancel"), &json!({}));
    let run = &scene.app.get(&scene.owner, &mailing).expect(200)["last_run"];
    assert_eq!(run["status"], "cancelled", "{run}");
}
