//! Numbers of users, mailings and runs are those of the log, always, and page, table and file agree.

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::numbers::assert_tallied;
use crate::support::people::Person;
use crate::support::smtp_server::{Rule, ScriptedServer};

fn stats(app: &TestApp, person: &Person, filter: &str) -> Value {
    app.get(person, &format!("/stats?{filter}")).expect(200)
}

fn totals(total: i64, ok: i64) -> Value {
    json!({"total": total, "ok": ok, "failed": total - ok})
}

/// The days on which something was sent, and how much.
fn busy_days(stats: &Value) -> Vec<(String, i64)> {
    let days = stats["by_day"].as_array().unwrap().iter();
    let day = |day: &Value| {
        (
            day["day"].as_str().unwrap().to_owned(),
            day["total"].as_i64().unwrap(),
        )
    };
    days.map(day).filter(|(_, total)| *total > 0).collect()
}

#[test]
fn the_numbers_of_user_mailing_and_run_are_those_of_the_log() {
    let server = ScriptedServer::start()
        .on("r2@example.org", Rule::refuse(550, "5.1.1 no such user"))
        .on("r3@example.org", Rule::refuse(451, "4.7.1 come back later"));
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    app.recipients(&alice, 5);
    app.recipient(&bob, "r1@example.org");
    let (hers, his) = (
        app.mailing(&alice, &json!({})),
        app.mailing(&bob, &json!({})),
    );
    app.tick();
    app.wait(TimeDelta::hours(1));
    app.tick();
    assert_tallied(&mut app.sql());

    let of_alice = format!("owner_id = {}", alice.id);
    let (all, ok) = (
        app.attempts_where(&of_alice),
        app.attempts_where(&format!("{of_alice} AND outcome = 'accepted'")),
    );
    assert!(all > 5 && ok == 3, "{all} {ok}");
    let told = stats(&app, &alice, "");
    assert_eq!(
        (&told["attempts"], &told["messages_sent"]),
        (&totals(all, ok), &json!(3))
    );
    for outcome in told["outcomes"].as_array().unwrap() {
        let of_outcome = format!(
            "{of_alice} AND outcome = '{}'",
            outcome["outcome"].as_str().unwrap()
        );
        assert_eq!(
            outcome["count"],
            app.attempts_where(&of_outcome),
            "{outcome}"
        );
    }
    assert_eq!(
        (
            &told["mailings"]["total"],
            &told["recipients"],
            &told["unique_recipients"]
        ),
        (&json!(1), &json!(5), &json!(5))
    );
    let of_mailing = app
        .get(&alice, &format!("/mailings/{hers}/stats"))
        .expect(200);
    assert_eq!(
        (
            &of_mailing["attempts"],
            &of_mailing["runs"],
            &of_mailing["recipients"]
        ),
        (&totals(all, ok), &json!(1), &json!(5))
    );
    let lines = app.get(&manager, "/stats/mailings").expect(200);
    let line = |n: usize| {
        (
            lines["items"][n]["mailing_id"].clone(),
            lines["items"][n]["attempts"].clone(),
        )
    };
    assert_eq!(
        (line(0), line(1)),
        ((json!(hers), totals(all, ok)), (json!(his), totals(1, 1)))
    );

    let everybodys = stats(&app, &manager, "");
    assert_eq!(
        (
            &everybodys["attempts"],
            &everybodys["recipients"],
            &everybodys["unique_recipients"]
        ),
        (&totals(all + 1, ok + 1), &json!(6), &json!(5))
    );
    assert_eq!(
        stats(&app, &manager, &format!("owner_id={}", bob.id))["attempts"],
        totals(1, 1)
    );
}

#[test]
fn a_run_refused_for_1900_of_2000_says_so() {
    let mut server = ScriptedServer::start();
    for n in 101..=2000 {
        server = server.on(
            &format!("r{n}@example.org"),
            Rule::refuse(550, "5.1.1 no such user"),
        );
    }
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 2000);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    // This many refusals pause the run: it has to be resumed each time.
    while app.state(&alice, mailing).1 == "recipients_refused" {
        app.act(&alice, mailing, "resume");
        app.tick();
    }
    let told = stats(&app, &alice, "");
    assert_eq!(
        (&told["attempts"], &told["messages_sent"]),
        (
            &json!({"total": 2000, "ok": 100, "failed": 1900}),
            &json!(100)
        )
    );
    let of_mailing = app
        .get(&alice, &format!("/mailings/{mailing}/stats"))
        .expect(200);
    assert_eq!(of_mailing["attempts"], told["attempts"]);
    let counts = &app.last_run(&alice, mailing)["counts"];
    assert_eq!(
        (&counts["accepted"], &counts["rejected"]),
        (&json!(100), &json!(1900))
    );
    assert_tallied(&mut app.sql());
}

