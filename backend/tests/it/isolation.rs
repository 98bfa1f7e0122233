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
    let run = app.last_run(owner, mailing)["id"].as_i64().unwrap();
    move |noun| match noun {
        "recipients" => recipient,
        "messages" => message,
        "mailings" => mailing,
        "runs" => run,
        other => panic!("say here what an id of {other} stands for"),
    }
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
    // Deleting comes last, so that everything is still there for the others.
    let (deletes, others): (Vec<_>, Vec<_>) = operations
        .into_iter()
        .partition(|(method, _)| method == "DELETE");
    for (method, path) in others.iter().chain(&deletes) {
        let noun = path.split('/').nth(1).unwrap();
        let body = ["POST", "PATCH", "PUT"]
            .contains(&method.as_str())
            .then(|| json!({}));
        let ask = |who: &Person, id: i64| {
            app.send(
                method,
                &path.replace("{id}", &id.to_string()),
                &[who.bearer()],
                body.as_ref(),
            )
        };
        for stranger in [&bob, &manager] {
            let answer = ask(stranger, id_of(noun));
            let hidden = answer.status == 404 && answer.body["code"] == "not_found";
            let forbidden_to_all = stranger.id == manager.id && answer.status == 403;
            assert!(
                hidden || forbidden_to_all,
                "{method} {path} as {}: {} {}",
                stranger.email,
                answer.status,
                answer.body
            );
        }
        ask(&alice, 999_999).expect_problem(404, "not_found");
        let anonymous = app.send(
            method,
            &path.replace("{id}", &id_of(noun).to_string()),
            &[],
            body.as_ref(),
        );
        anonymous.expect_problem(401, "unauthenticated");
    }
    app.wait(TimeDelta::seconds(1));
    // The same requests reach what is one's own: the refusals above were about the person.
    for (method, path) in others {
        let noun = path.split('/').nth(1).unwrap();
        let body = ["POST", "PATCH"]
            .contains(&method.as_str())
            .then(|| json!({}));
        let answer = app.send(
            &method,
            &path.replace("{id}", &id_of(noun).to_string()),
            &[alice.bearer()],
            body.as_ref(),
        );
        assert!(
            answer.status < 400,
            "{method} {path}: {} {}",
            answer.status,
            answer.body
        );
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
