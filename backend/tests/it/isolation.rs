//! What is one user's is nobody else's, and staff look on: every operation of the OpenAPI document is
//! asked by everybody, as `matrix.rs` has it, so no new operation is forgotten.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::matrix::{self, Row};
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

const MISSING: i64 = 999_999_999;

/// Every operation of the document: method and path below `/api/v1`.
fn operations() -> Vec<String> {
    let document = serde_json::to_value(dispatch::app::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = |(path, item): (&String, &Value)| {
        let path = path.strip_prefix("/api/v1").unwrap();
        let methods = item.as_object().unwrap().keys();
        methods
            .map(|method| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// Everybody who may come along. The last two were let in once and have a session.
struct Cast {
    other: Person,
    manager: Person,
    admin: Person,
    blocked: Person,
    unconfirmed: Person,
}

impl Cast {
    fn of(app: &TestApp) -> Self {
        let cast = Self {
            other: app.bob(),
            manager: app.manager(),
            admin: app.person("admin@example.org", "admin"),
            blocked: app.person("blocked@example.org", "admin"),
            unconfirmed: app.person("unconfirmed@example.org", "admin"),
        };
        app.sql()
            .batch_execute(&format!(
                "UPDATE users SET blocked_at = now() WHERE id = {};
                 UPDATE users SET confirmed_at = NULL WHERE id = {}",
                cast.blocked.id, cast.unconfirmed.id
            ))
            .unwrap();
        cast
    }

    /// What those say of themselves who are nobody here.
    fn nobodies(&self) -> [Vec<(&'static str, String)>; 4] {
        let forged = ("authorization", "Bearer abc.def.ghi".to_owned());
        [
            vec![],
            vec![forged],
            vec![self.blocked.bearer()],
            vec![self.unconfirmed.bearer()],
        ]
    }
}

/// Something of this owner, of the kind that the operation is about.
fn thing(app: &TestApp, owner: &Person, noun: &str) -> i64 {
    let email = format!("friend-of-{}@example.org", owner.id);
    match noun {
        "recipients" => app.recipient(owner, &email),
        "messages" => app.message(owner),
        "mailings" => {
            app.recipient(owner, &email);
            app.mailing(owner, &json!({"recurrence": "daily"}))
        }
        "runs" => {
            let mailing = thing(app, owner, "mailings");
            app.tick();
            app.last_run(owner, mailing)["id"].as_i64().unwrap()
        }
        "suppressions" => app
            .post(owner, "/suppressions", &json!({"email": email}))
            .id(),
        "users" => owner.id,
        // Articles are nobody's own: it is staff who writes them.
        "articles" => {
            let writer = format!("writer{}@example.org", rand::random::<u64>());
            app.article(&app.person(&writer, "manager"), "News")
        }
        // These have no owner either: administrators invite.
        "invitations" => {
            let admin = app.person(
                &format!("admin{}@example.org", rand::random::<u64>()),
                "admin",
            );
            let invited = json!({"email": format!("invited{}@example.org", rand::random::<u64>())});
            app.post(&admin, "/invitations", &invited).id()
        }
        "smtp-servers" => {
            let server = smtp_server_of(owner);
            app.post(owner, "/smtp-servers", &server).id()
        }
        "sessions" => owner.session_id,
        "tokens" => {
            let token = json!({"name": "script", "scope": "read"});
            app.post(owner, "/me/tokens", &token).id()
        }
        other => panic!("say here what an id of {other} stands for"),
    }
}

/// A mail server that nobody runs.
fn smtp_server_of(person: &Person) -> Value {
    json!({"name": "Own", "host": "mail.invalid", "port": 25, "tls": "none", "from_email": person.email})
}

/// A body that the operation accepts, of this person.
fn body_of(app: &TestApp, person: &Person, operation: &str) -> Value {
    let email = format!("friend-of-{}@example.org", person.id);
    match operation {
        "POST /recipients" | "POST /suppressions" | "POST /invitations" => json!({"email": email}),
        "POST /articles" => json!({"title": "News", "html": ""}),
        "POST /messages" | "POST /messages/preview" => json!({"subject": "News", "text": "Hello"}),
        "POST /mailings" => {
            // Where the person may not make these, the mailing is refused before anybody looks for them.
            let message = body_of(app, person, "POST /messages");
            let message = app.post(person, "/messages", &message).body["id"].as_i64();
            let reader = json!({"email": format!("reader-{email}")});
            let reader = app.post(person, "/recipients", &reader).body["id"].as_i64();
            json!({"message_id": message.unwrap_or(1), "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC",
                "recipients": {"ids": [reader.unwrap_or(1)]}})
        }
        "POST /smtp-servers" => smtp_server_of(person),
        "POST /occurrences/preview" => {
            json!({"starts_at": app.now(), "recurrence": "once", "time_zone": "UTC"})
        }
        "POST /mailings/{id}/disable" | "POST /users/{id}/block" => json!({"reason": "Complaints"}),
        "PUT /users/{id}/role" => json!({"role": "user"}),
        "POST /me/email" => json!({"email": email, "password": "not the password"}),
        "POST /me/password" => {
            json!({"current": "not the password", "new": "correct horse battery"})
        }
        "POST /me/tokens" => json!({"name": "script", "scope": "read"}),
        _ => json!({}),
    }
}

fn ask<const N: usize>(
    app: &TestApp,
    headers: &[(&str, String)],
    row: &Row<N>,
    id: i64,
    body: &Value,
) -> Answer {
    let path = row.path.replace("{id}", &id.to_string());
    match (row.method, row.path) {
        // It goes on for ever: its head says all.
        ("GET", "/mailings/{id}/live") => match app.try_to_watch(id, headers) {
            Ok(stream) => stream.head,
            Err(refusal) => refusal,
        },
        ("GET" | "DELETE", _) => app.send(row.method, &path, headers, None),
        (_, "/me/avatar" | "/images") | ("PUT", "/articles/{id}/image") => {
            let kind = ("content-type", "image/png".to_owned());
            app.send_text(
                row.method,
                &path,
                &[headers, &[kind]].concat(),
                "no picture",
            )
        }
        _ => app.send(row.method, &path, headers, Some(body)),
    }
}

/// Fails unless the answer is the expected one, and says why as all operations do.
fn check<const N: usize>(row: &Row<N>, who: &str, answer: &Answer, status: u16) {
    let code = match status {
        401 => "unauthenticated",
        403 => "forbidden",
        404 => "not_found",
        _ => "",
    };
    assert!(
        answer.status == status && (code.is_empty() || answer.body["code"] == code),
        "{} as {who}: {} {} instead of {status} {code}",
        row.name(),
        answer.status,
        answer.body
    );
}

/// What its owner sees of a thing.
fn seen_by_owner(app: &TestApp, owner: &Person, noun: &str, id: i64) -> Value {
    match noun {
        "recipients" | "messages" | "mailings" | "runs" => {
            app.get(owner, &format!("/{noun}/{id}")).expect(200)
        }
        "suppressions" => app.get(owner, "/suppressions").expect(200),
        _ => Value::Null,
    }
}

#[test]
fn every_operation_has_its_row() {
    let rows = matrix::names();
    let without: Vec<_> = operations()
        .into_iter()
        .filter(|operation| rows.iter().filter(|row| *row == operation).count() != 1)
        .collect();
    assert!(without.is_empty(), "not once in matrix.rs: {without:?}");
}

#[test]
fn every_row_has_its_operation() {
    let known = operations();
    let without: Vec<_> = matrix::names()
        .into_iter()
        .filter(|row| !known.contains(row))
        .collect();
    assert!(without.is_empty(), "no such operation: {without:?}");
}

#[test]
fn open_operations_respond_without_a_valid_token() {
    let app = TestApp::start();
    let cast = Cast::of(&app);
    let known = operations();
    for row in matrix::open() {
        let [status, with_bad_token] = row.answers;
        for nobody in cast
            .nobodies()
            .iter()
            .filter(|_| known.contains(&row.name()))
        {
            let answer = ask(&app, nobody, &row, MISSING, &json!({}));
            let status = if nobody.is_empty() {
                status
            } else {
                with_bad_token
            };
            check(&row, "nobody", &answer, status);
        }
    }
}

#[test]
fn operations_without_a_resource_respond_by_role() {
    let app = TestApp::start();
    let cast = Cast::of(&app);
    let known = operations();
    for row in matrix::at_large() {
        if !known.contains(&row.name()) {
            continue;
        }
        for nobody in cast.nobodies() {
            let body = body_of(&app, &cast.other, &row.name());
            check(
                &row,
                "nobody",
                &ask(&app, &nobody, &row, MISSING, &body),
                401,
            );
        }
        let people = [&cast.other, &cast.manager, &cast.admin];
        for (person, status) in people.into_iter().zip(row.answers) {
            let body = body_of(&app, person, &row.name());
            let answer = ask(&app, &[person.bearer()], &row, MISSING, &body);
            check(&row, &person.email, &answer, status);
        }
    }
}

#[test]
fn a_resource_is_changed_by_its_owner_visible_to_staff_and_not_found_by_others() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let cast = Cast::of(&app);
    let known = operations();
    for row in matrix::on_one_thing() {
        if known.contains(&row.name()) {
            ask_everybody(&app, &cast, &row);
        }
    }
}

fn ask_everybody(app: &TestApp, cast: &Cast, row: &Row<8>) {
    let name = row.name();
    let label = name.replace([' ', '/', '{', '}'], "-");
    let owner = app.person(&format!("{label}@user.example"), "user");
    let owning_admin = app.person(&format!("{label}@admin.example"), "admin");
    let id = thing(app, &owner, row.noun());
    let admins = thing(app, &owning_admin, row.noun());
    let [
        by_owner,
        other,
        manager,
        admin,
        by_admin,
        user_none,
        manager_none,
        admin_none,
    ] = row.answers;
    let mut asked = vec![
        ("its owner", vec![owner.bearer()], id, by_owner),
        ("another user", vec![cast.other.bearer()], id, other),
        ("a manager", vec![cast.manager.bearer()], id, manager),
        ("an administrator", vec![cast.admin.bearer()], id, admin),
        (
            "the administrator it belongs to",
            vec![owning_admin.bearer()],
            admins,
            by_admin,
        ),
        (
            "a user, of nothing",
            vec![owner.bearer()],
            MISSING,
            user_none,
        ),
        (
            "a manager, of nothing",
            vec![cast.manager.bearer()],
            MISSING,
            manager_none,
        ),
        (
            "an administrator, of nothing",
            vec![cast.admin.bearer()],
            MISSING,
            admin_none,
        ),
    ];
    asked.extend(cast.nobodies().map(|nobody| ("nobody", nobody, id, 401)));
    let (refused, let_through): (Vec<_>, Vec<_>) = asked
        .into_iter()
        .partition(|(_, _, _, status)| *status >= 400);
    let body = body_of(app, &owner, &name);
    let before = seen_by_owner(app, &owner, row.noun(), id);
    for (who, headers, id, status) in refused {
        check(row, who, &ask(app, &headers, row, id, &body), status);
    }
    let after = seen_by_owner(app, &owner, row.noun(), id);
    assert_eq!(
        after, before,
        "{name} has changed something for somebody it refused"
    );
    // The owner comes last: the thing may be gone then.
    for (who, headers, id, status) in let_through.into_iter().rev() {
        // All of staff may delete an article, but each only one that is there.
        let id = match row.noun() {
            "articles" => thing(app, &owner, "articles"),
            _ => id,
        };
        check(row, who, &ask(app, &headers, row, id, &body), status);
    }
}
