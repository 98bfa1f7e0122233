//! What keeps a mailing from being sent for a while: its owner, a manager, its mail server.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use dispatch::core::owners::Owners;
use dispatch::delivery::mailings::store;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// Takes everybody's mail but that of bob@example.org, who is to be tried again later.
fn putting_bob_off() -> ScriptedServer {
    ScriptedServer::start().on(
        "bob@example.org",
        Rule::say(At::Rcpt, b"450 4.7.1 not yet\r\n"),
    )
}

/// A mailing to ann and bob in the middle of its run: bob is still to be tried again.
fn half_sent(app: &TestApp, owner: &Person, fields: &Value) -> i64 {
    for name in ["ann", "bob"] {
        app.recipient(owner, &format!("{name}@example.org"));
    }
    let mailing = app.mailing(owner, fields);
    app.tick();
    mailing
}

impl TestApp {
    pub(crate) fn act(&self, person: &Person, mailing: i64, action: &str) {
        self.post(person, &format!("/mailings/{mailing}/{action}"), &json!({}))
            .expect(204);
    }

    /// Status of the mailing's last run and what has paused it.
    fn run_state(&self, owner: &Person, mailing: i64) -> (Value, Value) {
        let run = self.last_run(owner, mailing);
        let by_itself = self.get(owner, &format!("/runs/{}", run["id"])).expect(200);
        assert_eq!(run, by_itself, "a run is the same wherever it is shown");
        (run["status"].clone(), run["pause_reason"].clone())
    }

    fn counts(&self, owner: &Person, mailing: i64) -> Value {
        self.last_run(owner, mailing)["counts"].clone()
    }
}

#[test]
fn pausing_and_resuming_shows_and_twice_changes_nothing() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({}));
    let path = format!("/mailings/{mailing}");
    let state = || app.state(&alice, mailing);
    assert_eq!(state(), ("running".into(), "sending".into()));
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("running"), Value::Null)
    );

    app.act(&alice, mailing, "pause");
    let since = app.get(&alice, &path).expect(200)["paused_at"].clone();
    assert_eq!(since, json!("2026-05-01T10:00:00Z"));
    app.wait(TimeDelta::seconds(1));
    app.act(&alice, mailing, "pause");
    let paused = app.get(&alice, &path).expect(200);
    assert_eq!(paused["paused_at"], since);
    assert_eq!(state(), ("running".into(), "paused".into()));
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("paused"), json!("paused"))
    );
    let listed = app.get(&alice, "/mailings?status=running").expect(200);
    assert_eq!(listed["items"], json!([paused]));
    let runs = app.get(&alice, &format!("{path}/runs")).expect(200);
    assert_eq!(runs["items"], json!([paused["last_run"]]));

    for _ in 0..2 {
        app.act(&alice, mailing, "resume");
        assert_eq!(state(), ("running".into(), "sending".into()));
    }
    assert_eq!(app.get(&alice, &path).expect(200)["paused_at"], Value::Null);
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("running"), Value::Null)
    );
}

#[test]
fn a_paused_mailing_starts_when_it_is_resumed_and_not_before() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.act(&alice, mailing, "pause");
    assert_eq!(
        app.state(&alice, mailing),
        ("created".into(), "paused".into())
    );
    app.tick();
    app.wait(TimeDelta::hours(25));
    app.tick();
    app.post(&alice, &format!("/mailings/{mailing}/send"), &json!({}))
        .expect_problem(409, "paused");
    assert!(server.accepted().is_empty());

    app.act(&alice, mailing, "resume");
    app.tick();
    assert_eq!(server.accepted().len(), 1, "the newest, as after downtime");
    let runs = app
        .get(&alice, &format!("/mailings/{mailing}/runs"))
        .expect(200);
    assert_eq!(
        (
            &runs["items"][0]["scheduled_for"],
            &runs["items"][1]["status"]
        ),
        (&json!("2026-05-02T10:00:00Z"), &json!("missed"))
    );
}

#[test]
fn a_paused_run_expires_at_the_end_of_its_window() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({"ends_at": "2026-05-01T11:00:00Z"}));
    app.act(&alice, mailing, "pause");
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("finished"), Value::Null)
    );
    assert_eq!(app.counts(&alice, mailing)["expired"], 1);
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "window_over".into())
    );
    app.post(&alice, &format!("/mailings/{mailing}/pause"), &json!({}))
        .expect_problem(409, "completed");
    app.act(&alice, mailing, "resume");
}

