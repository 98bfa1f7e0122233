//! Rules for all texts entered by users: normalization, balanced directions, visible names.

mod every_field;

use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::people::Person;

const UNSEEN: [&str; 6] = [
    " ",
    "\u{200B}",
    "\u{AD}\u{2060}",
    "\u{3000}",
    "\u{2800}\u{3164}",
    "\u{202E}\u{202C}",
];

fn server(name: &str) -> Value {
    json!({"name": name, "host": "mail.example.org", "port": 587, "tls": "starttls", "from_email": "a@example.org", "from_name": name})
}

/// A resource created under a path with a text, and the position of that text in the response.
fn created(text: &str) -> [(&'static str, &'static str, Value); 7] {
    [
        (
            "/recipients",
            "full_name",
            json!({"email": "a@example.org", "full_name": text}),
        ),
        (
            "/recipients",
            "comment",
            json!({"email": "b@example.org", "comment": text}),
        ),
        (
            "/messages",
            "subject",
            json!({"subject": text, "text": "Hello"}),
        ),
        (
            "/articles",
            "title",
            json!({"title": text, "html": "<p>Hello</p>"}),
        ),
        (
            "/articles",
            "excerpt",
            json!({"title": "News", "html": "<p>Hello</p>", "excerpt": text}),
        ),
        ("/smtp-servers", "name", server(text)),
        ("/smtp-servers", "from_name", server(text)),
    ]
}

#[test]
fn a_text_is_kept_in_one_form_and_found_in_both() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    for (path, field, body) in created("Zoe\u{308} Li") {
        let made = app.post(&admin, path, &body).expect(201);
        assert_eq!(made[field], "Zo\u{eb} Li", "{path} {field}");
    }
    let me = json!({"full_name": "Zoe\u{308}", "phone": "e\u{301}"});
    let me = app.patch(&admin, "/me", &me).expect(200);
    assert_eq!(
        (&me["full_name"], &me["phone"]),
        (&json!("Zo\u{eb}"), &json!("\u{e9}"))
    );
    for path in ["/recipients", "/messages", "/articles", "/users"] {
        let found = |q: &str| {
            let status = if path == "/articles" {
                "&status=all"
            } else {
                ""
            };
            app.get(&admin, &format!("{path}?q={q}{status}"))
                .expect(200)["total"]
                .clone()
        };
        assert_ne!(found("Zoe%CC%88"), 0, "{path}");
        assert_eq!(found("Zoe%CC%88"), found("zo%C3%AB"), "{path}");
    }
}

#[test]
fn a_mailing_by_search_misses_nobody_for_the_form_of_their_name() {
    let app = TestApp::start();
    let alice = app.alice();
    for (email, name) in [
        ("a@example.org", "Zo\u{eb}"),
        ("b@example.org", "Zoe\u{308}"),
        ("c@example.org", "Zoe"),
    ] {
        let body = json!({"email": email, "full_name": name});
        app.post(&alice, "/recipients", &body).expect(201);
    }
    for q in ["Zo\u{eb}", "zoe\u{308}"] {
        let mailing = app.mailing(&alice, &json!({"recipients": {"q": q}}));
        let mailing = app.get(&alice, &format!("/mailings/{mailing}")).expect(200);
        assert_eq!(mailing["recipients_count"], 2, "{q:?}");
    }
}

#[test]
fn a_name_of_which_nothing_is_seen_is_no_name() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    for (n, text) in UNSEEN.into_iter().enumerate() {
        let body = json!({"email": format!("r{n}@example.org"), "full_name": text});
        let made = app.post(&admin, "/recipients", &body).expect(201);
        assert_eq!(made["full_name"], "", "{text:?}");
        for (path, field, body) in created(text) {
            if ["subject", "title", "name"].contains(&field) {
                app.post(&admin, path, &body)
                    .expect_invalid(field, "required");
            }
        }
        let token = json!({"name": text, "scope": "read"});
        app.post(&admin, "/me/tokens", &token)
            .expect_invalid("name", "required");
        app.post(&admin, "/users/1/block", &json!({"reason": text}))
            .expect_invalid("reason", "required");
        app.post(&admin, "/mailings/1/disable", &json!({"reason": text}))
            .expect_invalid("reason", "required");
    }
}

