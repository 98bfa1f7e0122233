//! Why a run did not reach everybody, and trying those again.

use std::time::Instant;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// Refuses each of these the first time.
fn refusing_once(refusals: &[(&str, u16, &str)]) -> ScriptedServer {
    let server = ScriptedServer::start();
    for (name, code, text) in refusals {
        let refusal = Rule::refuse(*code, text);
        server.add(&format!("{name}@example.org"), refusal, Some(1));
    }
    server
}

/// Alice's finished run to these people, and the ids of the recipients.
struct Sent {
    app: TestApp,
    alice: Person,
    mailing: i64,
    run: i64,
    ids: Vec<i64>,
}

impl Sent {
    fn to(server: &ScriptedServer, names: &[&str], fields: &Value) -> Self {
        let app = TestApp::sending_through(server);
        let alice = app.alice();
        let ids = names
            .iter()
            .map(|name| app.recipient(&alice, &format!("{name}@example.org")))
            .collect();
        let mailing = app.mailing(&alice, fields);
        app.tick();
        let run = app.last_run(&alice, mailing)["id"].as_i64().unwrap();
        Self {
            app,
            alice,
            mailing,
            run,
            ids,
        }
    }

    fn retry(&self, which: &Value) -> Answer {
        let path = format!("/runs/{}/retry", self.run);
        self.app.post(&self.alice, &path, which)
    }

    fn failures(&self) -> Value {
        let path = format!("/runs/{}/failures", self.run);
        self.app.get(&self.alice, &path).expect(200)["items"].clone()
    }

    fn counts(&self) -> Value {
        let path = format!("/runs/{}", self.run);
        self.app.get(&self.alice, &path).expect(200)["counts"].clone()
    }
}

const UNKNOWN: &str = "5.1.1 no such user";

#[test]
fn failures_are_told_by_what_the_server_said_last() {
    let server = refusing_once(&[
        ("ann", 550, UNKNOWN),
        ("bob", 550, UNKNOWN),
        ("cay", 553, "5.1.3 bad address"),
        ("dan", 450, "4.7.1 not yet"),
    ]);
    // It ends before dan could be tried again.
    let sent = Sent::to(
        &server,
        &["ann", "bob", "cay", "dan", "eve"],
        &json!({"ends_at": "2026-05-01T10:03:00Z"}),
    );
    let group = |status: &str, code: u16, response: &str, count: i64| {
        let (enhanced, _) = response.split_once(' ').unwrap();
        json!({"status": status, "stage": "rcpt", "smtp_code": code, "enhanced_code": enhanced,
            "response": response, "count": count})
    };
    let expected = [
        group("rejected", 550, UNKNOWN, 2),
        group("expired", 450, "4.7.1 not yet", 1),
        group("rejected", 553, "5.1.3 bad address", 1),
    ];
    assert_eq!(sent.failures(), json!(expected));
}

#[test]
fn those_never_tried_have_failed_without_a_word() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"ends_at": "2026-05-01T10:05:00Z"}));
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect(202);
    app.post(&alice, &format!("/mailings/{mailing}/pause"), &json!({}))
        .expect(204);
    // Prepared, and over before the first try.
    app.wait(TimeDelta::minutes(5));
    app.tick();
    let run = app.last_run(&alice, mailing)["id"].clone();
    let failures = app
        .get(&alice, &format!("/runs/{run}/failures"))
        .expect(200);
    assert_eq!(
        failures["items"],
        json!([{"status": "expired", "stage": null, "smtp_code": null, "enhanced_code": null, "response": "", "count": 1}])
    );
}

