//! The mails the service owes its users: what they say, and that a mail server that is away loses none.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::account_mails;
use serde_json::json;

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::smtp_server::{Action, At, Mail, Rule, ScriptedServer};

const ADA: &str = "ada@example.org";

fn app_at(server: &ScriptedServer) -> TestApp {
    TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("PUBLIC_URL", "https://dispatch.example.org"),
    ])
}

/// The token behind the link of a mail.
fn token_in(mail: &Mail) -> String {
    let words = mail.words();
    let (_, behind) = words
        .split_once("https://dispatch.example.org/confirm#token=")
        .expect("a link");
    behind
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect()
}

#[derive(Debug, Queryable)]
struct Row {
    attempts: i32,
    next_attempt_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    last_response: Option<String>,
}

fn only_row(app: &TestApp) -> Row {
    let rows: Vec<Row> = account_mails::table
        .select((
            account_mails::attempts,
            account_mails::next_attempt_at,
            account_mails::sent_at,
            account_mails::last_response,
        ))
        .load(&mut app.sql())
        .unwrap();
    let [row] = <[Row; 1]>::try_from(rows).unwrap();
    row
}

#[test]
fn a_new_user_confirms_with_the_link_that_was_mailed() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    app.sign_up(ADA).expect(202);
    app.send_account_mails();
    app.send_account_mails();

    let mails = server.accepted();
    let [mail] = &mails[..] else {
        panic!("one mail: {mails:?}")
    };
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("no-reply@dispatch.localhost", &[ADA.to_owned()][..])
    );
    assert_eq!(mail.header("Subject"), "Confirm your e-mail address");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@dispatch.localhost>"));
    assert!(mail.words().contains("within 24 hours"));
    let row = only_row(&app);
    assert_eq!(
        (row.sent_at, row.next_attempt_at, row.attempts),
        (Some(app.now()), None, 1)
    );
    assert!(row.last_response.unwrap().starts_with("250"));

    app.confirm(&token_in(mail)).expect(204);
    app.sign_in(ADA, PASSWORD).expect(200);
}

#[test]
fn a_mail_is_in_the_language_of_the_user_and_does_not_contain_their_name() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let sign_up = json!({"email": ADA, "password": PASSWORD, "language": "ru", "full_name": "Купите http://spam.example"});
    app.call("/auth/sign-up", &sign_up).expect(202);
    app.send_account_mails();
    app.confirm(&app.mailed_token(ADA)).expect(204);
    app.call("/auth/sign-up", &sign_up).expect(202);
    app.send_account_mails();
    let words: Vec<_> = server.accepted().iter().map(Mail::words).collect();
    assert_eq!(words.len(), 2);
    assert!(
        words[0].contains("Подтвердить адрес") && words[0].contains("24 часов"),
        "{}",
        words[0]
    );
    assert!(
        words[1].contains("У вас уже есть учётная запись"),
        "{}",
        words[1]
    );
    assert!(words[1].contains("https://dispatch.example.org/sign-in"));
    assert!(words.iter().all(|words| !words.contains("spam")));
}

#[test]
fn while_the_mail_server_is_away_sign_up_works_and_the_mail_waits() {
    let server = ScriptedServer::start();
    server.add(
        "*",
        Rule::say(At::Greeting, "421 4.3.2 not now\r\n"),
        Some(2),
    );
    let app = app_at(&server);
    app.sign_up(ADA).expect(202);
    for (attempt, wait) in [(1, 30), (2, 60)] {
        app.send_account_mails();
        let row = only_row(&app);
        assert_eq!((row.attempts, row.sent_at), (attempt, None));
        assert_eq!(
            row.next_attempt_at,
            Some(app.now() + TimeDelta::seconds(wait))
        );
        assert!(row.last_response.unwrap().contains("421 4.3.2 not now"));
        app.wait(TimeDelta::seconds(wait - 1));
        app.send_account_mails();
        assert_eq!(only_row(&app).attempts, attempt, "nothing is due yet");
        app.wait(TimeDelta::seconds(1));
    }
    app.send_account_mails();
    let mails = server.accepted();
    assert_eq!(mails.len(), 1);
    app.confirm(&token_in(&mails[0])).expect(204);
}

