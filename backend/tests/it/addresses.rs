//! A mailbox has one address in any spelling: for recipients, suppressions, runs, statistics, users and limits.

use diesel::prelude::*;
use diesel::sql_types::Text;
use dispatch::core::email_address::EmailAddress;
use dispatch::delivery::deliveries::model::DeliveryStatus;
use serde_json::{Value, json};

use crate::support::accounts::PASSWORD;
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::ScriptedServer;

/// Spellings of one mailbox.
const SPELLINGS: [&str; 7] = [
    "ann@bücher.example",
    "ann@bu\u{308}cher.example",
    "Ann@BÜCHER.example",
    "ann@xn--bcher-kva.example",
    "ANN@XN--Bcher-Kva.Example",
    "ann@bücher。example",
    " ann@bücher．example ",
];
const KEPT: &str = "ann@xn--bcher-kva.example";

/// Text that looks like `ann@bücher.example` but contains an invisible character.
fn disguised() -> Vec<String> {
    let hidden = [
        '\u{200B}', '\u{AD}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{202E}',
    ];
    let places = |c| {
        [
            format!("a{c}nn@bücher.example"),
            format!("ann@b{c}ücher.example"),
        ]
    };
    hidden.into_iter().flat_map(places).collect()
}

/// An account created with this spelling.
fn confirmed(app: &TestApp, email: &str) {
    app.sign_up(email).expect(202);
    app.confirm(&app.mailed_token(KEPT)).expect(204);
}

fn emails(app: &TestApp, person: &Person, path: &str) -> Vec<String> {
    let page = app.get(person, path).expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["email"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_recipient_is_added_once_in_whatever_spelling() {
    for first in SPELLINGS {
        let app = TestApp::start();
        let alice = app.alice();
        app.post(&alice, "/recipients", &json!({"email": first}))
            .expect(201);
        for again in SPELLINGS {
            app.post(&alice, "/recipients", &json!({"email": again}))
                .expect_problem(409, "email_taken");
        }
        let kept = emails(&app, &alice, "/recipients");
        assert!(kept[0].eq_ignore_ascii_case(KEPT), "{kept:?}");
    }
}

#[test]
fn an_address_with_something_invisible_in_it_is_taken_nowhere() {
    let app = TestApp::start();
    let alice = app.alice();
    let browser = app.browser("carol@example.org");
    let recipient = app.recipient(&alice, "bob@example.org");
    let test = format!("/messages/{}/test", app.message(&alice));
    for email in disguised() {
        let body = json!({"email": email});
        for path in ["/recipients", "/suppressions"] {
            app.post(&alice, path, &body)
                .expect_invalid("email", "invalid_email");
        }
        app.patch(&alice, &format!("/recipients/{recipient}"), &body)
            .expect_invalid("email", "invalid_email");
        app.post(&alice, &test, &body)
            .expect_invalid("email", "not_found");
        for path in ["/auth/confirm/resend", "/auth/password/forgot"] {
            app.call(path, &body)
                .expect_invalid("email", "invalid_email");
        }
        app.sign_up(&email).expect_invalid("email", "invalid_email");
        app.sign_in(&email, PASSWORD)
            .expect_problem(401, "invalid_credentials");
        let moving = json!({"email": email, "password": PASSWORD});
        app.ask(&browser, "POST", "/me/email", &moving)
            .expect_invalid("email", "invalid_email");
        let server = json!({"name": "Own", "host": "mail.example.org", "port": 587, "tls": "starttls", "from_email": email});
        app.post(&alice, "/smtp-servers", &server)
            .expect_invalid("from_email", "invalid_email");
    }
}

#[test]
fn whoever_is_suppressed_in_one_spelling_is_mailed_in_none() {
    for (suppressed, kept) in SPELLINGS.iter().zip(SPELLINGS.iter().rev()) {
        let server = ScriptedServer::start();
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        app.recipient(&alice, kept);
        app.post(&alice, "/suppressions", &json!({"email": suppressed}))
            .expect(201);
        app.post(&alice, "/suppressions", &json!({"email": kept}))
            .expect_problem(409, "already_suppressed");
        app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(server.accepted().len(), 0, "{suppressed}");
    }
}

#[test]
fn one_mailbox_of_two_owners_is_one_in_the_statistics() {
    let app = TestApp::start();
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    app.recipient(&alice, "ann@bücher.example");
    app.recipient(&bob, "Ann@xn--bcher-kva.example");
    let stats = app.get(&manager, "/stats").expect(200);
    assert_eq!(
        (&stats["recipients"], &stats["unique_recipients"]),
        (&json!(2), &json!(1))
    );
    let home = app.send("GET", "/home", &[], None).expect(200);
    assert_eq!(home["unique_recipients"], 1);
}

#[test]
fn an_address_is_found_in_whatever_spelling_it_is_looked_for() {
    let app = TestApp::start();
    let (alice, manager) = (app.alice(), app.manager());
    app.recipient(&alice, "ann@bücher.example");
    app.recipient(&alice, "bob@example.org");
    app.post(
        &alice,
        "/suppressions",
        &json!({"email": "ann@bücher.example"}),
    )
    .expect(201);
    confirmed(&app, "ann@bücher.example");
    for q in [
        "bücher",
        "bu\u{308}cher",
        "xn--bcher-kva",
        "ANN@BÜCHER",
        "ann@bücher。example",
        "üch",
        "BÜ",
        "u\u{308}cher.ex",
        "ann@bü",
    ] {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        for (person, path) in [
            (&alice, "recipients"),
            (&alice, "suppressions"),
            (&manager, "users"),
        ] {
            assert_eq!(
                emails(&app, person, &format!("/{path}?q={q}")),
                [KEPT],
                "{path} {q}"
            );
        }
    }
    let mailing = app.mailing(&alice, &json!({"recipients": {"q": "bücher"}}));
    let chosen = format!("/mailings/{mailing}/recipients");
    assert_eq!(emails(&app, &alice, &chosen), [KEPT]);
    app.tick();
    let run = app.last_run(&alice, mailing)["id"].as_i64().unwrap();
    let skipped = app
        .get(&alice, &format!("/runs/{run}/deliveries?q=b%C3%BCcher"))
        .expect(200);
    assert_eq!(
        skipped["items"][0]["status"],
        DeliveryStatus::Skipped.as_str()
    );
}

#[test]
fn a_mailbox_has_one_account_and_its_owner_comes_in_under_every_spelling() {
    let app = TestApp::start();
    confirmed(&app, SPELLINGS[0]);
    for email in SPELLINGS {
        app.sign_up(email).expect(202);
        app.sign_in(email, PASSWORD).expect(200);
        app.forgot(email).expect(202);
    }
    let manager = app.manager();
    assert_eq!(emails(&app, &manager, "/users?q=ann"), [KEPT]);
    let ended = app.command(
        &["create-admin"],
        &[
            ("ADMIN_EMAIL", "ann@bücher。example"),
            ("ADMIN_PASSWORD", PASSWORD),
        ],
    );
    assert!(
        !ended.ok && ended.err.contains("is already registered"),
        "{}",
        ended.err
    );
}

#[test]
fn tries_under_other_spellings_are_tries_for_the_same_account() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("LIMITS", "1"),
        ("TRUSTED_PROXIES", "1"),
    ]);
    for email in &SPELLINGS[..5] {
        app.sign_in(email, "a wrong password")
            .expect_problem(401, "invalid_credentials");
    }
    for email in &SPELLINGS[5..] {
        app.sign_in(email, "a wrong password")
            .expect_problem(429, "too_many_requests");
    }
    let status = |path: &str, email: &str| app.call(path, &json!({"email": email})).status;
    for path in ["/auth/confirm/resend", "/auth/password/forgot"] {
        let statuses = SPELLINGS.map(|email| status(path, email));
        assert_eq!(statuses, [202, 202, 202, 429, 429, 429, 429], "{path}");
    }
}

