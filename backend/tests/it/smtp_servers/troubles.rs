//! A user's server in trouble is that user's alone: others go on at full pace, and what waits for it goes on by itself.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::people::Person;
use crate::support::smtp_server::{Action, At, Rule, ScriptedServer, Setup};

/// Alice, who has brought a server, and Bob, who has not; both with so many recipients.
struct Scene {
    app: TestApp,
    alice: Person,
    bob: Person,
    server: i64,
    hers: i64,
    his: i64,
}

impl Scene {
    fn of(installation: &ScriptedServer, own: &ScriptedServer, fields: serde_json::Value) -> Self {
        let app = TestApp::letting_in(installation, &[own]);
        let (alice, bob) = (app.alice(), app.bob());
        app.recipients(&alice, 100);
        app.recipients(&bob, 2000);
        let server = app.own_server(&alice, own, &fields);
        let hers = app.mailing(&alice, &json!({"smtp_server_id": server}));
        let his = app.mailing(&bob, &json!({}));
        Self {
            app,
            alice,
            bob,
            server,
            hers,
            his,
        }
    }

    fn assert_his_is_done(&self) {
        let run = self.app.last_run(&self.bob, self.his);
        assert_eq!(
            (&run["status"], &run["counts"]["accepted"]),
            (&json!("finished"), &json!(2000))
        );
    }

    /// Why hers does not go on.
    fn reason(&self) -> String {
        self.app.state(&self.alice, self.hers).1
    }

    fn correct(&self, fields: &serde_json::Value) {
        let path = format!("/smtp-servers/{}", self.server);
        self.app.patch(&self.alice, &path, fields).expect(200);
    }

    fn assert_hers_is_done(&self, own: &ScriptedServer) {
        let run = self.app.last_run(&self.alice, self.hers);
        assert_eq!(
            (&run["status"], &run["counts"]["accepted"]),
            (&json!("finished"), &json!(100))
        );
        let copies = own.copies();
        assert_eq!(copies.len(), 100);
        assert!(copies.values().all(|copies| *copies == 1));
    }
}

#[test]
fn a_server_that_nobody_runs_keeps_only_its_owner_waiting_until_it_is_corrected() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let scene = Scene::of(&installation, &own, json!({"port": 9}));
    scene.app.tick();
    scene.assert_his_is_done();
    assert_eq!(scene.reason(), "mail_server_unreachable");
    let tried = scene.app.log(&scene.alice).len();
    assert!((5..10).contains(&tried), "it is not hammered: {tried}");
    scene.correct(&json!({"port": own.port()}));
    // Those that were tried wait half a minute; nobody else waits for them.
    scene.app.tick();
    assert!(own.taken() > 80, "at once: {}", own.taken());
    scene.app.wait(TimeDelta::minutes(1));
    scene.app.tick();
    scene.assert_hers_is_done(&own);
}

#[test]
fn refused_credentials_and_certificates_are_told_and_put_right() {
    let plain = || {
        ScriptedServer::setup()
            .offering("AUTH PLAIN")
            .knowing("me", "secret")
    };
    let wrong = json!({"password": "wrong"});
    let cases: [(Setup, _, _); 3] = [
        (plain(), wrong.clone(), json!({"password": "secret"})),
        (plain().starttls(), wrong, json!({"password": "secret"})),
        // Its certificate names another.
        (
            plain().implicit_tls(),
            json!({"host": "127.0.0.1"}),
            json!({"host": "localhost", "password": "secret"}),
        ),
    ];
    for (setup, fault, right) in cases {
        let (installation, own) = (ScriptedServer::start(), setup.start());
        let scene = Scene::of(&installation, &own, fault);
        scene.app.tick();
        scene.app.tick();
        scene.assert_his_is_done();
        assert_eq!(scene.reason(), "mail_server_refuses");
        assert!(
            own.connections() <= 2,
            "it is not hammered: {}",
            own.connections()
        );
        assert_eq!(own.taken(), 0);
        scene.correct(&right);
        scene.app.tick();
        scene.app.wait(TimeDelta::minutes(1));
        scene.app.tick();
        scene.assert_hers_is_done(&own);
    }
}

#[test]
fn a_server_without_the_encryption_that_was_asked_for_gets_nothing() {
    let installation = ScriptedServer::start();
    for setup in [
        ScriptedServer::setup().starttls().without("STARTTLS"),
        ScriptedServer::setup().starttls().named("mail.example.org"),
        ScriptedServer::setup().implicit_tls().expired(),
    ] {
        let own = setup.start();
        let scene = Scene::of(&installation, &own, json!({}));
        scene.app.tick();
        assert_eq!(
            (own.taken(), scene.reason().as_str()),
            (0, "mail_server_refuses")
        );
    }
}

