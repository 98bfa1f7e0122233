//! Readers who had unsubscribed, and want the mails again.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use super::{daily, look, mail_to, mailed, one_click, suppressed, token};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

/// What the page's button asks.
fn subscribe_again(app: &TestApp, token: &str) -> Answer {
    app.send("DELETE", &format!("/unsubscribe/{token}"), &[], None)
}

/// What a look at the link says: whether the address is suppressed, and whether its reader may change that.
fn standing(app: &TestApp, token: &str) -> (Value, Value) {
    let seen = look(app, token).expect(200);
    (
        seen["suppressed"].clone(),
        seen["may_subscribe_again"].clone(),
    )
}

#[test]
fn who_subscribes_again_is_mailed_from_the_next_run_on() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailing = daily(&app, &alice, &["Bob@example.org", "carol@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "Bob@example.org"));
    one_click(&app, &token).expect(204);
    assert_eq!(standing(&app, &token), (json!(true), json!(true)));
    app.wait(TimeDelta::days(1));
    app.tick();
    assert_eq!(mailed(&server, 2), ["carol@example.org"]);

    let answer = subscribe_again(&app, &token);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect(204);
    subscribe_again(&app, &token).expect(204);
    assert_eq!(standing(&app, &token), (json!(false), json!(false)));
    assert_eq!(suppressed(&app, &alice), Vec::<Value>::new());
    app.tick();
    assert_eq!(
        mailed(&server, 3),
        [""; 0],
        "what was skipped stays skipped"
    );
    assert_eq!(app.last_run(&alice, mailing)["counts"]["skipped"], 1);
    app.wait(TimeDelta::days(1));
    app.tick();
    assert_eq!(mailed(&server, 3), ["Bob@example.org", "carol@example.org"]);
    one_click(&app, &token).expect(204);
    assert_eq!(standing(&app, &token), (json!(true), json!(true)));
}

#[test]
fn who_never_unsubscribed_subscribes_again_and_nothing_changes() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    assert_eq!(standing(&app, &token), (json!(false), json!(false)));
    subscribe_again(&app, &token).expect(204);
    assert_eq!(standing(&app, &token), (json!(false), json!(false)));
}

#[test]
fn what_the_owner_entered_and_mail_servers_refused_is_not_the_readers_to_lift() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let entered = json!({"email": "BOB@example.org"});
    app.post(&alice, "/suppressions", &entered).expect(201);
    for reason in ["manual", "rejected"] {
        if reason == "rejected" {
            let refused =
                "UPDATE suppressions SET reason = 'rejected', run_id = (SELECT max(id) FROM runs)";
            app.sql().batch_execute(refused).unwrap();
        }
        let before = suppressed(&app, &alice);
        assert_eq!(before[0]["reason"], reason);
        assert_eq!(standing(&app, &token), (json!(true), json!(false)));
        for _ in 0..2 {
            subscribe_again(&app, &token).expect_problem(409, "stays_suppressed");
        }
        assert_eq!(suppressed(&app, &alice), before, "{reason}");
    }
    app.wait(TimeDelta::days(1));
    app.tick();
    assert_eq!(mailed(&server, 1), [""; 0]);
}

#[test]
fn who_subscribes_to_one_owner_again_does_so_to_no_other() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let tokens = [&alice, &bob].map(|owner| {
        daily(&app, owner, &["carol@example.org", "dora@example.org"]);
        app.tick();
        let token = token(&mail_to(&server, "carol@example.org"));
        one_click(&app, &token).expect(204);
        one_click(&app, &super::token(&mail_to(&server, "dora@example.org"))).expect(204);
        token
    });
    subscribe_again(&app, &tokens[0]).expect(204);
    assert_eq!(suppressed(&app, &bob).len(), 2);
    let left = suppressed(&app, &alice);
    assert_eq!(
        (left.len(), &left[0]["email"]),
        (1, &json!("dora@example.org"))
    );
}