#[test]
fn a_letter_that_another_lower_case_makes_the_same_opens_no_second_door() {
    let app = TestApp::start_with(&[
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("LIMITS", "1"),
        ("TRUSTED_PROXIES", "1"),
    ]);
    app.account("iris@example.org");
    for email in [
        "İris@example.org",
        "ıris@example.org",
        "iri\u{17F}@example.org",
    ] {
        app.sign_in(email, PASSWORD)
            .expect_problem(401, "invalid_credentials");
        app.call("/auth/password/forgot", &json!({"email": email}))
            .expect_invalid("email", "invalid_email");
    }
}

#[test]
fn a_sender_is_kept_in_the_form_in_which_it_is_sent() {
    let app = TestApp::start();
    let alice = app.alice();
    let server: Value = json!({"name": "Own", "host": "mail.example.org", "port": 587, "tls": "starttls", "from_email": "News@Bücher.example"});
    let made = app.post(&alice, "/smtp-servers", &server).expect(201);
    assert_eq!(made["from_email"], "News@xn--bcher-kva.example");
}

#[test]
fn an_address_literal_is_no_address() {
    let app = TestApp::start();
    let alice = app.alice();
    for email in [
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "ann@192.0.2.1",
        "ann@example.org.",
        "ann@exa_mple.org",
    ] {
        app.post(&alice, "/recipients", &json!({"email": email}))
            .expect_invalid("email", "invalid_email");
    }
}

#[test]
fn postgresql_decodes_domains_as_the_library_does() {
    #[derive(QueryableByName)]
    struct Decoded {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let app = TestApp::start();
    for domain in [
        "bücher.example",
        "faß.de",
        "почта.рф",
        "бухгалтерия.пример.example",
        "例え.テスト",
        "他们为什么不说中文.example",
        "ليهمابتكلموشعربي.example",
        "ü.example",
        "3年b組金八先生.example",
        "a-ü-b.example",
        "𐌰.example",
        "example.org",
    ] {
        let stored = EmailAddress::parse(&format!("xn--ann@{domain}")).unwrap();
        let decoded: Decoded = diesel::sql_query("SELECT in_unicode($1) AS text")
            .bind::<Text, _>(stored.as_str())
            .get_result(&mut app.sql())
            .unwrap();
        let (expected, errors) = idna::domain_to_unicode(stored.domain());
        assert!(errors.is_ok(), "{domain}");
        assert_eq!(decoded.text, format!("xn--ann@{expected}"));
    }
    // What no address can contain stays as it is.
    for text in [
        "ann@xn--a.example",
        "ann@xn--.example",
        "ann@xn--99999999",
        "xn--",
        "",
    ] {
        let decoded: Decoded = diesel::sql_query("SELECT in_unicode($1) AS text")
            .bind::<Text, _>(text)
            .get_result(&mut app.sql())
            .unwrap();
        assert!(
            decoded.text.starts_with(text.split('x').next().unwrap()),
            "{text}"
        );
    }
}