fn total(app: &TestApp, person: &Person, path: &str) -> Value {
    app.get(person, path).expect(200)["total"].clone()
}

#[test]
fn a_search_for_what_every_address_contains_chooses_nobody() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipients(&alice, 3);
    let message = app.message(&alice);
    let mailing = app.mailing(&alice, &json!({"recipients": {"q": "r1@"}}));
    let path = format!("/mailings/{mailing}");
    for q in ["@", ".", "@.", " . ", "-", "。", "e", "@e", "1", "..."] {
        let recipients = json!({"q": q});
        let new = json!({"message_id": message, "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC", "recipients": recipients});
        app.post(&alice, "/mailings", &new)
            .expect_invalid("recipients.q", "search_too_broad");
        app.patch(&alice, &path, &json!({"recipients": recipients}))
            .expect_invalid("recipients.q", "search_too_broad");
    }
    assert_eq!(
        app.get(&alice, &path).expect(200)["recipients_count"],
        json!(1)
    );
    assert_eq!(total(&app, &alice, "/recipients?q=@"), json!(3));
    app.patch(&alice, &path, &json!({"recipients": {"q": ".org"}}))
        .expect(200);
    assert_eq!(
        app.get(&alice, &path).expect(200)["recipients_count"],
        json!(3)
    );
}

#[test]
fn a_search_for_nothing_chooses_nobody_and_lists_everything() {
    let app = TestApp::start();
    let alice = app.alice();
    app.recipients(&alice, 3);
    let mailing = app.mailing(&alice, &json!({"recipients": {"q": "r1@"}}));
    let message = app.message(&alice);
    for q in UNSEEN.into_iter().chain(["", "\t", "\n"]) {
        let recipients = json!({"q": q});
        let new = json!({"message_id": message, "starts_at": app.now(), "recurrence": "once", "time_zone": "UTC", "recipients": recipients});
        app.post(&alice, "/mailings", &new)
            .expect_invalid("recipients.q", "required");
        app.patch(
            &alice,
            &format!("/mailings/{mailing}"),
            &json!({"recipients": recipients}),
        )
        .expect_invalid("recipients.q", "required");
    }
    let kept = app.get(&alice, &format!("/mailings/{mailing}")).expect(200);
    assert_eq!(kept["recipients_count"], 1);
    for q in UNSEEN {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        assert_eq!(total(&app, &alice, &format!("/recipients?q={q}")), 3, "{q}");
        assert_eq!(
            total(
                &app,
                &alice,
                &format!("/mailings/{mailing}/recipients?q={q}")
            ),
            1,
            "{q}"
        );
    }
}

#[test]
fn what_is_cut_from_a_longer_text_leaves_no_direction_open() {
    let app = TestApp::start();
    let admin = app.person("admin@example.org", "admin");
    let open = format!("\u{202E}{}\u{202C}", "word ".repeat(100));
    let article = json!({"title": "News", "html": format!("<p>{open}</p>")});
    let article = app.post(&admin, "/articles", &article).expect(201);
    assert!(article["excerpt"].as_str().unwrap().starts_with("word"));
    let message = json!({"subject": "News", "text": open});
    app.post(&admin, "/messages", &message).expect(201);
    let list = app.get(&admin, "/messages").expect(200);
    assert!(
        list["items"][0]["excerpt"]
            .as_str()
            .unwrap()
            .starts_with("word")
    );
    app.sign_in("\u{202E}ada@example.org", "a wrong password")
        .expect_problem(401, "invalid_credentials");
    let journal = app.get(&admin, "/events?kind=sign_in_failed").expect(200);
    assert_eq!(journal["items"][0]["details"], "ada@example.org");
}
