//! Recipients removed while their mail is claimed but not sent: however slow the server, no body to them starts later
//! than two seconds after the response to the removal.

use std::time::Duration;

use diesel::prelude::*;
use dispatch::core::db::schema::{chunks, recipients};
use serde_json::{Value, json};

use super::scene::Scene;
use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::numbers::assert_tallied;
use crate::support::people::Person;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};
use crate::unsubscribe::token;

/// Time in which no further body may start.
const PROMISED: Duration = Duration::from_secs(2);

/// The usual reply, with this delay.
fn late(at: At, seconds: f64, answer: &str) -> Rule {
    let says = Action::Say(format!("{answer}\r\n").into());
    Rule::act(at, Action::late(Duration::from_secs_f64(seconds), says))
}

fn address(number: i64) -> String {
    format!("r{number}@example.org")
}

fn id_of(app: &TestApp, number: i64) -> i64 {
    recipients::table
        .filter(recipients::email.eq(address(number)))
        .select(recipients::id)
        .first(&mut app.sql())
        .unwrap()
}

/// Status and reason of the delivery to this recipient in the run.
fn standing(app: &TestApp, owner: &Person, run: &Value, number: i64) -> (String, Value) {
    let found = app.get(owner, &format!("/runs/{run}/deliveries?limit=200"));
    let found = found.expect(200);
    let rows = found["items"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["recipient"]["email"] == json!(address(number)))
        .unwrap();
    let status = row["status"].as_str().unwrap().to_owned();
    (status, row["skip_reason"].clone())
}

/// Asserts that the chunks' counters match the deliveries, and the totals match the log.
fn assert_consistent(app: &TestApp) {
    let all: i64 = chunks::table
        .select(diesel::dsl::sum(
            chunks::pending + chunks::deferred + chunks::accepted + chunks::skipped,
        ))
        .first::<Option<i64>>(&mut app.sql())
        .unwrap()
        .unwrap();
    let rows: i64 = dispatch::core::db::schema::deliveries::table
        .count()
        .get_result(&mut app.sql())
        .unwrap();
    assert_eq!(all, rows);
    assert_tallied(&mut app.sql());
}

/// Each of these is removed in a different way.
fn leave(app: &TestApp, owner: &Person, tokens: &[(i64, String)], numbers: [i64; 3]) {
    let [deleted, suppressed, unsubscribed] = numbers;
    let path = format!("/recipients/{}", id_of(app, deleted));
    app.delete(owner, &path).expect(204);
    let entered = json!({"email": address(suppressed)});
    app.post(owner, "/suppressions", &entered).expect(201);
    click(app, tokens, unsubscribed);
}

/// Unsubscribes by the link of a mail to this recipient.
fn click(app: &TestApp, tokens: &[(i64, String)], number: i64) {
    let (_, token) = tokens.iter().find(|(n, _)| *n == number).unwrap();
    let form = "application/x-www-form-urlencoded".to_owned();
    let path = format!("/unsubscribe/{token}");
    let clicked = "List-Unsubscribe=One-Click";
    app.send_text("POST", &path, &[("content-type", form)], clicked)
        .expect(204);
}

#[test]
fn a_recipient_removed_during_a_run_is_not_mailed_however_slow_the_server() {
    const ALL: i64 = 14;
    for own in [false, true] {
        let servers = [(); 2].map(|()| ScriptedServer::start());
        let [installation, users] = &servers;
        let app =
            TestApp::letting_in_tuned(installation, &[users], &[("SMTP_SESSIONS", "1")], |_| {});
        let alice = app.alice();
        app.recipients(&alice, ALL);
        let server_id = app.own_server(&alice, users, &json!({"sessions": 1}));
        let server = if own { users } else { installation };
        let through = if own {
            json!({"smtp_server_id": server_id})
        } else {
            json!({})
        };
        // Their links are from an earlier mailing.
        app.mailing(&alice, &through);
        app.tick();
        let mails = server.accepted();
        assert_eq!(mails.len(), usize::try_from(ALL).unwrap());
        let tokens: Vec<(i64, String)> = (1..=ALL)
            .map(|number| {
                let mail = mails.iter().find(|mail| mail.to == [address(number)]);
                (number, token(mail.unwrap()))
            })
            .collect();
        server.add("*", late(At::Dot, 0.5, "250 2.0.0 queued"), None);
        let mailing = app.mailing(&alice, &through);
        let sending = app.start_sending();
        sending.pass(&app);
        eventually("the second mail", || {
            (server.taken() >= mails.len() + 2).then_some(())
        });
        for numbers in [[9, 10, 11], [12, 13, 14]] {
            leave(&app, &alice, &tokens, numbers);
        }
        eventually("all others are mailed", || {
            let run = app.last_run(&alice, mailing);
            (run["counts"]["accepted"] == json!(8)).then_some(())
        });
        drop(sending);
        let run = app.last_run(&alice, mailing)["id"].clone();
        let to = |number| server.copies()[&address(number)];
        for number in 1..=8 {
            assert_eq!(to(number), 2, "{number} stays");
        }
        for number in 9..=ALL {
            assert_eq!(to(number), 1, "{number} has left");
            let reason = if number % 3 == 0 {
                "recipient_deleted"
            } else {
                "suppressed"
            };
            let expected = ("skipped".to_owned(), json!(reason));
            assert_eq!(standing(&app, &alice, &run, number), expected);
        }
        assert_consistent(&app);
    }
}

