//! Addresses that mail servers refuse run after run.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{listed, suppress};
use crate::support::app::TestApp;
use crate::support::people::Person;
use crate::support::smtp_server::{At, Rule, ScriptedServer};

/// The reasons and runs of what is suppressed, by address.
fn reasons(app: &TestApp, owner: &Person) -> Vec<(String, String, Value)> {
    let page = app.get(owner, "/suppressions?sort=email").expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let word = |field: &str| item[field].as_str().unwrap().to_owned();
            (word("email"), word("reason"), item["run_id"].clone())
        })
        .collect()
}

#[test]
fn an_address_that_three_runs_in_a_row_found_not_to_exist_is_suppressed() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    // What the server says of each, and whether that counts against the address.
    let replies = [
        ("none@example.org", 550, "5.1.1 no such user", true),
        ("plain@example.org", 550, "no such user", true),
        ("disabled@example.org", 550, "5.2.1 disabled", true),
        ("moved@example.org", 551, "moved away", false),
        (
            "blocked@example.org",
            550,
            "5.1.1 blocked using zen.spamhaus.org",
            false,
        ),
        ("host@example.org", 554, "5.1.2 no such host", true),
        ("policy@example.org", 550, "5.7.1 unable to relay", false),
        ("sender@example.org", 550, "5.1.8 bad sender", false),
        ("sender7@example.org", 550, "5.1.7 bad sender", false),
        ("other@example.org", 554, "transaction failed", false),
        ("full@example.org", 552, "5.2.2 mailbox full", false),
    ];
    for (email, code, words, _) in replies {
        server.add(email, Rule::refuse(code, words), None);
        app.recipient(&alice, email);
    }
    server.add(
        "late@example.org",
        Rule::say(At::Dot, "550 5.1.1 no such user\r\n"),
        None,
    );
    for email in ["late@example.org", "good@example.org"] {
        app.recipient(&alice, email);
    }
    app.recipient(&bob, "none@example.org");
    let hours = |h: i64| json!(app.now() + TimeDelta::hours(h));
    let daily = json!({"recurrence": "daily"});
    let (mailing, of_bob) = (
        app.mailing(&alice, &daily),
        app.mailing(
            &bob,
            &json!({"recurrence": "daily", "starts_at": hours(24)}),
        ),
    );
    for _ in 0..2 {
        app.tick();
        // The mailbox that is full is given up at the end of its day.
        app.wait(TimeDelta::days(1));
        assert_eq!(reasons(&app, &alice), []);
    }
    app.tick();
    app.wait(TimeDelta::days(1));
    let third = app.last_run(&alice, mailing)["id"].clone();
    app.tick();
    let mut wanted: Vec<_> = replies
        .into_iter()
        .filter(|(.., counts)| *counts)
        .map(|(email, ..)| (email.to_owned(), "rejected".to_owned(), third.clone()))
        .collect();
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(reasons(&app, &alice), wanted);
    assert_eq!(app.last_run(&alice, mailing)["counts"]["skipped"], 4);
    // Another owner's three begin with their own first.
    assert_eq!(reasons(&app, &bob).len(), 1, "{of_bob}");
}

#[test]
fn an_address_suppressed_for_refusals_is_left_out_of_other_runs_under_way() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let none = app.recipient(&alice, "none@example.org");
    app.recipient(&alice, "good@example.org");
    app.mailing(&alice, &json!({"recurrence": "daily"}));
    let unknown = || Rule::refuse(550, "5.1.1 no such user");
    server.add("none@example.org", unknown(), None);
    for _ in 0..2 {
        app.tick();
        app.wait(TimeDelta::days(1));
    }
    // The third refusal comes with a retry, when another run has been prepared and paused.
    server.forget_rules();
    let later = Rule::refuse(450, "4.2.0 later");
    server.add("none@example.org", later, Some(1));
    app.tick();
    server.add("none@example.org", unknown(), None);
    let other = app.mailing(&alice, &json!({"recipients": {"ids": [none]}}));
    let path = format!("/mailings/{other}");
    app.post(&alice, &format!("{path}/send"), &json!({}))
        .expect(202);
    app.post(&alice, &format!("{path}/pause"), &json!({}))
        .expect(204);
    app.wait(TimeDelta::hours(1));
    app.tick();
    app.tick();
    assert_eq!(reasons(&app, &alice).len(), 1);
    let run = app.last_run(&alice, other);
    let deliveries = app.get(&alice, &format!("/runs/{}/deliveries", run["id"]));
    let row = deliveries.expect(200)["items"][0].clone();
    assert_eq!(
        (&row["status"], &row["skip_reason"]),
        (&json!("skipped"), &json!("suppressed")),
        "{row}"
    );
}

