//! Administrators give roles, and one of them always remains.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use dispatch::core::db::schema::users;
use serde_json::json;

use crate::support::accounts::{Browser, PASSWORD};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

const ADA: &str = "ada@example.org";

impl TestApp {
    fn admin(&self) -> Person {
        self.person("admin@example.org", "admin")
    }

    pub(crate) fn give(&self, by: &Person, user_id: i64, role: &str) -> Answer {
        let path = format!("/users/{user_id}/role");
        self.send("PUT", &path, &[by.bearer()], Some(&json!({"role": role})))
    }

    fn role_of(&self, user_id: i64) -> String {
        users::table
            .find(user_id)
            .select(users::role)
            .first(&mut self.sql())
            .unwrap()
    }
}

#[test]
fn a_user_with_a_new_role_must_sign_in_again_and_then_has_it() {
    let app = TestApp::start();
    let admin = app.admin();
    let before = app.browser(ADA);
    let ada = app.me(&before).expect(200)["id"].as_i64().unwrap();
    app.give(&admin, ada, "user").expect(204);
    app.me(&before).expect(200);

    app.give(&admin, ada, "manager").expect(204);
    app.me(&before).expect_problem(401, "unauthenticated");
    app.refresh(&before.cookie)
        .expect_problem(401, "unauthenticated");
    let after = Browser::of(app.sign_in(ADA, PASSWORD));
    assert_eq!(app.me(&after).expect(200)["role"], "manager");
    app.send("GET", "/users", &[after.bearer()], None)
        .expect(200);

    app.give(&admin, ada, "manager").expect(204);
    app.me(&after).expect(200);
    app.give(&admin, ada, "user").expect(204);
    app.me(&after).expect_problem(401, "unauthenticated");
}

#[test]
fn only_administrators_can_assign_roles() {
    let app = TestApp::start();
    let (alice, manager, admin) = (app.alice(), app.manager(), app.admin());
    for nobody in [&alice, &manager] {
        for id in [alice.id, nobody.id, 999_999] {
            app.give(nobody, id, "admin")
                .expect_problem(403, "forbidden");
        }
    }
    let path = format!("/users/{}/role", alice.id);
    app.send("PUT", &path, &[], Some(&json!({"role": "admin"})))
        .expect_problem(401, "unauthenticated");
    for id in [999_999, 0, -1] {
        app.give(&admin, id, "admin")
            .expect_problem(404, "not_found");
    }
    app.give(&admin, alice.id, "owner")
        .expect_invalid("role", "unknown_value");
    assert_eq!(app.role_of(alice.id), "user");
}

#[test]
fn the_last_administrator_cannot_be_demoted() {
    let app = TestApp::start();
    let admin = app.admin();
    // Neither can sign in: they are no help.
    app.person("blocked@example.org", "admin");
    app.person("unconfirmed@example.org", "admin");
    app.sql()
        .batch_execute(
            "UPDATE users SET blocked_at = now() WHERE email LIKE 'blocked%';
             UPDATE users SET confirmed_at = NULL WHERE email LIKE 'unconfirmed%'",
        )
        .unwrap();
    for role in ["manager", "user"] {
        app.give(&admin, admin.id, role)
            .expect_problem(409, "last_admin");
    }
    app.get(&admin, "/me").expect(200);

    let other = app.person("other@example.org", "admin");
    app.give(&admin, admin.id, "user").expect(204);
    app.get(&admin, "/me")
        .expect_problem(401, "unauthenticated");
    app.give(&other, other.id, "user")
        .expect_problem(409, "last_admin");
}

#[test]
fn two_administrators_who_demote_each_other_at_once_leave_one() {
    for _ in 0..5 {
        let app = TestApp::start();
        let (one, two) = (app.admin(), app.person("two@example.org", "admin"));
        // Both are known, so that nobody is refused before the race.
        for admin in [&one, &two] {
            app.get(admin, "/me").expect(200);
        }
        let app = &app;
        let statuses = std::thread::scope(|scope| {
            let first = scope.spawn(|| app.give(&one, two.id, "user").status);
            let second = scope.spawn(|| app.give(&two, one.id, "user").status);
            [first.join().unwrap(), second.join().unwrap()]
        });
        let given = statuses.iter().filter(|status| **status == 204).count();
        assert_eq!(given, 1, "{statuses:?}");
        assert!(
            statuses
                .iter()
                .all(|status| [204, 401, 403].contains(status)),
            "{statuses:?}"
        );
        let roles = [app.role_of(one.id), app.role_of(two.id)];
        assert!(roles.contains(&"admin".to_owned()), "{roles:?}");
    }
}

#[test]
fn an_administrator_who_was_just_demoted_cannot_assign_roles() {
    let app = TestApp::start();
    let (admin, alice) = (app.admin(), app.alice());
    app.get(&admin, "/me").expect(200);
    // What another process has done, this one does not know for five seconds.
    app.sql()
        .batch_execute("UPDATE users SET role = 'user' WHERE role = 'admin'")
        .unwrap();
    for id in [admin.id, alice.id] {
        app.give(&admin, id, "admin")
            .expect_problem(403, "forbidden");
        assert_eq!(app.role_of(id), "user");
    }
}
