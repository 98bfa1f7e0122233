//! What leaves through a user's server: under its sender, at its pace, and nothing else.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::machine::eventually;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// A mailing through this server to so many of the person's.
fn mailing_through(app: &TestApp, owner: &Person, server: Option<i64>) -> i64 {
    app.mailing(owner, &json!({"smtp_server_id": server}))
}

fn is_done(app: &TestApp, owner: &Person, mailing: i64) -> bool {
    app.last_run(owner, mailing)["status"] == "finished"
}

#[test]
fn a_mailing_leaves_through_the_server_that_its_owner_has_brought() {
    let knowing = |setup: crate::support::smtp_server::Setup, offering| {
        setup
            .offering(offering)
            .knowing("me@example.org", "pässword 1")
    };
    for setup in [
        knowing(ScriptedServer::setup(), "AUTH LOGIN"),
        knowing(ScriptedServer::setup().starttls(), "AUTH PLAIN"),
        knowing(ScriptedServer::setup().implicit_tls(), "AUTH PLAIN LOGIN"),
    ] {
        let (installation, own) = (ScriptedServer::start(), setup.start());
        let app = TestApp::letting_in(&installation, &[&own]);
        let alice = app.alice();
        app.recipients(&alice, 60);
        let server = app.own_server(&alice, &own, &json!({}));
        let mailing = mailing_through(&app, &alice, Some(server));
        app.tick();
        let mails = own.accepted();
        assert_eq!((mails.len(), installation.taken()), (60, 0));
        assert!(is_done(&app, &alice, mailing));
        for mail in &mails {
            assert_eq!(mail.from, "own@sender.example");
            assert_eq!(mail.header("From"), "\"Own Sender\" <own@sender.example>");
            assert!(mail.header("Message-ID").ends_with("@sender.example>"));
        }
        let is_encrypted = own.described()["tls"] != "none";
        assert!(mails.iter().all(|mail| mail.encrypted == is_encrypted));
    }
}

#[test]
fn two_owners_send_through_two_servers_and_a_third_through_the_installations() {
    let [installation, one, other] = [(); 3].map(|()| ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&one, &other]);
    let people = ["ann", "bea", "cay"].map(|name| app.person(&format!("{name}@owner.org"), "user"));
    let servers = [
        Some(app.own_server(&people[0], &one, &json!({}))),
        Some(app.own_server(
            &people[1],
            &other,
            &json!({"from_email": "other@sender.example"}),
        )),
        None,
    ];
    let mailings: Vec<_> = people
        .iter()
        .zip(servers)
        .map(|(person, server)| {
            app.recipients(person, 1200);
            mailing_through(&app, person, server)
        })
        .collect();
    app.tick();
    for (person, mailing) in people.iter().zip(mailings) {
        assert_eq!(app.last_run(person, mailing)["counts"]["accepted"], 1200);
        assert!(is_done(&app, person, mailing));
    }
    for (server, from) in [
        (&one, "own@sender.example"),
        (&other, "other@sender.example"),
        (&installation, "no-reply@dispatch.localhost"),
    ] {
        let mails = server.accepted();
        assert_eq!(mails.len(), 1200, "{from}");
        assert!(mails.iter().all(|mail| mail.from == from));
    }
}

#[test]
fn a_server_gets_no_more_sessions_than_it_may_however_many_engines_there_are() {
    let installation = ScriptedServer::start();
    let own = ScriptedServer::setup()
        .replying_after(Duration::from_millis(2))
        .start();
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipients(&alice, 400);
    let server = app.own_server(&alice, &own, &json!({"sessions": 3}));
    mailing_through(&app, &alice, Some(server));
    let engines = [app.start_sending(), app.start_sending()];
    for engine in &engines {
        engine.pass(&app);
    }
    eventually("everybody is served", || (own.taken() >= 400).then_some(()));
    assert!(
        (1..=3).contains(&own.connections()),
        "{}",
        own.connections()
    );
    drop(engines);
    // Who ends makes room.
    mailing_through(&app, &alice, Some(server));
    app.tick();
    assert_eq!(own.taken(), 800);
}

#[test]
fn a_server_is_given_no_more_mails_than_it_may_and_others_are_not_slowed() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&own]);
    let (alice, bob) = (app.alice(), app.bob());
    app.recipients(&alice, 60);
    app.recipients(&bob, 3000);
    let server = app.own_server(&alice, &own, &json!({"rate_per_second": 20}));
    mailing_through(&app, &alice, Some(server));
    mailing_through(&app, &bob, None);
    let began = Instant::now();
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("the others are served", || {
        (installation.taken() >= 3000).then_some(())
    });
    let slow = own.taken();
    assert!(slow < 60, "{slow} of 60 were sent meanwhile");
    eventually("all are served", || (own.taken() >= 60).then_some(()));
    // A second's worth at once, the rest in two seconds.
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1700), "{took:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn an_hourly_limit_is_kept_too() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipients(&alice, 30);
    // A minute's worth is ten.
    let server = app.own_server(&alice, &own, &json!({"rate_per_hour": 600}));
    mailing_through(&app, &alice, Some(server));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("a minute's worth is sent", || {
        (own.taken() >= 10).then_some(())
    });
    assert!(own.taken() < 20, "{}", own.taken());
}

#[test]
fn what_is_changed_counts_for_the_rest_of_a_mailing_under_way() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipients(&alice, 2000);
    let server = app.own_server(&alice, &own, &json!({"rate_per_second": 100}));
    mailing_through(&app, &alice, Some(server));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("it is under way", || (own.taken() >= 100).then_some(()));
    let changes = json!({"from_email": "new@sender.example", "rate_per_second": 0});
    app.patch(&alice, &format!("/smtp-servers/{server}"), &changes)
        .expect(200);
    eventually("everybody is served", || {
        (own.taken() >= 2000).then_some(())
    });
    drop(sending);
    assert!(own.copies().values().all(|copies| *copies == 1));
    let mails = own.accepted();
    let first = mails
        .iter()
        .position(|mail| mail.from == "new@sender.example")
        .unwrap();
    assert!((100..1000).contains(&first), "the {first}th was the first");
    assert_eq!(own.copies().len(), 2000);
}

#[test]
fn a_mailing_moved_to_another_server_goes_on_there() {
    let [installation, own] = [(); 2].map(|()| ScriptedServer::start());
    let app = TestApp::letting_in(&installation, &[&own]);
    let alice = app.alice();
    app.recipients(&alice, 1500);
    let server = app.own_server(&alice, &own, &json!({"rate_per_second": 50}));
    let mailing = mailing_through(&app, &alice, Some(server));
    let sending = app.start_sending();
    sending.pass(&app);
    eventually("it is under way", || (own.taken() >= 50).then_some(()));
    app.patch(
        &alice,
        &format!("/mailings/{mailing}"),
        &json!({"smtp_server_id": null}),
    )
    .expect(200);
    eventually("everybody is served", || {
        (own.taken() + installation.taken() >= 1500).then_some(())
    });
    drop(sending);
    app.tick();
    assert!(is_done(&app, &alice, mailing));
    let (hers, ours) = (own.copies(), installation.copies());
    assert_eq!(hers.len() + ours.len(), 1500, "nobody twice");
    assert!(
        hers.values()
            .chain(ours.values())
            .all(|copies| *copies == 1)
    );
    app.delete(&alice, &format!("/smtp-servers/{server}"))
        .expect(204);
}
