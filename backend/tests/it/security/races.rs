//! The same wish twenty times at once: it comes true once, and nobody sees a mistake of ours.

use std::thread;

use diesel::prelude::*;
use dispatch::core::db::schema::users;
use serde_json::json;

use crate::support::app::TestApp;

fn twenty_times(ask: impl Fn() -> u16 + Sync) -> Vec<u16> {
    let mut statuses: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(&ask)).collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .collect()
    });
    statuses.sort_unstable();
    statuses
}

#[test]
fn an_address_entered_twenty_times_at_once_is_entered_once_and_conflicts_else() {
    let app = TestApp::start();
    let alice = app.alice();
    let body = json!({"email": "ada@example.org"});
    for path in ["/recipients", "/suppressions"] {
        let statuses = twenty_times(|| app.post(&alice, path, &body).status);
        assert_eq!(statuses[..2], [201, 409], "{path}: {statuses:?}");
        assert_eq!(statuses[19], 409, "{path}: {statuses:?}");
        assert_eq!(app.get(&alice, path).expect(200)["total"], 1, "{path}");
    }
}

#[test]
fn an_account_opened_twenty_times_at_once_is_one_account() {
    let app = TestApp::start();
    let statuses = twenty_times(|| app.sign_up("ada@example.org").status);
    assert_eq!(statuses, [202; 20]);
    let accounts: i64 = users::table.count().get_result(&mut app.sql()).unwrap();
    assert_eq!(accounts, 1);
}

#[test]
fn a_thing_deleted_twenty_times_at_once_is_gone_once_and_not_found_else() {
    let app = TestApp::start();
    let alice = app.alice();
    let (recipient, message) = (
        app.recipient(&alice, "ada@example.org"),
        app.message(&alice),
    );
    for path in [
        format!("/recipients/{recipient}"),
        format!("/messages/{message}"),
    ] {
        let statuses = twenty_times(|| app.delete(&alice, &path).status);
        assert_eq!(statuses[..2], [204, 404], "{path}: {statuses:?}");
        assert_eq!(statuses[19], 404, "{path}: {statuses:?}");
    }
}
