//! Staff see everything and whose it is; what they see is not theirs to use or to change.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

/// The lists that tell whose each of their items is.
const LISTS: [&str; 5] = [
    "recipients",
    "messages",
    "mailings",
    "suppressions",
    "attempts",
];

/// One of everything, sent.
struct Belongings {
    recipient: i64,
    message: i64,
    mailing: i64,
    run: i64,
}

impl Belongings {
    fn of(app: &TestApp, owner: &Person) -> Self {
        let recipient = app.recipient(owner, "friend@example.org");
        let message = app.message(owner);
        let mailing = app.mailing(owner, &json!({"message_id": message}));
        app.post(
            owner,
            "/suppressions",
            &json!({"email": "enemy@example.org"}),
        )
        .expect(201);
        app.tick();
        app.wait(TimeDelta::seconds(1));
        let run = app.last_run(owner, mailing)["id"].as_i64().unwrap();
        Self {
            recipient,
            message,
            mailing,
            run,
        }
    }
}

fn items(app: &TestApp, person: &Person, path: &str) -> Vec<Value> {
    let list = app.get(person, path).expect(200);
    list["items"].as_array().unwrap().clone()
}

/// The owners of what a list shows, as it tells them.
fn owners(app: &TestApp, person: &Person, path: &str) -> BTreeSet<String> {
    let items = items(app, person, path);
    items.iter().map(|item| item["owner"].to_string()).collect()
}

fn told(people: &[&Person]) -> BTreeSet<String> {
    let owner = |person: &&Person| json!({"id": person.id, "email": person.email}).to_string();
    people.iter().map(owner).collect()
}

#[test]
fn lists_of_staff_contain_the_data_of_all_or_of_one_owner_with_the_owner() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let admin = app.person("admin@example.org", "admin");
    for owner in [&alice, &bob, &admin] {
        Belongings::of(&app, owner);
    }
    for list in LISTS {
        let path = format!("/{list}");
        let narrowed = |id: i64| format!("{path}?owner_id={id}");
        for staff in [&manager, &admin] {
            let all = owners(&app, staff, &path);
            assert_eq!(all, told(&[&alice, &bob, &admin]), "{list}");
            for owner in [&alice, &bob, &admin] {
                let one = owners(&app, staff, &narrowed(owner.id));
                assert_eq!(one, told(&[owner]), "{list}");
            }
            for nobody in [manager.id, 999_999] {
                assert_eq!(items(&app, staff, &narrowed(nobody)), [json!(null); 0]);
            }
        }
        for path in [path.clone(), narrowed(alice.id)] {
            assert_eq!(owners(&app, &alice, &path), told(&[&alice]), "{path}");
        }
        for other in [bob.id, manager.id, 999_999] {
            app.get(&alice, &narrowed(other))
                .expect_problem(403, "forbidden");
        }
        app.get(&manager, &format!("{path}?owner_id=alice"))
            .expect_invalid("owner_id", "wrong_type");
    }
}

#[test]
fn staff_can_read_the_data_of_all_users() {
    let server = ScriptedServer::start().on("friend@example.org", Rule::refuse(550, "5.1.1 gone"));
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let (hers, his) = (Belongings::of(&app, &alice), Belongings::of(&app, &bob));
    let owner = json!({"id": alice.id, "email": alice.email});
    for path in [
        format!("/recipients/{}", hers.recipient),
        format!("/messages/{}", hers.message),
        format!("/mailings/{}", hers.mailing),
        format!("/runs/{}", hers.run),
    ] {
        let (by_owner, by_staff) = (app.get(&alice, &path), app.get(&manager, &path).expect(200));
        assert_eq!(
            (by_owner.expect(200), &by_staff["owner"]),
            (by_staff.clone(), &owner)
        );
    }
    for path in [
        format!("/mailings/{}/recipients", hers.mailing),
        format!("/mailings/{}/runs", hers.mailing),
        format!("/runs/{}/deliveries", hers.run),
        format!("/runs/{}/failures", hers.run),
    ] {
        let by_staff = items(&app, &manager, &path);
        assert_eq!(
            (by_staff.len(), &by_staff),
            (1, &items(&app, &alice, &path)),
            "{path}"
        );
    }
    let preview = format!("/messages/{}/preview", hers.message);
    let to_reader = json!({"recipient_id": hers.recipient});
    assert_eq!(
        app.post(&manager, &preview, &to_reader).expect(200),
        app.post(&alice, &preview, &to_reader).expect(200)
    );
    app.post(&manager, &preview, &json!({"recipient_id": his.recipient}))
        .expect_invalid("recipient_id", "not_found");
}