#[test]
fn a_mailing_paused_until_its_end_is_completed_without_being_sent() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"ends_at": "2026-05-01T11:00:00Z"}));
    app.act(&alice, mailing, "pause");
    app.wait(TimeDelta::minutes(59));
    app.tick();
    assert_eq!(
        app.state(&alice, mailing),
        ("created".into(), "paused".into())
    );
    app.wait(TimeDelta::minutes(1));
    app.tick();
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "window_over".into())
    );
    assert!(server.accepted().is_empty());
}

#[test]
fn a_cancelled_run_skips_the_rest_and_the_next_occurrence_goes_on() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({"recurrence": "daily"}));
    let cancel = format!("/mailings/{mailing}/cancel");
    app.act(&alice, mailing, "cancel");
    app.post(&alice, &cancel, &json!({}))
        .expect_problem(409, "no_run");
    app.tick();
    let run = app.last_run(&alice, mailing);
    assert_eq!(
        (
            &run["status"],
            &run["counts"]["accepted"],
            &run["counts"]["skipped"]
        ),
        (&json!("cancelled"), &json!(1), &json!(1))
    );
    let deliveries = app
        .get(&alice, &format!("/runs/{}/deliveries", run["id"]))
        .expect(200);
    let reasons = [
        &deliveries["items"][0]["skip_reason"],
        &deliveries["items"][1]["skip_reason"],
    ];
    assert_eq!(reasons, [&Value::Null, &json!("cancelled")]);
    assert_eq!(
        app.state(&alice, mailing),
        ("running".into(), "waiting".into())
    );
    app.wait(TimeDelta::hours(24));
    app.tick();
    assert_eq!(app.last_run(&alice, mailing)["status"], "running");
    assert_eq!(server.accepted().len(), 2);
}

#[test]
fn a_mailing_sent_once_is_completed_by_cancelling_it() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({}));
    app.act(&alice, mailing, "pause");
    app.act(&alice, mailing, "cancel");
    assert_eq!(
        app.state(&alice, mailing),
        ("completed".into(), "finished".into())
    );
}

#[test]
fn resuming_lifts_what_the_engine_has_paused_a_run_for() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({}));
    for reason in [
        "content_rejected",
        "recipients_refused",
        "mail_server_defers",
    ] {
        let pause = format!("UPDATE runs SET pause_reason = '{reason}', paused_until = now()");
        app.sql().batch_execute(&pause).unwrap();
        assert_eq!(
            app.state(&alice, mailing),
            ("running".into(), reason.into())
        );
        assert_eq!(
            app.run_state(&alice, mailing),
            (json!("paused"), json!(reason))
        );
        for _ in 0..2 {
            app.act(&alice, mailing, "resume");
            assert_eq!(
                app.run_state(&alice, mailing),
                (json!("running"), Value::Null)
            );
        }
    }
}

#[test]
fn a_mail_server_that_is_away_shows_in_open_runs_and_a_hold_wins() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = half_sent(&app, &alice, &json!({}));
    let later = app.mailing(&alice, &json!({"starts_at": "2026-05-02T10:00:00Z"}));
    for cause in [
        "mail_server_unreachable",
        "mail_server_refuses",
        "mail_server_does_not_confirm",
    ] {
        let open = format!(
            "INSERT INTO mail_servers (name, opened_at, cause, probe_at) VALUES ('installation', now(), '{cause}', now())
             ON CONFLICT (name) DO UPDATE SET opened_at = now(), cause = '{cause}', probe_at = now()"
        );
        app.sql().batch_execute(&open).unwrap();
        assert_eq!(
            app.run_state(&alice, mailing),
            (json!("paused"), json!(cause))
        );
        assert_eq!(app.state(&alice, mailing), ("running".into(), cause.into()));
    }
    assert_eq!(
        app.state(&alice, later),
        ("created".into(), "waiting".into())
    );
    app.act(&alice, mailing, "pause");
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("paused"), json!("paused"))
    );
    app.act(&alice, mailing, "cancel");
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("cancelled"), Value::Null)
    );
}