#[test]
fn a_claimed_mail_to_a_former_address_is_not_sent_when_that_address_unsubscribes() {
    const ALL: i64 = 8;
    let server = ScriptedServer::start();
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "1")]);
    let alice = app.alice();
    app.recipients(&alice, ALL);
    app.mailing(&alice, &json!({}));
    app.tick();
    let mails = server.accepted();
    let to_6 = mails.iter().find(|mail| mail.to == [address(6)]);
    let tokens = [(6, token(to_6.unwrap()))];
    server.add("*", late(At::Dot, 0.5, "250 2.0.0 queued"), None);
    let mailing = app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("the first mail", || {
        (server.taken() > mails.len()).then_some(())
    });
    let ids: Vec<i64> = (4..=ALL).map(|number| id_of(&app, number)).collect();
    for id in &ids {
        let edited = json!({"email": format!("new{id}@example.org")});
        app.patch(&alice, &format!("/recipients/{id}"), &edited)
            .expect(200);
    }
    // 4 stays; 5 and 6 leave by their old address, 8 by the new one, and 7 is deleted.
    let path = format!("/recipients/{}", ids[3]);
    app.delete(&alice, &path).expect(204);
    for email in [address(5), format!("new{}@example.org", ids[4])] {
        app.post(&alice, "/suppressions", &json!({"email": email}))
            .expect(201);
    }
    click(&app, &tokens, 6);
    eventually("all others are mailed", || {
        let run = app.last_run(&alice, mailing);
        (run["counts"]["accepted"] == json!(4)).then_some(())
    });
    drop(sending);
    let run = app.last_run(&alice, mailing)["id"].clone();
    for number in 5..=ALL {
        assert_eq!(server.copies()[&address(number)], 1, "{number} has left");
        let reason = if number == 7 {
            "recipient_deleted"
        } else {
            "suppressed"
        };
        let expected = ("skipped".to_owned(), json!(reason));
        assert_eq!(standing(&app, &alice, &run, number), expected);
    }
    assert_eq!(server.copies()[&address(4)], 2, "only edited");
    assert_consistent(&app);
}

#[test]
fn a_recipient_removed_during_the_envelope_is_not_mailed() {
    let server = ScriptedServer::start();
    let slow = PROMISED.as_secs_f64();
    server.add("r1@example.org", late(At::Rcpt, slow, "250 2.1.5 ok"), None);
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "1")]);
    let alice = app.alice();
    app.recipients(&alice, 2);
    let mailing = app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("its envelope", || {
        let commands = server.commands();
        commands
            .iter()
            .any(|line| line.contains("r1@example.org"))
            .then_some(())
    });
    let path = format!("/recipients/{}", id_of(&app, 1));
    app.delete(&alice, &path).expect(204);
    eventually("the other is mailed", || {
        (server.taken() == 1).then_some(())
    });
    drop(sending);
    assert_eq!(
        server.copies().keys().collect::<Vec<_>>(),
        ["r2@example.org"]
    );
    let run = app.last_run(&alice, mailing)["id"].clone();
    let skipped = ("skipped".to_owned(), json!("recipient_deleted"));
    assert_eq!(standing(&app, &alice, &run, 1), skipped);
    assert_consistent(&app);
}

#[test]
fn a_late_acceptance_counts_only_if_the_body_started_before_the_removal() {
    let server = ScriptedServer::start();
    server.add(
        "r1@example.org",
        late(At::Dot, 1.0, "250 2.0.0 queued"),
        None,
    );
    let app = TestApp::start_with(&[("SMTP_URL", &server.url()), ("SMTP_SESSIONS", "1")]);
    let alice = app.alice();
    app.recipients(&alice, 2);
    let mailing = app.mailing(&alice, &json!({}));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("its body", || (server.taken() == 1).then_some(()));
    let path = format!("/recipients/{}", id_of(&app, 1));
    app.delete(&alice, &path).expect(204);
    eventually("both are mailed", || {
        let run = app.last_run(&alice, mailing);
        (run["counts"]["accepted"] == json!(2)).then_some(())
    });
    drop(sending);
    let run = app.last_run(&alice, mailing)["id"].clone();
    let accepted = ("accepted".to_owned(), Value::Null);
    assert_eq!(standing(&app, &alice, &run, 1), accepted);
    assert_consistent(&app);
}

#[test]
fn a_recipient_removed_by_another_process_is_not_mailed_by_any_engine() {
    let server = ScriptedServer::start();
    server.add("*", late(At::Dot, 0.5, "250 2.0.0 queued"), None);
    let scene = Scene::new(server, 1);
    let Scene {
        machine,
        app,
        server,
        owner: alice,
    } = &scene;
    let names: Vec<String> = (1..=20).map(|number| format!("r{number}")).collect();
    scene.mailing(
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
        "retry",
    );
    for _ in 0..2 {
        machine.engine().start();
    }
    eventually("the first mails", || (server.taken() >= 2).then_some(()));
    for number in 11..=20 {
        let path = format!("/recipients/{}", id_of(app, number));
        app.delete(alice, &path).expect(204);
    }
    eventually("the last result", || {
        let open: i64 = chunks::table
            .select(diesel::dsl::sum(chunks::pending))
            .first::<Option<i64>>(&mut app.sql())
            .unwrap()
            .unwrap_or_default();
        (open == 0).then_some(())
    });
    let copies = server.copies();
    assert!(
        (11..=20).all(|number| !copies.contains_key(&address(number))),
        "{copies:?}"
    );
    assert_consistent(app);
}
