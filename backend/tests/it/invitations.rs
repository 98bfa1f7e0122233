//! Invitations: created by administrators, mailed, valid once, for one address and a week.

use std::thread;

use chrono::TimeDelta;
use diesel::prelude::*;
use dispatch::core::db::schema::{invitations, users};
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Mail, ScriptedServer};

const ADA: &str = "ada@example.org";

fn app_at(server: &ScriptedServer) -> TestApp {
    TestApp::start_with(&[
        ("SMTP_URL", &server.url()),
        ("PUBLIC_URL", "https://dispatch.example.org"),
        ("SIGN_UP", "invited"),
    ])
}

impl TestApp {
    fn inviting(&self) -> Person {
        self.person("admin@example.org", "admin")
    }

    fn invite(&self, admin: &Person, email: &str) -> i64 {
        self.post(admin, "/invitations", &json!({"email": email}))
            .id()
    }

    fn accept(&self, email: &str, token: &str) -> Answer {
        let body =
            json!({"email": email, "password": PASSWORD, "full_name": "Ada", "invitation": token});
        self.call("/auth/sign-up", &body)
    }

    /// The token of the last mail.
    fn invitation_sent(&self, server: &ScriptedServer) -> String {
        self.send_account_mails();
        token_in(server.accepted().last().expect("a mail"))
    }

    fn recorded(&self, manager: &Person, kind: &str) -> Vec<Value> {
        let events = self
            .get(manager, &format!("/events?kind={kind}"))
            .expect(200);
        events["items"].as_array().unwrap().clone()
    }
}

fn token_in(mail: &Mail) -> String {
    let words = mail.words();
    let (_, behind) = words.split_once("/sign-up#invitation=").expect("a link");
    behind.split('&').next().unwrap().to_owned()
}

#[test]
fn an_invited_person_opens_an_account_with_the_mailed_link_and_can_sign_in() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    app.post(
        &admin,
        "/invitations",
        &json!({"email": ADA, "language": "ru"}),
    )
    .expect(201);
    let token = app.invitation_sent(&server);
    let mail = &server.accepted()[0];
    assert_eq!(mail.to, [ADA]);
    assert!(mail.words().contains("Вас приглашают"), "{}", mail.words());
    assert!(token.len() >= 43, "256 bits");

    assert_eq!(
        app.accept("ADA@example.org", &token).expect(202),
        Value::Null
    );
    let signed_in = app.sign_in(ADA, PASSWORD).expect(200);
    assert_eq!(
        (&signed_in["user"]["role"], &signed_in["user"]["full_name"]),
        (&json!("user"), &json!("Ada"))
    );
    assert_eq!(app.get(&admin, "/invitations").expect(200)["total"], 0);
    app.send_account_mails();
    assert_eq!(
        server.accepted().len(),
        1,
        "nothing is left to be confirmed"
    );
    let kinds = ["invitation_created", "invitation_accepted", "signed_up"];
    for kind in kinds {
        assert_eq!(app.recorded(&admin, kind).len(), 1, "{kind}");
    }
    app.accept(ADA, &token).expect_problem(422, "token_invalid");
}

#[test]
fn an_invitation_is_valid_for_its_address_only_and_for_a_week() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    app.invite(&app.inviting(), ADA);
    let token = app.invitation_sent(&server);
    app.accept("mallory@example.org", &token)
        .expect_problem(422, "token_invalid");
    for wrong in ["", "x", &token[1..], &token.to_uppercase()] {
        app.accept(ADA, wrong).expect_problem(422, "token_invalid");
    }
    app.wait(TimeDelta::days(7));
    app.accept(ADA, &token).expect_problem(422, "token_invalid");
    let count = users::table.count().get_result(&mut app.sql());
    assert_eq!(count, Ok(1));
}

#[test]
fn an_invitation_is_void_while_its_sender_is_blocked_or_not_an_administrator() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    let other = app.person("other@example.org", "admin");
    app.invite(&admin, ADA);
    let token = app.invitation_sent(&server);
    let sent = server.accepted().len();
    let is_void = || app.get(&other, "/invitations").expect(200)["items"][0]["is_void"].clone();
    let assert_void = |why: &str| {
        assert_eq!(is_void(), true, "{why}");
        app.accept(ADA, &token).expect_problem(422, "token_invalid");
        // Asking for an account does not mail it again.
        let body = json!({"email": ADA, "password": PASSWORD, "full_name": "Ada"});
        app.call("/auth/sign-up", &body).expect(202);
        app.send_account_mails();
        assert_eq!(server.accepted().len(), sent, "{why}");
    };
    assert_eq!(is_void(), false);
    app.give(&other, admin.id, "manager").expect(204);
    assert_void("a manager");
    app.give(&other, admin.id, "user").expect(204);
    let path = format!("/users/{}/block", admin.id);
    app.post(&other, &path, &json!({"reason": "x"})).expect(204);
    assert_void("blocked");

    // One that waits to be mailed is not mailed either.
    let third = app.person("third@example.org", "admin");
    app.invite(&third, ADA);
    app.give(&other, third.id, "manager").expect(204);
    app.send_account_mails();
    assert_eq!(server.accepted().len(), sent);
    app.invite(&other, ADA);
    assert_eq!(is_void(), false);
    let token = app.invitation_sent(&server);
    app.accept(ADA, &token).expect(202);
}

