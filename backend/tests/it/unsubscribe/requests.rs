//! Requests of every kind that come in by a link to unsubscribe: browsers, guesses, whatever mail providers send.

use diesel::connection::SimpleConnection;
use serde_json::Value;

use super::{SITE, daily, look, mail_to, one_click, suppressed, token};
use crate::support::app::TestApp;
use crate::support::smtp_server::ScriptedServer;

#[test]
fn a_browser_is_sent_to_the_page_and_nowhere_else() {
    let app = TestApp::start();
    let visit = |token: &str, accept: &str| {
        let path = format!("/unsubscribe/{token}");
        app.send("GET", &path, &[("accept", accept.to_owned())], None)
    };
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    // Also a broken one: the page has the words for it.
    let sent = visit("abc-_9", browser);
    assert_eq!(
        (sent.status, sent.header("location"), sent.header("vary")),
        (303, format!("{SITE}/unsubscribe#abc-_9").as_str(), "Accept")
    );
    for odd in [
        "a%0d%0aSet-Cookie:x",
        "%2f%2fevil.example",
        "a%23b",
        &"a".repeat(393),
    ] {
        visit(odd, browser).expect_problem(404, "not_found");
    }
    for accept in [
        "*/*",
        "application/json",
        "application/json, text/html;q=0.5",
        ";;;",
    ] {
        visit("abc", accept).expect_problem(404, "not_found");
    }
}

#[test]
fn a_token_that_is_not_ours_unsubscribes_nobody() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org", "carol@example.org"]);
    app.tick();
    let token = token(&mail_to(&server, "bob@example.org"));
    let tampered = (0..token.len()).step_by(7).map(|at| {
        let other = if token[at..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    });
    let odd = ["example", "", "%00", "%ff", "1.2.3"].map(ToOwned::to_owned);
    let cut = [
        token[1..].to_owned(),
        format!("{token}A"),
        format!("{token}="),
    ];
    for bad in tampered.chain(odd).chain(cut) {
        look(&app, &bad).expect_problem(404, "not_found");
        one_click(&app, &bad).expect_problem(404, "not_found");
        app.send("DELETE", &format!("/unsubscribe/{bad}"), &[], None)
            .expect_problem(404, "not_found");
    }
    assert_eq!(suppressed(&app, &alice), Vec::<Value>::new());
}

#[test]
fn any_body_unsubscribes_unless_it_is_huge() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    daily(&app, &alice, &["bob@example.org"]);
    app.tick();
    let path = format!(
        "/unsubscribe/{}",
        token(&mail_to(&server, "bob@example.org"))
    );
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
        ),
        ("multipart/form-data; boundary=x", multipart),
        ("application/json", "{}"),
        ("application/json", "{"),
        ("text/plain", "\0"),
    ] {
        app.sql().batch_execute("DELETE FROM suppressions").unwrap();
        let headers = [
            ("content-type", kind.to_owned()),
            ("origin", "https://mail.example".to_owned()),
        ];
        app.send_text("POST", &path, &headers, body).expect(204);
        assert_eq!(suppressed(&app, &alice).len(), 1, "{kind}");
    }
    app.sql().batch_execute("DELETE FROM suppressions").unwrap();
    let huge = "x".repeat(65 * 1024);
    app.send_text("POST", &path, &[], &huge)
        .expect_problem(413, "payload_too_large");
    assert_eq!(suppressed(&app, &alice), Vec::<Value>::new());
    app.send("POST", &path, &[], None).expect(204);
    assert_eq!(suppressed(&app, &alice).len(), 1, "no body at all");
}