#[test]
fn all_that_failed_are_tried_again_in_the_same_run() {
    let server = refusing_once(&[("ann", 550, UNKNOWN), ("bob", 553, "5.1.3 bad address")]);
    let sent = Sent::to(&server, &["ann", "bob", "cay"], &json!({}));
    let (app, alice) = (&sent.app, &sent.alice);
    assert_eq!(
        app.state(alice, sent.mailing),
        ("completed".into(), "finished".into())
    );
    let answer = sent.retry(&json!({}));
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/runs/{}", sent.run)
    );
    let run = answer.expect(202);
    assert_eq!(
        (&run["id"], &run["status"], &run["finished_at"]),
        (&json!(sent.run), &json!("running"), &Value::Null)
    );
    assert_eq!(
        (&run["counts"]["deferred"], &run["counts"]["rejected"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(
        app.state(alice, sent.mailing),
        ("running".into(), "sending".into())
    );
    sent.retry(&json!({}))
        .expect_problem(409, "nothing_to_retry");

    app.tick();
    assert_eq!(sent.counts()["accepted"], 3);
    assert_eq!(server.accepted().len(), 3, "nobody twice");
    assert_eq!(
        app.state(alice, sent.mailing),
        ("completed".into(), "finished".into())
    );
    let log = app.log(alice);
    let anns = log.iter().filter(|a| a["recipient"]["id"] == sent.ids[0]);
    let attempts: Vec<_> = anns
        .map(|a| {
            (
                a["attempt_no"].as_i64().unwrap(),
                a["ok"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(attempts, [(2, true), (1, false)]);
    assert_eq!(sent.failures(), json!([]));
}

#[test]
fn a_retry_is_for_those_chosen_and_for_nobody_else() {
    let server = refusing_once(&[
        ("ann", 550, UNKNOWN),
        ("bob", 550, "5.7.1 not welcome"),
        ("cay", 553, UNKNOWN),
    ]);
    let sent = Sent::to(&server, &["ann", "bob", "cay", "dan"], &json!({}));
    let [ann, bob, cay, dan] = sent.ids[..] else {
        panic!("four recipients")
    };
    for nobody in [
        json!({"status": "expired"}),
        json!({"smtp_code": 551}),
        json!({"enhanced_code": "5.1.10"}),
        json!({"recipient_ids": [dan]}),
        json!({"recipient_ids": [ann, cay], "enhanced_code": "5.7.1"}),
        json!({"smtp_code": 553, "enhanced_code": "5.7.1"}),
    ] {
        sent.retry(&nobody).expect_problem(409, "nothing_to_retry");
    }
    let deferred = |which: Value| sent.retry(&which).expect(202)["counts"]["deferred"].clone();
    assert_eq!(
        deferred(json!({"smtp_code": 550, "enhanced_code": "5.1.1", "status": "rejected"})),
        1
    );
    assert_eq!(deferred(json!({"recipient_ids": [ann, bob, dan]})), 2);
    sent.app.tick();
    let reached: Vec<_> = server.accepted().into_iter().flat_map(|m| m.to).collect();
    assert_eq!(reached.len(), 3, "{reached:?}");
    assert!(!reached.contains(&"cay@example.org".to_owned()));
    assert_eq!(sent.counts()["rejected"], 1);
    assert_eq!(
        deferred(json!({"smtp_code": 553, "recipient_ids": [cay]})),
        1
    );
}

#[test]
fn what_is_asked_for_must_make_sense() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]);
    let sent = Sent::to(&server, &["ann"], &json!({}));
    for (body, field, code) in [
        (
            json!({"recipient_ids": [999]}),
            "recipient_ids",
            "not_found",
        ),
        (
            json!({"recipient_ids": [sent.ids[0], 999]}),
            "recipient_ids",
            "not_found",
        ),
        (
            json!({"recipient_ids": []}),
            "recipient_ids",
            "out_of_range",
        ),
        (
            json!({"recipient_ids": vec![1; 10_001]}),
            "recipient_ids",
            "out_of_range",
        ),
        (json!({"status": "accepted"}), "status", "unknown_value"),
        (json!({"smtp_code": 100_000}), "smtp_code", "wrong_type"),
        (json!({"smtp_code": 700}), "smtp_code", "out_of_range"),
        (
            json!({"enhanced_code": "5".repeat(21)}),
            "enhanced_code",
            "too_long",
        ),
        (json!({"recipients": "all"}), "recipients", "unknown_field"),
    ] {
        sent.retry(&body).expect_invalid(field, code);
    }
    assert_eq!(sent.counts()["rejected"], 1, "nothing has moved");
}

#[test]
fn a_run_is_not_tried_again_when_its_mailing_may_not_be_sent() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]);
    let sent = Sent::to(
        &server,
        &["ann"],
        &json!({"recurrence": "daily", "ends_at": "2026-05-05T10:00:00Z"}),
    );
    let (app, alice, manager) = (&sent.app, &sent.alice, sent.app.manager());
    let path = format!("/mailings/{}", sent.mailing);
    app.post(
        &manager,
        &format!("{path}/disable"),
        &json!({"reason": "Complaints"}),
    )
    .expect(204);
    sent.retry(&json!({})).expect_problem(409, "disabled");
    app.post(&manager, &format!("{path}/enable"), &json!({}))
        .expect(204);

    server.add("ann@example.org", Rule::refuse(450, "4.7.1 not yet"), None);
    app.wait(TimeDelta::seconds(1));
    app.post(alice, &format!("{path}/send"), &json!({}))
        .expect(202);
    sent.retry(&json!({})).expect_problem(409, "run_open");
    app.post(alice, &format!("{path}/cancel"), &json!({}))
        .expect(204);

    app.wait(TimeDelta::days(4));
    sent.retry(&json!({})).expect_problem(409, "outside_window");
    app.patch(alice, &path, &json!({"ends_at": null}))
        .expect(200);
    sent.retry(&json!({})).expect(202);
    app.delete(alice, &path).expect(204);
    sent.retry(&json!({}))
        .expect_problem(409, "mailing_deleted");
    assert_eq!(server.accepted().len(), 0);
}