#[test]
fn an_invitation_used_concurrently_opens_one_account() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    app.invite(&app.inviting(), ADA);
    let token = app.invitation_sent(&server);
    let accepted: Vec<u16> = thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| app.accept(ADA, &token).status))
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let count = |status| accepted.iter().filter(|one| **one == status).count();
    assert_eq!((count(202), count(422)), (1, 7), "{accepted:?}");
}

#[test]
fn a_withdrawn_invitation_opens_nothing_and_its_mail_is_not_sent() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    let id = app.invite(&admin, ADA);
    let token = app.invitation_sent(&server);
    app.delete(&admin, &format!("/invitations/{id}"))
        .expect(204);
    app.delete(&admin, &format!("/invitations/{id}"))
        .expect_problem(404, "not_found");
    app.accept(ADA, &token).expect_problem(422, "token_invalid");
    assert_eq!(app.recorded(&admin, "invitation_revoked").len(), 1);

    let id = app.invite(&admin, "bob@example.org");
    app.delete(&admin, &format!("/invitations/{id}"))
        .expect(204);
    app.send_account_mails();
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn an_address_that_is_invited_again_gets_a_new_link_and_the_old_one_is_void() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    let first_id = app.invite(&admin, ADA);
    let first = app.invitation_sent(&server);
    app.wait(TimeDelta::days(6));
    assert_eq!(app.invite(&admin, "Ada@Example.org"), first_id);
    app.accept(ADA, &first).expect_problem(422, "token_invalid");
    let second = app.invitation_sent(&server);
    app.wait(TimeDelta::days(6));
    app.accept(ADA, &second).expect(202);
}

#[test]
fn a_registered_address_cannot_be_invited_and_an_invitation_changes_no_account() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    app.post(
        &admin,
        "/invitations",
        &json!({"email": "Admin@example.org"}),
    )
    .expect_problem(409, "already_registered");
    app.invite(&admin, ADA);
    let token = app.invitation_sent(&server);
    // Created in another way meanwhile.
    app.person(ADA, "manager");
    app.accept(ADA, &token).expect(202);
    app.sign_in(ADA, PASSWORD)
        .expect_problem(401, "invalid_credentials");
    app.send_account_mails();
    let told = server.accepted().last().unwrap().words();
    assert!(told.contains("There is one already"), "{told}");
}

#[test]
fn an_earlier_sign_up_with_the_invited_address_does_not_set_the_password() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let admin = app.inviting();
    // Created while sign-up was open.
    diesel::insert_into(users::table)
        .values((
            users::email.eq(ADA),
            users::password_hash.eq("a stranger's"),
            users::created_at.eq(app.now()),
            users::updated_at.eq(app.now()),
        ))
        .execute(&mut app.sql())
        .unwrap();
    app.post(&admin, "/invitations", &json!({"email": ADA}))
        .expect(201);
    let token = app.invitation_sent(&server);
    app.accept(ADA, &token).expect(202);
    app.sign_in(ADA, PASSWORD).expect(200);
}

#[test]
fn managers_see_invitations_and_neither_responses_nor_rows_contain_the_token() {
    let server = ScriptedServer::start();
    let app = app_at(&server);
    let (admin, manager) = (app.inviting(), app.manager());
    app.invite(&admin, ADA);
    app.wait(TimeDelta::seconds(1));
    app.invite(&admin, "bob@example.org");
    app.send_account_mails();
    let token = token_in(&server.accepted()[0]);
    let page = app.get(&manager, "/invitations?per_page=1").expect(200);
    let item = &page["items"][0];
    assert_eq!(page["total"], 2);
    assert_eq!(
        *item,
        json!({"id": item["id"], "email": "bob@example.org", "language": "en",
            "invited_by": {"id": admin.id, "email": "admin@example.org"},
            "created_at": "2026-05-01T10:00:01Z", "expires_at": "2026-05-08T10:00:01Z", "is_void": false})
    );
    app.get(&manager, "/invitations?page=0")
        .expect_invalid("page", "out_of_range");
    let hashes: Vec<Option<Vec<u8>>> = invitations::table
        .select(invitations::token_hash)
        .load(&mut app.sql())
        .unwrap();
    let is_hash = |hash: &Vec<u8>| hash.len() == 32 && *hash != token.as_bytes();
    assert!(hashes.iter().flatten().all(is_hash) && hashes.len() == 2);
}

#[test]
fn an_invalid_invitation_is_rejected_with_the_field() {
    let app = TestApp::start();
    let admin = app.inviting();
    for (body, field, code) in [
        (json!({}), "email", "required"),
        (json!({"email": "ada"}), "email", "invalid_email"),
        (
            json!({"email": ADA, "language": "de"}),
            "language",
            "unknown_value",
        ),
        (
            json!({"email": ADA, "role": "admin"}),
            "role",
            "unknown_field",
        ),
    ] {
        app.post(&admin, "/invitations", &body)
            .expect_invalid(field, code);
    }
}
