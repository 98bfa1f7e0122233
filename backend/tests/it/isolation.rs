//! What is one user's is nobody else's: generated from the OpenAPI document, so no new operation is forgotten.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// Something of every kind that has an id, by the first part of its path.
fn belongings(app: &TestApp, owner: &Person) -> impl Fn(&str) -> i64 + use<> {
    let recipient = app.recipient(owner, "friend@example.org");
    let message = app.message(owner);
    let mailing = app.mailing(
        owner,
        &json!({"message_id": message, "recurrence": "daily"}),
    );
    app.tick();
    let suppression = json!({"email": "enemy@example.org"});
    let suppression = app.post(owner, "/suppressions", &suppression).id();
    let run = app.last_run(owner, mailing)["id"].as_i64().unwrap();
    let user = owner.id;
    move |noun| match noun {
        "users" => user,
        "recipients" => recipient,
        "messages" => message,
        "mailings" => mailing,
        "runs" => run,
        "suppressions" => suppression,
        other => panic!("say here what an id of {other} stands for"),
    }
}

/// What managers do to the things of others, and nobody else to anything.
const STAFF: [&str; 4] = [
    "/mailings/{id}/disable",
    "/mailings/{id}/enable",
    "/users/{id}/block",
    "/users/{id}/unblock",
];

/// A body that the operation accepts.
fn body_of(method: &str, path: &str) -> Option<Value> {
    let needs_reason = ["/mailings/{id}/disable", "/users/{id}/block"].contains(&path);
    let body = if needs_reason {
        json!({"reason": "Complaints"})
    } else {
        json!({})
    };
    ["POST", "PATCH", "PUT"].contains(&method).then_some(body)
}

/// Every operation on one thing: method and path below `/api/v1`.
fn operations_on_one_thing() -> Vec<(String, String)> {
    let document = serde_json::to_value(dispatch::app::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .filter(|(path, _)| path.contains("{id}"))
        .flat_map(|(path, item)| {
            let path = path.strip_prefix("/api/v1").unwrap().to_owned();
            let methods = item.as_object().unwrap().keys();
            methods
                .map(move |method| (method.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn another_users_id_is_answered_as_if_it_did_not_exist_by_every_operation() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let id_of = belongings(&app, &alice);
    let operations = operations_on_one_thing();
    assert!(operations.len() >= 16, "{operations:?}");
    let (staff, own): (Vec<_>, Vec<_>) = operations
        .into_iter()
        .partition(|(_, path)| STAFF.contains(&path.as_str()));
    assert_eq!(staff.len(), STAFF.len());
    // Deleting comes last, so that everything is still there for the others.
    let (deletes, others): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|(method, _)| method == "DELETE");
    let ask = |headers: &[(&str, String)], (method, path): &(String, String), id: Option<i64>| {
        let noun = path.split('/').nth(1).unwrap();
        let id = id.unwrap_or_else(|| id_of(noun));
        let at = path.replace("{id}", &id.to_string());
        app.send(method, &at, headers, body_of(method, path).as_ref())
    };
    for operation in others.iter().chain(&deletes) {
        for stranger in [&bob, &manager] {
            let answer = ask(&[stranger.bearer()], operation, None);
            let hidden = answer.status == 404 && answer.body["code"] == "not_found";
            let forbidden_to_all = stranger.id == manager.id && answer.status == 403;
            assert!(
                hidden || forbidden_to_all,
                "{operation:?} as {}: {} {}",
                stranger.email,
                answer.status,
                answer.body
            );
        }
        ask(&[alice.bearer()], operation, Some(999_999)).expect_problem(404, "not_found");
        ask(&[], operation, None).expect_problem(401, "unauthenticated");
    }
    app.wait(TimeDelta::seconds(1));
    // The same requests reach what is one's own: the refusals above were about the person.
    for operation in &others {
        let answer = ask(&[alice.bearer()], operation, None);
        assert!(
            answer.status < 400 || answer.status == 409,
            "{operation:?}: {} {}",
            answer.status,
            answer.body
        );
    }
}

#[test]
fn what_managers_do_to_others_nobody_else_does_to_anything() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let id_of = belongings(&app, &alice);
    // Blocking comes last but one: alice is out from then on.
    for path in STAFF {
        let noun = path.split('/').nth(1).unwrap();
        let body = body_of("POST", path);
        let ask = |headers: &[(&str, String)], id: i64| {
            let at = path.replace("{id}", &id.to_string());
            app.send("POST", &at, headers, body.as_ref())
        };
        ask(&[], id_of(noun)).expect_problem(401, "unauthenticated");
        // Who is a user and who is not is nobody's business; that one's own mailing exists one knows.
        let (to_bob, to_alice) = match noun {
            "users" => ((403, "forbidden"), (403, "forbidden")),
            _ => ((404, "not_found"), (403, "forbidden")),
        };
        ask(&[bob.bearer()], id_of(noun)).expect_problem(to_bob.0, to_bob.1);
        ask(&[bob.bearer()], 999_999).expect_problem(to_bob.0, to_bob.1);
        if path != "/users/{id}/unblock" {
            ask(&[alice.bearer()], id_of(noun)).expect_problem(to_alice.0, to_alice.1);
        }
        ask(&[manager.bearer()], 999_999).expect_problem(404, "not_found");
        for _ in 0..2 {
            ask(&[manager.bearer()], id_of(noun)).expect(204);
        }
    }
}

#[test]
fn another_users_ids_are_unknown_inside_bodies_and_filters_too() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let id_of = belongings(&app, &alice);
    let own_recipient = app.recipient(&bob, "friend@example.org");
    let own_message = app.message(&bob);
    let mailing = |message: i64, recipients: Value| {
        let body = json!({"message_id": message, "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC", "recipients": recipients});
        app.post(&bob, "/mailings", &body)
    };
    mailing(id_of("messages"), json!({"all": true})).expect_invalid("message_id", "not_found");
    mailing(
        own_message,
        json!({"ids": [own_recipient, id_of("recipients")]}),
    )
    .expect_invalid("recipients.ids", "not_found");
    assert_eq!(
        app.get(&bob, "/mailings").expect(200)["total"],
        0,
        "nothing was stored"
    );

    let own_mailing = mailing(own_message, json!({"all": true})).id();
    let own_path = format!("/mailings/{own_mailing}");
    app.patch(&bob, &own_path, &json!({"message_id": id_of("messages")}))
        .expect_invalid("message_id", "not_found");
    let foreign = json!({"recipients": {"ids": [id_of("recipients")]}});
    app.patch(&bob, &own_path, &foreign)
        .expect_invalid("recipients.ids", "not_found");
    let preview = json!({"recipient_id": id_of("recipients")});
    app.post(&bob, &format!("/messages/{own_message}/preview"), &preview)
        .expect_invalid("recipient_id", "not_found");

    for (filter, noun) in [
        ("mailing_id", "mailings"),
        ("run_id", "runs"),
        ("recipient_id", "recipients"),
    ] {
        let query = format!("/attempts?{filter}={}", id_of(noun));
        assert_eq!(
            app.get(&alice, &query).expect(200)["items"]
                .as_array()
                .unwrap()
                .len(),
            1,
            "{query}"
        );
        assert_eq!(
            app.get(&bob, &query).expect(200)["items"],
            json!([]),
            "{query}"
        );
    }
}