#[test]
fn table_chart_and_file_agree() {
    let server = ScriptedServer::start().on("r2@example.org", Rule::refuse(550, "5.1.1 gone"));
    let app = TestApp::sending_through(&server);
    let (alice, bob) = (app.alice(), app.bob());
    for owner in [&alice, &bob] {
        app.recipients(owner, 3);
        app.mailing(owner, &json!({"recurrence": "daily"}));
    }
    for _ in 0..3 {
        app.tick();
        app.wait(TimeDelta::days(1));
    }
    let sql = app.attempts_where(&format!("owner_id = {}", alice.id));
    let told = stats(&app, &alice, "");
    let by_day: i64 = busy_days(&told).iter().map(|(_, total)| total).sum();
    let file = app.get(&alice, "/stats.csv");
    assert_eq!(
        (
            busy_days(&told).len(),
            told["by_day"].as_array().unwrap().len()
        ),
        (3, 30)
    );
    assert_eq!(file.rows().len(), 31);
    assert_eq!(
        (&told["attempts"]["total"], by_day, file.sum_of("total")),
        (&json!(sql), sql, sql)
    );
    let failed = app.attempts_where(&format!(
        "owner_id = {} AND outcome <> 'accepted'",
        alice.id
    ));
    let mailings = app.get(&alice, "/stats/mailings.csv");
    assert_eq!(
        (
            &told["attempts"]["failed"],
            file.sum_of("failed"),
            mailings.sum_of("failed")
        ),
        (&json!(failed), failed, failed)
    );
    let lines = app.get(&alice, "/stats/mailings").expect(200);
    assert_eq!(
        (
            &lines["total"],
            &lines["items"][0]["attempts"],
            &lines["items"][0]["runs"]
        ),
        (&json!(1), &told["attempts"], &json!(3))
    );
}

#[test]
fn days_are_those_of_the_zone_also_where_they_have_25_hours() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "friend@example.org");
    app.mailing(&alice, &json!({}));
    app.tick();
    app.attempts_at(&[
        "2026-10-24T21:59:59Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T22:59:59.999Z",
        "2026-10-25T23:00:00Z",
    ]);
    let october = "from=2026-10-23T22:00:00Z&to=2026-10-26T23:00:00Z";
    let of_zone =
        |zone: &str| busy_days(&stats(&app, &alice, &format!("{october}&time_zone={zone}")));
    let days = |days: [(&str, i64); 3]| days.map(|(day, total)| (day.to_owned(), total));
    assert_eq!(
        of_zone("Europe/Berlin"),
        days([("2026-10-24", 1), ("2026-10-25", 2), ("2026-10-26", 1)])
    );
    assert_eq!(
        of_zone("UTC"),
        [("2026-10-24".to_owned(), 2), ("2026-10-25".to_owned(), 2)]
    );
    assert_eq!(
        of_zone("Asia/Kathmandu"),
        [("2026-10-25".to_owned(), 2), ("2026-10-26".to_owned(), 2)]
    );
}

#[test]
fn a_period_is_counted_by_whole_quarters_of_an_hour() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipient(&alice, "friend@example.org");
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    let of = |filter: &str| {
        let told = stats(&app, &alice, filter);
        (
            told["from"].clone(),
            told["to"].clone(),
            told["attempts"]["total"].clone(),
        )
    };
    assert_eq!(
        of("from=2026-05-01T10:07:00Z&to=2026-05-01T10:08:00Z"),
        (
            json!("2026-05-01T10:00:00Z"),
            json!("2026-05-01T10:15:00Z"),
            json!(1)
        )
    );
    assert_eq!(of("to=2026-05-01T10:00:00Z").2, 0);
    assert_eq!(of("from=2026-05-01T10:00:00Z").2, 1);
    app.wait(TimeDelta::days(60));
    assert_eq!(of("").2, 0);
    let since = app
        .get(&alice, &format!("/mailings/{mailing}/stats"))
        .expect(200);
    assert_eq!(
        (&since["from"], &since["attempts"]["total"]),
        (&json!("2026-05-01T10:00:00Z"), &json!(1))
    );
}

#[test]
fn a_period_that_is_none_is_refused_at_its_field() {
    let app = TestApp::start();
    let alice = app.alice();
    for path in [
        "/stats",
        "/stats.csv",
        "/stats/mailings",
        "/stats/mailings.csv",
        "/stats/domains",
    ] {
        let ask = |filter: &str| app.get(&alice, &format!("{path}?{filter}"));
        ask("from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z")
            .expect_invalid("to", "not_after_start");
        ask("from=2025-01-01T00:00:00Z&to=2026-05-01T00:00:00Z")
            .expect_invalid("to", "out_of_range");
        ask("from=9999-01-01T00:00:00Z").expect_invalid("from", "out_of_range");
        ask("time_zone=Europe/Atlantis").expect_invalid("time_zone", "unknown_time_zone");
        ask("owner_id=0").expect_invalid("owner_id", "out_of_range");
        ask("day=1").expect_problem(422, "validation_failed");
    }
    app.get(&alice, "/stats/mailings?sort=name")
        .expect_invalid("sort", "unknown_value");
}