#[test]
fn a_name_that_leads_into_our_networks_by_now_gets_nothing() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let closed = [("OWN_SMTP_NETWORKS", "")];
    let app = TestApp::letting_in_tuned(&installation, &[&own], &closed, |_| {});
    let alice = app.alice();
    app.recipients(&alice, 10);
    let server = app.own_server(&alice, &own, &json!({"host": "mail.example.org"}));
    app.sql()
        .batch_execute("UPDATE smtp_servers SET host = 'localhost'")
        .unwrap();
    let mailing = app.mailing(&alice, &json!({"smtp_server_id": server}));
    app.tick();
    assert_eq!(app.state(&alice, mailing).1, "mail_server_refuses");
    assert_eq!((own.connections(), installation.taken()), (0, 0));
    let words = app.log(&alice)[0]["response"].as_str().unwrap().to_owned();
    assert!(
        !words.contains("127.0.0.1") && !words.contains("::1"),
        "{words}"
    );
}

#[test]
fn credentials_that_cannot_be_read_any_more_send_nothing_and_cost_nobody() {
    let own = ScriptedServer::setup()
        .offering("AUTH PLAIN")
        .knowing("me", "secret")
        .start();
    let installation = ScriptedServer::start();
    let scene = Scene::of(&installation, &own, json!({}));
    let broken = "UPDATE smtp_servers SET password = password || '\\x00'";
    scene.app.sql().batch_execute(broken).unwrap();
    scene.app.tick();
    scene.assert_his_is_done();
    assert_eq!(
        (own.connections(), scene.reason().as_str()),
        (0, "mail_server_refuses")
    );
    scene.correct(&json!({"password": "secret"}));
    scene.app.tick();
    scene.app.wait(TimeDelta::minutes(1));
    scene.app.tick();
    scene.assert_hers_is_done(&own);
}

#[test]
fn many_mailings_through_a_server_that_hangs_keep_nobody_else_waiting() {
    let installation = ScriptedServer::start();
    let own = ScriptedServer::start().on("*", Rule::act(At::Mail, Action::FallSilent));
    let app = TestApp::letting_in(&installation, &[&own]);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipients(&alice, 1100);
    app.recipients(&bob, 5000);
    let server = app.own_server(&alice, &own, &json!({"sessions": 16}));
    let message = app.message(&alice);
    for _ in 0..80 {
        app.mailing(
            &alice,
            &json!({"smtp_server_id": server, "message_id": message}),
        );
    }
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("all sessions hang", || {
        (own.connections() >= 16).then_some(())
    });
    let began = Instant::now();
    let his = app.mailing(&bob, &json!({}));
    sending.pass(&app);
    eventually("the other is served", || {
        (installation.taken() >= 5000).then_some(())
    });
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(own.taken(), 0);
    // Paused, all but the mails that hang are given back at once.
    app.sql()
        .batch_execute("UPDATE mailings SET paused_at = now() WHERE smtp_server_id IS NOT NULL")
        .unwrap();
    eventually("the rest is not kept", || {
        let held: i64 = diesel::RunQueryDsl::get_result(
            diesel::dsl::sql::<diesel::sql_types::BigInt>(
                "SELECT count(*) FROM chunks WHERE lease_token IS NOT NULL",
            ),
            &mut app.sql(),
        )
        .unwrap();
        (held <= 4).then_some(())
    });
    assert_eq!(app.last_run(&bob, his)["counts"]["accepted"], 5000);
    // What hangs ends with the server.
    drop(own);
    drop(sending);
}

#[test]
fn an_engine_that_comes_later_knows_which_servers_are_left_alone() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let scene = Scene::of(&installation, &own, json!({"port": 9}));
    scene.app.tick();
    let tried = scene.app.log(&scene.alice).len();
    for _ in 0..3 {
        scene.app.tick();
    }
    assert_eq!(
        scene.app.log(&scene.alice).len(),
        tried,
        "nobody asks before its time"
    );
    scene.app.wait(TimeDelta::seconds(31));
    scene.app.tick();
    assert_eq!(
        scene.app.log(&scene.alice).len(),
        tried + 1,
        "one goes and sees"
    );
    assert_eq!(scene.reason(), "mail_server_unreachable");
}