#[test]
fn a_manager_disables_a_mailing_in_mid_run_and_its_owner_sees_who_when_and_why() {
    let server = putting_bob_off();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    let admin = app.person("admin@example.org", "admin");
    let mailing = half_sent(&app, &alice, &json!({}));
    let path = format!("/mailings/{mailing}");
    let disable = format!("{path}/disable");
    app.post(&manager, &disable, &json!({"reason": " Complaints "}))
        .expect(204);
    let disabled = || app.get(&alice, &path).expect(200)["disabled"].clone();
    let told = |by: &Person, reason: &str| json!({"at": "2026-05-01T10:00:00Z", "by": {"id": by.id, "email": by.email}, "reason": reason});
    assert_eq!(disabled(), told(&manager, "Complaints"));
    assert_eq!(
        app.state(&alice, mailing),
        ("running".into(), "disabled".into())
    );
    assert_eq!(
        app.run_state(&alice, mailing),
        (json!("paused"), json!("disabled"))
    );
    app.wait(TimeDelta::seconds(1));
    app.post(&admin, &disable, &json!({"reason": "Жалобы"}))
        .expect(204);
    assert_eq!(disabled(), told(&admin, "Жалобы"));

    // Its owner can pause and resume it, which lets nothing go.
    app.act(&alice, mailing, "pause");
    app.act(&alice, mailing, "resume");
    assert_eq!(app.state(&alice, mailing).1, "disabled");
    for _ in 0..2 {
        app.act(&manager, mailing, "enable");
        assert_eq!(
            (disabled(), app.state(&alice, mailing).1),
            (Value::Null, "sending".into())
        );
    }
}

#[test]
fn a_disabled_mailing_is_not_started_by_anybody() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    let path = format!("/mailings/{mailing}");
    app.post(
        &manager,
        &format!("{path}/disable"),
        &json!({"reason": "Complaints"}),
    )
    .expect(204);
    app.tick();
    app.post(&alice, &format!("{path}/send"), &json!({}))
        .expect_problem(409, "disabled");
    assert!(server.accepted().is_empty());
    app.act(&manager, mailing, "enable");
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn a_reason_to_disable_or_block_is_a_line_of_text() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    for path in [
        format!("/mailings/{mailing}/disable"),
        format!("/users/{}/block", alice.id),
    ] {
        for (body, code) in [
            (json!({}), "required"),
            (json!({"reason": " "}), "required"),
            (json!({"reason": "ы".repeat(501)}), "too_long"),
            (json!({"reason": "a\nb"}), "control_characters"),
            (json!({"reason": "a\u{0}b"}), "control_characters"),
            (json!({"reason": null}), "wrong_type"),
        ] {
            app.post(&manager, &path, &body)
                .expect_invalid("reason", code);
        }
        app.post(&manager, &path, &json!({"reason": "ы".repeat(500)}))
            .expect(204);
    }
}

#[test]
fn what_is_uncertain_is_tried_again_unless_its_owner_wishes_otherwise() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipient(&alice, "ann@example.org");
    let wish = |mailing: i64| {
        app.get(&alice, &format!("/mailings/{mailing}")).expect(200)["on_uncertain"].clone()
    };
    assert_eq!(wish(app.mailing(&alice, &json!({}))), "retry");
    let mailing = app.mailing(&alice, &json!({"on_uncertain": "hold"}));
    let path = format!("/mailings/{mailing}");
    assert_eq!(wish(mailing), "hold");
    let changed = app.patch(&alice, &path, &json!({"on_uncertain": "retry"}));
    assert_eq!(changed.expect(200)["on_uncertain"], "retry");
    assert_eq!(wish(mailing), "retry");
    for (wrong, code) in [
        (json!("maybe"), "unknown_value"),
        (Value::Null, "wrong_type"),
    ] {
        app.patch(&alice, &path, &json!({"on_uncertain": wrong}))
            .expect_invalid("on_uncertain", code);
    }
}

#[test]
fn nothing_of_a_blocked_owner_is_started_by_anybody() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "ann@example.org");
    let mailing = app.mailing(&alice, &json!({"ends_at": "2099-01-01T00:00:00Z"}));
    app.post(
        &manager,
        &format!("/users/{}/block", alice.id),
        &json!({"reason": "Spam"}),
    )
    .expect(204);
    app.tick();
    let sent = app.command(&["send", &mailing.to_string()], &[]);
    assert_eq!(
        (sent.ok, sent.err.as_str()),
        (false, "dispatch: the mailing's owner is blocked\n")
    );
    assert!(server.accepted().is_empty());
    let shown = store::find(&mut app.sql(), Owners::One(alice.id), mailing).unwrap();
    assert_eq!(shown.state_reason.as_str(), "owner_blocked");

    app.post(
        &manager,
        &format!("/users/{}/unblock", alice.id),
        &json!({}),
    )
    .expect(204);
    app.tick();
    assert_eq!(server.accepted().len(), 1);
}