#[test]
fn staff_cannot_use_the_data_of_others_in_their_own_mailings() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    let admin = app.person("admin@example.org", "admin");
    let hers = Belongings::of(&app, &alice);
    for other in [&bob, &admin] {
        let own_recipient = app.recipient(other, "own@example.org");
        let own_message = app.message(other);
        let mailing = |message: i64, recipients: Value| {
            let body = json!({"message_id": message, "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC", "recipients": recipients});
            app.post(other, "/mailings", &body)
        };
        mailing(hers.message, json!({"all": true})).expect_invalid("message_id", "not_found");
        mailing(own_message, json!({"ids": [own_recipient, hers.recipient]}))
            .expect_invalid("recipients.ids", "not_found");
        mailing(own_message, json!({"q": "friend"})).expect_invalid("recipients", "not_found");
        let own_list = format!("/mailings?owner_id={}", other.id);
        assert_eq!(
            items(&app, other, &own_list),
            [json!(null); 0],
            "nothing was stored"
        );

        let own = mailing(own_message, json!({"all": true})).expect(201);
        assert_eq!(own["recipients_count"], 1);
        let path = format!("/mailings/{}", own["id"]);
        app.patch(other, &path, &json!({"message_id": hers.message}))
            .expect_invalid("message_id", "not_found");
        let foreign = json!({"recipients": {"ids": [hers.recipient]}});
        app.patch(other, &path, &foreign)
            .expect_invalid("recipients.ids", "not_found");
        let to_hers = json!({"recipient_id": hers.recipient});
        app.post(other, &format!("/messages/{own_message}/preview"), &to_hers)
            .expect_invalid("recipient_id", "not_found");
        let test = json!({"email": "friend@example.org"});
        app.post(other, &format!("/messages/{own_message}/test"), &test)
            .expect_invalid("email", "not_found");
    }
    // The filters of the log find nothing of others, but for staff.
    for (filter, id) in [
        ("mailing_id", hers.mailing),
        ("run_id", hers.run),
        ("recipient_id", hers.recipient),
    ] {
        let found = |person| items(&app, person, &format!("/attempts?{filter}={id}"));
        assert_eq!((found(&alice).len(), found(&bob).len()), (1, 0), "{filter}");
        assert_eq!(found(&admin), found(&alice), "{filter}");
    }
}

#[test]
fn a_manager_cannot_change_data_from_their_time_as_a_user() {
    let app = TestApp::start();
    let manager = app.manager();
    app.sql()
        .batch_execute(&format!(
            "INSERT INTO recipients (owner_id, email, created_at, updated_at) VALUES ({}, 'friend@example.org', now(), now())",
            manager.id
        ))
        .unwrap();
    let path = format!(
        "/recipients/{}",
        items(&app, &manager, "/recipients")[0]["id"]
    );
    app.patch(&manager, &path, &json!({"comment": "x"}))
        .expect_problem(403, "forbidden");
    app.delete(&manager, &path).expect_problem(403, "forbidden");
    assert_eq!(app.get(&manager, &path).expect(200)["comment"], "");
}

#[test]
fn the_attempt_log_of_all_owners_is_ordered_by_time() {
    let server = ScriptedServer::start().on("r2@example.org", Rule::refuse(550, "5.1.1 gone"));
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    for owner in [&alice, &bob] {
        app.recipients(owner, 3);
    }
    for owner in [&alice, &bob, &alice] {
        // Twice at one moment: then the later run comes first.
        app.mailing(owner, &json!({}));
        app.mailing(&bob, &json!({}));
        app.tick();
        app.wait(TimeDelta::seconds(1));
    }
    let mut everything = [app.log(&alice), app.log(&bob)].concat();
    let place = |attempt: &Value| {
        let number = |value: &Value| value.as_i64().unwrap();
        let at = attempt["at"].as_str().unwrap().to_owned();
        (
            at,
            number(&attempt["run_id"]),
            number(&attempt["recipient"]["id"]),
            number(&attempt["attempt_no"]),
        )
    };
    everything.sort_by_key(|attempt| std::cmp::Reverse(place(attempt)));
    let paged = |filter: &str| {
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let stretch = format!("/attempts?limit=4&{filter}&cursor={cursor}");
            let stretch = app.get(&manager, &stretch).expect(200);
            read.extend(stretch["items"].as_array().unwrap().clone());
            match stretch["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return read,
            }
        }
    };
    let wanted = |passes: &dyn Fn(&Value) -> bool| {
        let passing = everything.iter().filter(|attempt| passes(attempt));
        passing.cloned().collect::<Vec<_>>()
    };
    assert!(everything.len() > 12);
    assert_eq!(paged(""), everything);
    assert_eq!(
        paged("outcome=rejected"),
        wanted(&|attempt| attempt["outcome"] == "rejected")
    );
    assert_eq!(
        paged("outcome=accepted"),
        wanted(&|attempt| attempt["ok"] == true)
    );
    let second = "2026-05-01T10:00:01Z";
    assert_eq!(
        paged(&format!("from={second}")),
        wanted(&|attempt| attempt["at"].as_str() >= Some(second))
    );
    assert_eq!(
        paged(&format!("to={second}")),
        wanted(&|attempt| attempt["at"].as_str() < Some(second))
    );
    let run = &everything[0]["run_id"];
    assert_eq!(
        paged(&format!("run_id={run}")),
        wanted(&|attempt| attempt["run_id"] == *run)
    );
    assert_eq!(paged("run_id=999999"), [json!(null); 0]);
}

#[test]
fn staff_can_search_and_sort_the_data_of_all_users() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    for (owner, emails) in [
        (&alice, ["b@example.org", "D@example.com"]),
        (&bob, ["a@example.com", "C@example.org"]),
    ] {
        for email in emails {
            app.recipient(owner, email);
        }
    }
    let found = |query: &str| {
        let items = items(&app, &manager, &format!("/recipients?{query}"));
        let email = |item: &Value| item["email"].as_str().unwrap().to_owned();
        items.iter().map(email).collect::<Vec<_>>()
    };
    assert_eq!(
        found("sort=email&per_page=3"),
        ["a@example.com", "b@example.org", "C@example.org"]
    );
    assert_eq!(found("sort=email&per_page=3&page=2"), ["D@example.com"]);
    assert_eq!(
        found("sort=-email&q=ORG"),
        ["C@example.org", "b@example.org"]
    );
    assert_eq!(
        found(&format!("q=org&owner_id={}", bob.id)),
        ["C@example.org"]
    );
}