#[test]
fn a_mail_that_got_through_in_between_clears_an_address() {
    let refused = || Rule::refuse(550, "5.1.1 no such user");
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    app.mailing(&alice, &json!({"recurrence": "daily"}));
    // Two refusals, a mail that is taken, two refusals, and the third.
    for (day, times) in [(0, 2), (1, 0), (2, 0), (3, 2), (4, 0), (5, 1)] {
        if times > 0 {
            server.add("ada@example.org", refused(), Some(times));
        }
        app.tick();
        assert_eq!(
            listed(&app, &alice, "").len(),
            usize::from(day == 5),
            "day {day}"
        );
        app.wait(TimeDelta::days(1));
    }
    assert_eq!(server.accepted().len(), 1);
}

#[test]
fn runs_that_left_an_address_out_do_not_count_for_it() {
    let server =
        ScriptedServer::start().on("ada@example.org", Rule::refuse(550, "5.1.1 no such user"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "ada@example.org");
    app.mailing(&alice, &json!({"recurrence": "daily"}));
    app.tick();
    // Suppressed for a day.
    let id = suppress(&app, &alice, "ada@example.org");
    app.wait(TimeDelta::days(1));
    app.tick();
    app.delete(&alice, &format!("/suppressions/{id}"))
        .expect(204);
    for refusals in [2, 3] {
        assert_eq!(reasons(&app, &alice), [], "before refusal {refusals}");
        app.wait(TimeDelta::days(1));
        app.tick();
    }
    assert_eq!(reasons(&app, &alice).len(), 1);
}

#[test]
fn a_server_that_refuses_everybody_suppresses_nobody_and_the_run_says_so() {
    for (code, words) in [
        (550, "Blocked - see https://bl.example"),
        (553, "sorry, relaying denied"),
        (550, "5.1.1 user unknown"),
        (550, "no such user"),
    ] {
        let server = ScriptedServer::start().on("*", Rule::refuse(code, words));
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        app.recipients(&alice, 60);
        for _ in 0..3 {
            let mailing = app.mailing(&alice, &json!({}));
            app.tick();
            assert_eq!(
                app.state(&alice, mailing),
                ("running".into(), "recipients_refused".into()),
                "{words}"
            );
            let left = app.last_run(&alice, mailing)["counts"]["pending"].as_i64();
            assert!(left > Some(20), "{left:?} were not tried");
            app.act(&alice, mailing, "resume");
            app.tick();
            let run = app.last_run(&alice, mailing);
            assert_eq!(
                (&run["status"], &run["counts"]["rejected"]),
                (&json!("finished"), &json!(60))
            );
        }
        assert_eq!(reasons(&app, &alice), [], "{words}");
    }
}

#[test]
fn refusals_of_everybody_are_seen_whatever_stands_in_their_texts() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for n in 0..12 {
        let email = format!("r{n}@example.org");
        server.add(
            &email,
            Rule::refuse(550, &format!("5.1.1 <{email}>: user unknown [{n:x}]")),
            None,
        );
        app.recipient(&alice, &email);
    }
    for _ in 0..3 {
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(app.state(&alice, mailing).1, "recipients_refused");
        app.act(&alice, mailing, "resume");
        app.tick();
    }
    assert_eq!(reasons(&app, &alice), []);
}

#[test]
fn runs_that_were_refused_as_a_whole_do_not_count_against_an_address() {
    let refused = || Rule::refuse(550, "5.1.1 no such user");
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 4);
    for (run, who, suppressed) in [
        (1, "*", 0),
        (2, "*", 0),
        (3, "r1@example.org", 0),
        (4, "r1@example.org", 0),
        (5, "r1@example.org", 1),
    ] {
        server.forget_rules();
        server.add(who, refused(), None);
        app.mailing(&alice, &json!({}));
        app.tick();
        assert_eq!(reasons(&app, &alice).len(), suppressed, "after run {run}");
    }
}

#[test]
fn a_few_refused_recipients_stop_no_run_whatever_the_code() {
    for words in [
        "501 syntax error",
        "550 5.7.1 no",
        "554 5.6.0 bad content",
        "503 what?",
        "550 5.1.1 no such user",
    ] {
        let server = ScriptedServer::start();
        let app = TestApp::sending_through(&server);
        let alice = app.alice();
        app.recipients(&alice, 60);
        // At the beginning, when nothing else is known of the run.
        for n in 1..=15 {
            server.add(
                &format!("r{n}@example.org"),
                Rule::say(At::Rcpt, format!("{words}\r\n")),
                None,
            );
        }
        let mailing = app.mailing(&alice, &json!({}));
        app.tick();
        let run = app.last_run(&alice, mailing);
        assert_eq!(
            (
                &run["status"],
                &run["counts"]["rejected"],
                &run["counts"]["accepted"]
            ),
            (&json!("finished"), &json!(15), &json!(45)),
            "{words}"
        );
    }
}