#[test]
fn nobody_sees_anothers_numbers_and_staff_see_all() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let (alice, bob, manager) = (app.alice(), app.bob(), app.manager());
    app.recipients(&alice, 3);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    for path in [
        "/stats",
        "/stats.csv",
        "/stats/mailings",
        "/stats/mailings.csv",
        "/stats/domains",
        "/attempts.csv",
    ] {
        let of_alice = format!("{path}?owner_id={}", alice.id);
        app.get(&bob, &of_alice).expect_problem(403, "forbidden");
        assert_eq!(app.get(&manager, &of_alice).status, 200);
    }
    assert_eq!(stats(&app, &bob, "")["attempts"], totals(0, 0));
    assert_eq!(app.get(&bob, "/stats.csv").sum_of("total"), 0);
    assert_eq!(app.get(&bob, "/stats/mailings").expect(200)["total"], 0);
    assert_eq!(app.get(&bob, "/stats/mailings.csv").rows().len(), 1);
    assert_eq!(
        app.get(&bob, "/stats/domains").expect(200)["items"],
        json!([])
    );
    let of_mailing = format!("/mailings/{mailing}/stats");
    app.get(&bob, &of_mailing).expect_problem(404, "not_found");
    assert_eq!(
        app.get(&manager, &of_mailing).expect(200)["attempts"],
        totals(3, 3)
    );
    assert_eq!(stats(&app, &manager, "")["attempts"], totals(3, 3));
}

#[test]
fn what_a_deleted_mailing_sent_still_counts() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 3);
    let mailing = app.mailing(&alice, &json!({}));
    app.tick();
    assert_eq!(
        app.delete(&alice, &format!("/mailings/{mailing}")).status,
        204
    );
    let told = stats(&app, &alice, "");
    assert_eq!(
        (&told["mailings"]["total"], &told["attempts"]["ok"]),
        (&json!(0), &json!(3))
    );
    let line = app.get(&alice, "/stats/mailings").expect(200)["items"][0].clone();
    assert_eq!(
        (
            &line["deleted"],
            &line["recipients"],
            &line["messages_sent"],
            &line["subject"]
        ),
        (
            &json!(true),
            &json!(3),
            &json!(3),
            &json!("News for {{ full_name }}")
        )
    );
}

#[test]
fn attempts_made_before_there_were_tallies_are_counted_too() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    app.recipients(&alice, 3);
    app.mailing(&alice, &json!({}));
    app.tick();
    let mut conn = app.sql();
    conn.batch_execute(include_str!(
        "../../migrations/2026-11-21-000020_create_tallies/down.sql"
    ))
    .unwrap();
    conn.batch_execute(include_str!(
        "../../migrations/2026-11-21-000020_create_tallies/up.sql"
    ))
    .unwrap();
    assert_tallied(&mut conn);
    assert_eq!(stats(&app, &alice, "")["attempts"], totals(3, 3));
}

#[test]
fn the_slowest_domain_comes_first() {
    let server = ScriptedServer::start().on("b@slow.example", Rule::refuse(550, "5.1.1 gone"));
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    for email in ["a@quick.example", "b@slow.example", "c@SLOW.example"] {
        app.recipient(&alice, email);
    }
    app.mailing(&alice, &json!({}));
    app.tick();
    app.sql()
        .batch_execute(
            "UPDATE attempts SET duration_ms = CASE WHEN email LIKE '%quick%' THEN 5 ELSE 700 END
             FROM deliveries d WHERE d.recipient_id = attempts.recipient_id",
        )
        .unwrap();
    for person in [&alice, &app.manager()] {
        let domains = app.get(person, "/stats/domains").expect(200);
        assert_eq!(
            domains["items"],
            json!([{"domain": "slow.example", "attempts": 2, "failed": 1, "duration_ms": 700},
                   {"domain": "quick.example", "attempts": 1, "failed": 0, "duration_ms": 5}])
        );
    }
}

#[test]
fn mailings_are_sorted_and_paged() {
    let server = ScriptedServer::start();
    let app = TestApp::sending_through(&server);
    let alice = app.alice();
    let mailings: Vec<i64> = (1..=3)
        .map(|n| {
            app.recipient(&alice, &format!("r{n}@example.org"));
            app.mailing(&alice, &json!({}))
        })
        .collect();
    app.tick();
    let listed = |filter: &str| {
        let page = app
            .get(&alice, &format!("/stats/mailings?{filter}"))
            .expect(200);
        assert_eq!(page["total"], 3);
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|line| line["mailing_id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let backwards: Vec<i64> = mailings.iter().rev().copied().collect();
    assert_eq!(
        (listed("sort=attempts"), listed("")),
        (mailings.clone(), backwards)
    );
    assert_eq!(
        listed("sort=messages_sent&per_page=2&page=2"),
        mailings[2..]
    );
    assert_eq!(listed("page=1000000"), [0_i64; 0]);
    for sort in ["failed", "-failed", "runs", "-runs", "-messages_sent"] {
        assert_eq!(listed(&format!("sort={sort}")).len(), 3);
    }
}