#[test]
fn an_older_run_that_is_tried_again_is_the_one_under_way() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]);
    let sent = Sent::to(&server, &["ann"], &json!({"recurrence": "daily"}));
    let (app, alice) = (&sent.app, &sent.alice);
    app.wait(TimeDelta::hours(24));
    app.tick();
    assert_ne!(app.last_run(alice, sent.mailing)["id"], sent.run);
    sent.retry(&json!({})).expect(202);
    assert_eq!(app.last_run(alice, sent.mailing)["id"], sent.run);
    app.post(
        alice,
        &format!("/mailings/{}/send", sent.mailing),
        &json!({}),
    )
    .expect_problem(409, "run_open");
    app.tick();
    assert_ne!(app.last_run(alice, sent.mailing)["id"], sent.run);
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn a_retry_has_the_time_of_a_new_run() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]);
    let sent = Sent::to(&server, &["ann"], &json!({}));
    sent.app.wait(TimeDelta::days(3));
    server.add(
        "ann@example.org",
        Rule::refuse(450, "4.7.1 not yet"),
        Some(2),
    );
    sent.retry(&json!({})).expect(202);
    for _ in 0..3 {
        sent.app.tick();
        sent.app.wait(TimeDelta::hours(6));
    }
    assert_eq!(sent.counts()["accepted"], 1);
}

