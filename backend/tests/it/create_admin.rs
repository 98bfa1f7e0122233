//! `dispatch create-admin`: the first administrator comes in through the command line.

use diesel::prelude::*;
use dispatch::core::db::schema::{events, users};

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::process::Ended;

const EMAIL: &str = "root@example.org";

fn create_admin(app: &TestApp, admin: &[(&str, &str)]) -> Ended {
    app.command(&["create-admin"], admin)
}

#[test]
fn an_administrator_is_made_from_the_environment_and_may_sign_in() {
    let app = TestApp::start();
    let admin = [("ADMIN_EMAIL", EMAIL), ("ADMIN_PASSWORD", PASSWORD)];
    let made = create_admin(&app, &admin);
    assert!(made.ok, "{made:?}");
    assert_eq!(
        app.sign_in(EMAIL, PASSWORD).expect(200)["user"]["role"],
        "admin"
    );
    let made = events::table
        .filter(events::kind.eq("role_changed"))
        .select((events::subject_name, events::details))
        .first::<(Option<String>, Option<String>)>(&mut app.sql());
    assert_eq!(made, Ok((Some(EMAIL.into()), Some("admin".into()))));

    let again = create_admin(&app, &[("ADMIN_EMAIL", "ROOT@example.org"), admin[1]]);
    assert!(!again.ok);
    let complaint = again.err;
    assert!(
        complaint.contains("ROOT@example.org is already registered"),
        "{complaint}"
    );
}

#[test]
fn what_sign_up_would_refuse_makes_no_administrator() {
    let app = TestApp::start();
    for (email, password, complaint) in [
        ("root", PASSWORD, "email: invalid email"),
        (EMAIL, "password1", "password: common password"),
        (EMAIL, "qw7x", "password: too short"),
        ("", "", "set ADMIN_EMAIL and ADMIN_PASSWORD"),
    ] {
        let refused = create_admin(
            &app,
            &[("ADMIN_EMAIL", email), ("ADMIN_PASSWORD", password)],
        );
        let said = refused.err;
        assert!(!refused.ok && said.contains(complaint), "{said}");
        assert!(password.is_empty() || !said.contains(password), "{said}");
    }
    let users: i64 = users::table.count().get_result(&mut app.sql()).unwrap();
    assert_eq!(users, 0);
}
