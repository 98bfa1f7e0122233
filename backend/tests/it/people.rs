//! The users as staff sees them.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;

/// The addresses that a list of users names, in its order, without `@example.org`.
fn names(app: &TestApp, staff: &Person, query: &str) -> Vec<String> {
    let page = app.get(staff, &format!("/users?{query}")).expect(200);
    let users = page["items"].as_array().unwrap().iter();
    users
        .map(|user| user["email"].as_str().unwrap().replace("@example.org", ""))
        .collect()
}

#[test]
fn staff_see_all_users_with_their_totals_and_blocks() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    let admin = app.person("admin@example.org", "admin");
    app.recipients(&alice, 3);
    app.mailing(&alice, &json!({"starts_at": "2030-01-01T00:00:00Z"}));
    app.sign_up("carol@example.org").expect(202);
    let reason = json!({"reason": "Sends to bought addresses"});
    app.post(&manager, &format!("/users/{}/block", bob.id), &reason)
        .expect(204);

    for staff in [&manager, &admin] {
        let page = app.get(staff, "/users?sort=created_at").expect(200);
        assert_eq!((&page["total"], &page["page"]), (&json!(5), &json!(1)));
        assert_eq!(
            page["items"][0],
            json!({"id": alice.id, "email": "alice@example.org", "full_name": "", "role": "user", "is_confirmed": true,
                "blocked": null, "mailings_count": 1, "recipients_count": 3, "created_at": app.now(), "last_seen_at": app.now(),
                "avatar_url": null})
        );
        assert_eq!(
            page["items"][1]["blocked"],
            json!({"at": app.now(), "by": {"id": manager.id, "email": manager.email}, "reason": "Sends to bought addresses"})
        );
        let carol = &page["items"][4];
        assert_eq!(
            (&carol["is_confirmed"], &carol["last_seen_at"]),
            (&json!(false), &Value::Null)
        );
        for user in page["items"].as_array().unwrap() {
            let path = format!("/users/{}", user["id"]);
            assert_eq!(app.get(staff, &path).expect(200), *user);
        }
        app.get(staff, "/users/999999")
            .expect_problem(404, "not_found");
    }
}

#[test]
fn users_cannot_list_users() {
    let app = TestApp::start();
    let (alice, bob) = (app.alice(), app.bob());
    for path in [
        "/users".to_owned(),
        format!("/users/{}", alice.id),
        format!("/users/{}", bob.id),
        "/users/999999".to_owned(),
    ] {
        app.get(&alice, &path).expect_problem(403, "forbidden");
        app.send("GET", &path, &[], None)
            .expect_problem(401, "unauthenticated");
    }
}

#[test]
fn users_are_searched_filtered_sorted_and_paged() {
    let app = TestApp::start();
    let manager = app.manager();
    for (name, role) in [("Zoe_1", "user"), ("anna", "user"), ("BERTA", "admin")] {
        app.person(&format!("{name}@example.org"), role);
    }
    app.sql()
        .batch_execute(
            "UPDATE users SET full_name = 'Ada Lovelace' WHERE email LIKE 'Zoe%';
             UPDATE users SET blocked_at = now(), block_reason = 'spam' WHERE email LIKE 'anna%'",
        )
        .unwrap();
    let found = |query: &str| names(&app, &manager, query);
    assert_eq!(found("sort=email"), ["anna", "BERTA", "manager", "Zoe_1"]);
    assert_eq!(found("sort=-email"), ["Zoe_1", "manager", "BERTA", "anna"]);
    assert_eq!(found(""), ["BERTA", "anna", "Zoe_1", "manager"]);
    assert_eq!(found("sort=-full_name")[0], "Zoe_1");
    assert_eq!(found("sort=full_name")[3], "Zoe_1");
    assert_eq!(found("q=LOVE"), ["Zoe_1"]);
    assert_eq!(found("q=oe_"), ["Zoe_1"]);
    assert_eq!(found("q=%25"), [""; 0]);
    assert_eq!(found("role=admin"), ["BERTA"]);
    assert_eq!(found("role=user&blocked=false"), ["Zoe_1"]);
    assert_eq!(found("blocked=true"), ["anna"]);
    let paged: Vec<_> = (1..=3)
        .flat_map(|page| found(&format!("sort=email&per_page=2&page={page}")))
        .collect();
    assert_eq!(paged, ["anna", "BERTA", "manager", "Zoe_1"]);
    for (query, field, code) in [
        ("role=boss", "role", "unknown_value"),
        ("blocked=perhaps", "blocked", "wrong_type"),
        ("sort=password_hash", "sort", "unknown_value"),
        ("page=0", "page", "out_of_range"),
        ("per_page=101", "per_page", "out_of_range"),
        ("owner_id=1", "owner_id", "unknown_field"),
    ] {
        app.get(&manager, &format!("/users?{query}"))
            .expect_invalid(field, code);
    }
}
