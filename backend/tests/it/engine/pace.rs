//! Who is served when, and how fast: nobody waits for somebody else's million, and a mail server gets no more than it may.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::mailings;
use dispatch::delivery::smtp_server_health::model::ServerRateLimit;
use dispatch::delivery::smtp_server_health::store::{know, name_of, take_tokens};
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::smtp_server::ScriptedServer;

fn reached(server: &ScriptedServer, email: &str) -> bool {
    server.accepted().iter().any(|mail| mail.to[0] == email)
}

#[test]
fn a_mailing_to_one_does_not_wait_for_one_to_two_hundred_thousand() {
    let server = ScriptedServer::start();
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_RATE", "0")]);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipients(&alice, 200_000);
    app.recipient(&bob, "the.one@example.org");
    app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("the large mailing is under way", || {
        (server.accepted().len() > 1000).then_some(())
    });
    app.mailing(&bob, &json!({}));
    let asked = Instant::now();
    sending.pass(&app);
    eventually("the small one is sent", || {
        reached(&server, "the.one@example.org").then_some(())
    });
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert!(server.accepted().len() < 200_000, "the large one goes on");
}

#[test]
fn every_owner_has_a_turn_before_any_has_a_second() {
    let server = ScriptedServer::setup()
        // Slower than leasing the chunks of the others, also on a busy machine.
        .replying_after(Duration::from_millis(5))
        .start();
    let app = TestApp::sending_through(&server);
    let owners = ["ann", "bea", "cay"].map(|name| app.person(&format!("{name}@owner.org"), "user"));
    for owner in &owners {
        for n in 0..200 {
            app.recipient(owner, &format!("{n}.of.{}@example.org", owner.id));
        }
        app.mailing(owner, &json!({}));
    }
    app.tick();
    let mails = server.accepted();
    assert_eq!(mails.len(), 600);
    let first: HashSet<&str> = mails[..300]
        .iter()
        .filter_map(|mail| mail.to[0].split_once(".of."))
        .map(|(_, owner)| owner)
        .collect();
    assert_eq!(first.len(), 3, "all owners are among the first half");
}

#[test]
fn a_paused_run_stops_within_two_seconds_and_continues_when_resumed() {
    const EVERYBODY: usize = 3000;
    let server = ScriptedServer::start();
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_RATE", "500")]);
    let alice = app.alice();
    app.recipients(&alice, 3000);
    app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("it is under way", || {
        (server.accepted().len() > 100).then_some(())
    });
    let holding = [
        mailings::paused_at.eq(Some(app.now())),
        mailings::paused_at.eq(None),
    ];
    let [pause, resume] = holding;
    diesel::update(mailings::table)
        .set(pause)
        .execute(&mut app.sql())
        .unwrap();
    let paused = Instant::now();
    eventually("nothing is in hand any more", || {
        let held: i64 = diesel::dsl::sql::<diesel::sql_types::BigInt>(
            "SELECT count(*) FROM chunks WHERE lease_token IS NOT NULL",
        )
        .get_result(&mut app.sql())
        .unwrap();
        (held == 0).then_some(())
    });
    assert!(
        paused.elapsed() < Duration::from_secs(2),
        "{:?}",
        paused.elapsed()
    );
    let sent = server.accepted().len();
    assert!(sent < EVERYBODY, "{sent}");
    sending.pass(&app);
    assert_eq!(
        server.accepted().len(),
        sent,
        "nothing leaves while it is held"
    );
    diesel::update(mailings::table)
        .set(resume)
        .execute(&mut app.sql())
        .unwrap();
    sending.pass(&app);
    eventually("everybody is served", || {
        (server.accepted().len() >= EVERYBODY).then_some(())
    });
    let mails = server.accepted();
    let different: HashSet<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
    assert_eq!((mails.len(), different.len()), (EVERYBODY, EVERYBODY));
}

#[test]
fn all_processes_together_respect_the_rate_limit() {
    let app = TestApp::start();
    let (mut one, mut other) = (app.sql(), app.sql());
    know(&mut one, None).unwrap();
    let installation = name_of(None);
    let pace = ServerRateLimit {
        per_second: 100,
        per_hour: 0,
    };
    let granted: i64 = (0..10)
        .map(|_| {
            take_tokens(&mut one, &installation, pace, 30).unwrap()
                + take_tokens(&mut other, &installation, pace, 30).unwrap()
        })
        .sum();
    assert!(
        (100..150).contains(&granted),
        "a second's worth, and what came meanwhile: {granted}"
    );
    let hourly = ServerRateLimit {
        per_second: 0,
        per_hour: 600,
    };
    let back_by = |seconds: i32| {
        format!(
            "UPDATE mail_servers SET hour_tokens = 0, refilled_at = clock_timestamp() - interval '{seconds} seconds'"
        )
    };
    one.batch_execute(&back_by(30)).unwrap();
    assert_eq!(take_tokens(&mut one, &installation, hourly, 100), Ok(5));
    one.batch_execute(&back_by(86_400)).unwrap();
    assert_eq!(
        take_tokens(&mut other, &installation, hourly, 100),
        Ok(10),
        "no more than a minute's worth is saved up"
    );
}

#[test]
fn all_processes_together_respect_the_session_limit() {
    let server = ScriptedServer::setup()
        .replying_after(Duration::from_millis(2))
        .start();
    let app = TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("SMTP_SESSIONS", "4"),
        ("SMTP_SESSIONS_IN_ALL", "3"),
        ("SMTP_RATE", "0"),
    ]);
    let alice = app.alice();
    app.recipients(&alice, 300);
    app.mailing(&alice, &json!({}));
    let (one, other) = (app.start_sending(), app.start_sending());
    one.pass(&app);
    other.pass(&app);
    eventually("everybody is served", || {
        (server.accepted().len() >= 300).then_some(())
    });
    assert_eq!(server.connections(), 3);
    // Who ends makes room.
    drop(one);
    drop(other);
    app.mailing(&alice, &json!({}));
    let next = app.start_sending();
    next.pass(&app);
    eventually("the next is served", || {
        (server.accepted().len() >= 600).then_some(())
    });
}