#[test]
fn a_mail_that_is_not_accepted_for_a_day_is_abandoned() {
    let app = TestApp::start();
    app.sign_up(ADA).expect(202);
    app.wait(TimeDelta::hours(23));
    app.send_account_mails();
    assert!(only_row(&app).next_attempt_at.is_some());
    app.wait(TimeDelta::minutes(60));
    app.send_account_mails();
    let row = only_row(&app);
    assert_eq!((row.next_attempt_at, row.sent_at), (None, None));
    assert!(row.last_response.unwrap().starts_with("connect"));
}

#[test]
fn a_mail_to_a_nonexistent_address_is_not_retried_and_does_not_delay_others() {
    let server =
        ScriptedServer::start().on("gone@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = app_at(&server);
    app.sign_up("gone@example.org").expect(202);
    app.send_account_mails();
    let row = only_row(&app);
    assert_eq!((row.next_attempt_at, row.sent_at), (None, None));
    assert!(row.last_response.unwrap().contains("no such user"));

    app.call(
        "/auth/confirm/resend",
        &json!({"email": "gone@example.org"}),
    )
    .expect(202);
    app.sign_up(ADA).expect(202);
    app.send_account_mails();
    let to: Vec<_> = server
        .accepted()
        .into_iter()
        .flat_map(|mail| mail.to)
        .collect();
    assert_eq!(to, [ADA]);
    assert_eq!(
        server.connections(),
        2,
        "one session per pass carries all its mails"
    );
}

#[test]
fn a_mail_whose_answer_was_lost_is_sent_again_under_the_same_name() {
    let server = ScriptedServer::start().once(ADA, Rule::act(At::Dot, Action::AcceptAndDrop));
    let app = app_at(&server);
    app.sign_up(ADA).expect(202);
    app.send_account_mails();
    app.wait(TimeDelta::seconds(30));
    app.send_account_mails();
    let mails = server.accepted();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_ne!(
        token_in(&mails[0]),
        token_in(&mails[1]),
        "a link is never stored, so it is made anew"
    );
    for mail in &mails {
        app.confirm(&token_in(mail)).expect(204);
    }
}

#[test]
fn a_mail_that_a_worker_took_and_never_sent_becomes_due_again() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    app.sign_up(ADA).expect(202);
    // As a worker leaves it that dies while it speaks with the mail server.
    app.sql()
        .batch_execute("UPDATE account_mails SET attempts = 1, next_attempt_at = next_attempt_at + interval '4 minutes'")
        .unwrap();
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 0);
    app.wait(TimeDelta::minutes(4));
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn two_workers_send_a_mail_once() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    for n in 0..10 {
        app.sign_up(&format!("user{n}@example.org")).expect(202);
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| app.send_account_mails());
        }
    });
    let mut to: Vec<_> = server
        .accepted()
        .into_iter()
        .flat_map(|mail| mail.to)
        .collect();
    to.sort();
    assert_eq!(
        to,
        (0..10)
            .map(|n| format!("user{n}@example.org"))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_link_is_not_mailed_to_a_user_who_has_confirmed_meanwhile() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    app.account(ADA);
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 0);
    assert_eq!(only_row(&app).next_attempt_at, None);
}

#[test]
fn a_test_of_a_message_arrives_filled_in() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let alice = app.alice();
    app.post(
        &alice,
        "/recipients",
        &json!({"email": ADA, "full_name": "Ada Lovelace"}),
    )
    .expect(201);
    let message =
        json!({"subject": "Hello {{ full_name }}", "html": "<p>Dear <b>{{ full_name }}</b></p>"});
    let id = app.post(&alice, "/messages", &message).id();
    app.post(
        &alice,
        &format!("/messages/{id}/test"),
        &json!({"email": ADA}),
    )
    .expect(202);
    app.send_account_mails();
    let mails = server.accepted();
    assert_eq!(mails[0].to, [ADA]);
    assert_eq!(mails[0].header("Subject"), "Hello Ada Lovelace");
    assert!(
        mails[0].words().contains("Dear <b>Ada Lovelace</b>"),
        "{}",
        mails[0].words()
    );
    assert!(only_row(&app).sent_at.is_some());

    app.post(&alice, &format!("/messages/{id}/test"), &json!({}))
        .expect(202);
    app.delete(&alice, &format!("/messages/{id}")).expect(204);
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 1, "what is deleted is not mailed");
}
