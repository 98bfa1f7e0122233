//! The public page in numbers.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

#[test]
fn a_service_that_nobody_uses_says_so() {
    let app = TestApp::start();
    assert_eq!(
        app.read("/home").expect(200),
        json!({"mailings_total": 0, "mailings_active": 0, "unique_recipients": 0, "articles": []})
    );
}

#[test]
fn an_address_counts_once_whoever_writes_to_it_and_however_it_is_written() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    app.recipient(&alice, "Ada@example.org");
    app.recipient(&alice, "grace@example.org");
    app.recipient(&bob, "ada@EXAMPLE.org");
    assert_eq!(app.read("/home").expect(200)["unique_recipients"], 2);
}

#[test]
fn a_mailing_is_active_while_it_runs_within_its_time_and_nobody_keeps_it_from_it() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "ada@example.org");
    let active = || {
        let home = app.read("/home").expect(200);
        let numbers = [&home["mailings_total"], &home["mailings_active"]];
        numbers.map(|number| number.as_i64().unwrap())
    };
    let end = app.now() + TimeDelta::days(7);
    let id = app.mailing(&alice, &json!({"recurrence": "daily", "ends_at": end}));
    let later = app.now() + TimeDelta::days(1);
    app.mailing(&alice, &json!({"starts_at": later}));
    app.tick();
    assert_eq!(active(), [2, 1], "one runs, one is only created");
    let act = |action: &str, body| {
        let path = format!("/mailings/{id}/{action}");
        app.post(&manager, &path, &body).expect(204);
    };
    act("disable", json!({"reason": "Complaints"}));
    assert_eq!(active(), [2, 0]);
    act("enable", json!({}));
    assert_eq!(active(), [2, 1]);
    let block = |blocked| {
        let update = format!(
            "UPDATE users SET blocked_at = {blocked} WHERE id = {}",
            alice.id
        );
        app.sql().batch_execute(&update).unwrap();
    };
    block("now()");
    assert_eq!(active(), [2, 0]);
    block("NULL");
    assert_eq!(active(), [2, 1]);
    app.wait(TimeDelta::days(7));
    assert_eq!(active(), [2, 0]);
}

#[test]
fn over_200_loads_each_of_ten_articles_is_shown_and_never_a_draft() {
    let app = TestApp::start();
    let manager = app.manager();
    app.article(&manager, "A draft");
    let published: BTreeSet<_> = (0..10)
        .map(|number| app.published(&manager, &format!("News {number}")))
        .collect();
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        let articles = app.read("/home").expect(200)["articles"].take();
        let slugs: BTreeSet<_> = articles
            .as_array()
            .unwrap()
            .iter()
            .map(|article| article["slug"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(slugs.len(), 3);
        seen.extend(slugs);
    }
    assert_eq!(seen, published);
}