#[test]
fn a_cancelled_run_is_tried_again_when_it_is_closed_and_skips_its_rest_for_good() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]).on(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    );
    let sent = Sent::to(&server, &["ann", "bob"], &json!({}));
    let (app, alice) = (&sent.app, &sent.alice);
    app.post(
        alice,
        &format!("/mailings/{}/cancel", sent.mailing),
        &json!({}),
    )
    .expect(204);
    sent.retry(&json!({})).expect_problem(409, "run_open");
    app.tick();
    sent.retry(&json!({})).expect(202);
    app.wait(TimeDelta::hours(1));
    app.tick();
    let counts = sent.counts();
    assert_eq!(
        (&counts["accepted"], &counts["skipped"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(app.log(alice).len(), 3);
}

#[test]
fn those_deleted_since_are_not_tried_again() {
    let server = refusing_once(&[("ann", 550, UNKNOWN), ("bob", 550, UNKNOWN)]);
    let sent = Sent::to(&server, &["ann", "bob"], &json!({}));
    let delete = |id: i64| {
        sent.app
            .delete(&sent.alice, &format!("/recipients/{id}"))
            .expect(204);
    };
    delete(sent.ids[0]);
    assert_eq!(sent.retry(&json!({})).expect(202)["counts"]["deferred"], 1);
    sent.app.tick();
    delete(sent.ids[1]);
    sent.retry(&json!({"recipient_ids": [sent.ids[0]]}))
        .expect_problem(409, "nothing_to_retry");
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn those_suppressed_since_are_not_tried_again() {
    let server = refusing_once(&[
        ("bob", 550, "5.1.1 no such user"),
        ("cid", 550, "5.1.1 no such user"),
    ]);
    let sent = Sent::to(&server, &["ann", "bob", "cid"], &json!({}));
    sent.app
        .post(
            &sent.alice,
            "/suppressions",
            &json!({"email": "Bob@example.org"}),
        )
        .expect(201);
    sent.retry(&json!({})).expect(202);
    sent.app.tick();
    let mut reached: Vec<String> = server
        .accepted()
        .iter()
        .flat_map(|mail| mail.to.clone())
        .collect();
    reached.sort();
    assert_eq!(reached, ["ann@example.org", "cid@example.org"]);
}

#[test]
fn what_was_left_uncertain_is_tried_again_at_its_owners_wish() {
    let server = ScriptedServer::start();
    let sent = Sent::to(&server, &["ann"], &json!({}));
    // As a mailing leaves it that holds what is uncertain.
    sent.app
        .sql()
        .batch_execute(
            "UPDATE deliveries SET status = 'uncertain'; UPDATE chunks SET accepted = 0, uncertain = 1;
             UPDATE attempts SET outcome = 'uncertain', smtp_code = NULL, enhanced_code = NULL, response = 'no answer'",
        )
        .unwrap();
    let told = json!({"status": "uncertain", "stage": "dot", "smtp_code": null, "enhanced_code": null,
        "response": "no answer", "count": 1});
    assert_eq!(sent.failures(), json!([told]));
    let counts = sent.retry(&json!({"status": "uncertain"})).expect(202)["counts"].clone();
    assert_eq!(
        (&counts["uncertain"], &counts["deferred"]),
        (&json!(0), &json!(1))
    );
    sent.app.tick();
    assert_eq!(sent.counts()["accepted"], 1);
}

#[test]
fn a_hundred_thousand_failed_are_tried_again_within_a_requests_time() {
    let server = refusing_once(&[("ann", 550, UNKNOWN)]);
    let sent = Sent::to(&server, &["ann"], &json!({}));
    let (owner, run, mailing) = (sent.alice.id, sent.run, sent.mailing);
    sent.app
        .sql()
        .batch_execute(&format!(
            "INSERT INTO recipients (owner_id, email, created_at, updated_at)
             SELECT {owner}, 'r' || n || '@example.org', now(), now() FROM generate_series(1, 100000) n;
             INSERT INTO deliveries (run_id, recipient_id, email, full_name, status, attempts)
             SELECT {run}, id, email, '', 'rejected', 1 FROM recipients WHERE email LIKE 'r%';
             INSERT INTO attempts (run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage, smtp_code,
                                   enhanced_code, response, duration_ms, worker)
             SELECT {run}, id, 1, {owner}, {mailing}, now(), 'rejected', 'rcpt', 550, '5.1.1', 'no', 1, 'w'
             FROM recipients WHERE email LIKE 'r%';
             INSERT INTO chunks (run_id, chunk_no, first_recipient_id, last_recipient_id, pending, rejected)
             SELECT {run}, 1 + id / 1000, min(id), max(id), 0, count(*) FROM recipients WHERE email LIKE 'r%' GROUP BY 2"
        ))
        .unwrap();
    assert_eq!(sent.failures()[0]["count"], 100_001);
    let asked = Instant::now();
    let run = sent.retry(&json!({"smtp_code": 550})).expect(202);
    assert_eq!(run["counts"]["deferred"], 100_001);
    // Some two seconds on a busy machine.
    assert!(asked.elapsed().as_secs() < 10, "{:?}", asked.elapsed());
}
