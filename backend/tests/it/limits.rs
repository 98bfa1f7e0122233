//! How often one may try to come in, counted in this process and in Redis.

use std::net::Ipv6Addr;
use std::time::Instant;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::support::accounts::PASSWORD;
use crate::support::answer::Answer;
use crate::support::app::TestApp;
use crate::support::people::Person;

#[expect(
    clippy::disallowed_methods,
    reason = "the tests are told where Redis is by their environment"
)]
fn redis_url() -> String {
    std::env::var("REDIS_URL").expect("REDIS_URL names a Redis for tests; `make test` brings one")
}

/// An app behind one proxy that counts as a single process does, and one that counts in Redis.
fn both_apps() -> [TestApp; 2] {
    let settings = [
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("LIMITS", "1"),
        ("TRUSTED_PROXIES", "1"),
    ];
    let redis = redis_url();
    let shared = [&settings[..], &[("REDIS_URL", redis.as_str())]].concat();
    [TestApp::start_with(&settings), TestApp::start_with(&shared)]
}

/// A network that no other test, and no earlier run against the same Redis, comes from.
struct Network(u64);

impl Network {
    fn new() -> Self {
        Self(rand::random::<u64>() | 1)
    }

    fn address(&self, host: u64) -> String {
        Ipv6Addr::from((u128::from(self.0) << 64) | u128::from(host)).to_string()
    }

    /// An account that nobody has.
    fn email(&self, n: u64) -> String {
        format!("user{n}.{}@example.org", self.0)
    }
}

fn sign_in(app: &TestApp, from: &str, email: &str) -> Answer {
    let body = json!({"email": email, "password": "not the password"});
    app.send(
        "POST",
        "/auth/sign-in",
        &[("x-forwarded-for", from.to_owned())],
        Some(&body),
    )
}

#[test]
fn one_address_may_try_to_sign_in_ten_times_a_minute() {
    for app in both_apps() {
        let (network, neighbours) = (Network::new(), Network::new());
        for n in 0..10 {
            // Another host of the same network each time, and an invented hop before the real one.
            let from = format!("6.6.6.{n}, {}", network.address(n));
            sign_in(&app, &from, &network.email(n)).expect_problem(401, "invalid_credentials");
        }
        let refused = sign_in(&app, &network.address(10), &network.email(10));
        assert_eq!(refused.header("retry-after"), "60");
        refused.expect_problem(429, "too_many_requests");
        sign_in(&app, &neighbours.address(0), &network.email(11))
            .expect_problem(401, "invalid_credentials");
        app.wait(TimeDelta::seconds(60));
        sign_in(&app, &network.address(10), &network.email(10))
            .expect_problem(401, "invalid_credentials");
    }
}

#[test]
fn five_sign_ins_a_minute_are_allowed_for_an_account_whether_it_exists_or_not() {
    for app in both_apps() {
        let (known, unknown) = (Network::new(), Network::new());
        app.account(&known.email(0));
        for of in [known, unknown] {
            let email = of.email(0);
            for n in 0..5 {
                let email = if n % 2 == 0 {
                    email.clone()
                } else {
                    email.to_uppercase()
                };
                sign_in(&app, &Network::new().address(0), &email)
                    .expect_problem(401, "invalid_credentials");
            }
            // Also the right password, or the limit would tell when a guess was right.
            let body = json!({"email": email, "password": PASSWORD});
            let refused = app.call("/auth/sign-in", &body);
            assert_eq!(refused.header("retry-after"), "60");
            refused.expect_problem(429, "too_many_requests");
        }
    }
}

#[test]
fn one_address_may_open_five_accounts_an_hour() {
    for app in both_apps() {
        let network = Network::new();
        let sign_up = |host: u64| {
            let body = json!({"email": network.email(host), "password": PASSWORD});
            app.send(
                "POST",
                "/auth/sign-up",
                &[("x-forwarded-for", network.address(host))],
                Some(&body),
            )
        };
        for n in 0..5 {
            sign_up(n).expect(202);
        }
        app.wait(TimeDelta::minutes(59));
        let refused = sign_up(5);
        assert_eq!(refused.header("retry-after"), "60");
        refused.expect_problem(429, "too_many_requests");
        app.wait(TimeDelta::minutes(1));
        sign_up(5).expect(202);
    }
}

#[test]
fn a_link_is_mailed_to_one_address_three_times_an_hour() {
    for app in both_apps() {
        let email = Network::new().email(0);
        let resend = || app.call("/auth/confirm/resend", &json!({"email": email}));
        for _ in 0..3 {
            resend().expect(202);
        }
        let refused = resend();
        assert_eq!(refused.header("retry-after"), "3600");
        refused.expect_problem(429, "too_many_requests");
    }
}

#[test]
fn repeated_sign_ups_mail_an_address_three_times_an_hour_with_the_same_response() {
    for app in both_apps() {
        let email = Network::new().email(0);
        for _ in 0..6 {
            app.sign_up(&email).expect(202);
        }
        let mails = |app: &TestApp| {
            let mails = app.waiting_mails().len();
            app.drop_mails();
            mails
        };
        assert_eq!(mails(&app), 1, "one waits, the others would be the same");
        app.sign_up(&email).expect(202);
        assert_eq!(mails(&app), 0);
        app.wait(TimeDelta::hours(1));
        for mailed in [1, 1, 1, 0] {
            app.sign_up(&email).expect(202);
            assert_eq!(mails(&app), mailed);
        }
    }
}

#[test]
fn one_address_gets_three_links_to_a_new_password_an_hour() {
    for app in both_apps() {
        let known = Network::new().email(0);
        app.account(&known);
        for email in [known, Network::new().email(0)] {
            for _ in 0..3 {
                app.forgot(&email).expect(202);
            }
            let refused = app.forgot(&email.to_uppercase());
            assert_eq!(refused.header("retry-after"), "3600");
            refused.expect_problem(429, "too_many_requests");
        }
    }
}

/// Counts in its own process: users of different tests have the same ids, and in Redis would count together.
fn app_alone() -> TestApp {
    TestApp::start_with(&[("SMTP_URL", "smtp://127.0.0.1:9"), ("LIMITS", "1")])
}

#[test]
fn a_stolen_session_does_not_help_to_guess_the_password() {
    let app = app_alone();
    let ada = app.browser(&Network::new().email(0));
    let guess = json!({"current": "not the password", "new": "a password that is new"});
    let try_once = || app.ask(&ada, "POST", "/me/password", &guess);
    for _ in 0..5 {
        try_once().expect_invalid("current", "wrong_password");
    }
    let refused = try_once();
    assert_eq!(refused.header("retry-after"), "60");
    refused.expect_problem(429, "too_many_requests");
    let change = json!({"email": "ada@example.net", "password": PASSWORD});
    app.ask(&ada, "POST", "/me/email", &change)
        .expect_problem(429, "too_many_requests");
}

#[test]
fn one_user_asks_for_three_new_addresses_an_hour() {
    let (app, network) = (app_alone(), Network::new());
    let ada = app.browser(&network.email(0));
    let ask = |n: u64| {
        let change = json!({"email": network.email(n), "password": PASSWORD});
        app.ask(&ada, "POST", "/me/email", &change)
    };
    for n in 1..4 {
        ask(n).expect(202);
    }
    ask(4).expect_problem(429, "too_many_requests");
}

#[test]
fn one_address_may_follow_600_links_of_mails_a_minute() {
    let wishes = [
        ("GET", "/unsubscribe/unknown"),
        ("POST", "/unsubscribe/unknown"),
        ("DELETE", "/unsubscribe/unknown"),
    ];
    let letters = [("GET", "/letters/unknown")];
    for app in both_apps() {
        let network = Network::new();
        let ask = |(method, path): (&str, &str), host: u64| {
            let from = [("x-forwarded-for", network.address(host))];
            app.send(method, path, &from, None)
        };
        for (kinds, most) in [(&letters[..], 120), (&wishes[..], 600)] {
            for (n, kind) in (0..most).zip(kinds.iter().cycle()) {
                ask(*kind, n).expect_problem(404, "not_found");
            }
            for kind in kinds {
                let refused = ask(*kind, most);
                assert_eq!(refused.header("retry-after"), "60");
                refused.expect_problem(429, "too_many_requests");
            }
        }
        app.wait(TimeDelta::seconds(60));
        ask(wishes[0], 0).expect_problem(404, "not_found");
    }
}

#[test]
fn two_processes_count_together_in_redis() {
    let redis = redis_url();
    let settings = [
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("LIMITS", "1"),
        ("REDIS_URL", redis.as_str()),
    ];
    let apps = [
        TestApp::start_with(&settings),
        TestApp::start_with(&settings),
    ];
    let email = Network::new().email(0);
    let resend = |app: &TestApp| {
        app.call("/auth/confirm/resend", &json!({"email": email}))
            .status
    };
    let statuses = [0, 1, 0, 1].map(|n: usize| resend(&apps[n]));
    assert_eq!(statuses, [202, 202, 202, 429]);
}

#[test]
fn without_redis_each_process_counts_locally_and_requests_are_not_delayed() {
    // A port that nobody listens on, and an address that never answers.
    for redis in ["redis://127.0.0.1:9", "redis://192.0.2.1:6379"] {
        let app = TestApp::start_with(&[
            ("SMTP_URL", "smtp://127.0.0.1:9"),
            ("LIMITS", "1"),
            ("REDIS_URL", redis),
        ]);
        let begun = Instant::now();
        let statuses = [0; 4].map(|_| {
            app.call("/auth/confirm/resend", &json!({"email": "ada@example.org"}))
                .status
        });
        assert_eq!(statuses, [202, 202, 202, 429]);
        assert!(
            begun.elapsed().as_secs() < 2,
            "{redis}: {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_header_does_not_make_another_client_where_no_proxy_is_trusted() {
    let app = TestApp::start_with(&[("SMTP_URL", "smtp://127.0.0.1:9"), ("LIMITS", "1")]);
    let statuses: Vec<_> = (0..11)
        .map(|n| {
            sign_in(
                &app,
                &format!("203.0.113.{n}"),
                &format!("user{n}@example.org"),
            )
            .status
        })
        .collect();
    assert_eq!(statuses[9..], [401, 429]);
}

/// A user whose id no other test, and no earlier run against the same Redis, counts by.
fn somebody(app: &TestApp) -> Person {
    user_of(app, rand::random_range(1_000_000..i64::MAX / 2))
}

fn user_of(app: &TestApp, id: i64) -> Person {
    let next = format!("ALTER TABLE users ALTER COLUMN id RESTART WITH {id}");
    app.sql().batch_execute(&next).unwrap();
    app.person(&format!("user{id}@example.org"), "user")
}

#[test]
fn a_user_may_make_twenty_requests_a_second_in_total() {
    for app in both_apps() {
        let (alice, bob) = (somebody(&app), somebody(&app));
        let ask = |person: &Person, path: &str| {
            let from = ("x-forwarded-for", Network::new().address(0));
            app.send("GET", path, &[person.bearer(), from], None)
        };
        for n in 0..20 {
            let path = if n % 2 == 0 { "/me" } else { "/recipients" };
            ask(&alice, path).expect(200);
        }
        let refused = ask(&alice, "/me");
        assert_eq!(refused.header("retry-after"), "1");
        refused.expect_problem(429, "too_many_requests");
        ask(&bob, "/me").expect(200);
        app.wait(TimeDelta::seconds(1));
        ask(&alice, "/me").expect(200);
    }
}

#[test]
fn an_address_may_make_a_hundred_unauthenticated_requests_a_second() {
    for app in both_apps() {
        let network = Network::new();
        let ask = |token: Option<&str>, path: &str| {
            let from = ("x-forwarded-for", network.address(0));
            let bearer = token.map(|token| ("authorization", format!("Bearer {token}")));
            let headers: Vec<_> = bearer.into_iter().chain([from]).collect();
            app.send("GET", path, &headers, None)
        };
        for n in 0..100 {
            match n % 3 {
                0 => ask(None, "/recipients").expect(401),
                1 => ask(Some("a token of nobody"), "/recipients").expect(401),
                _ => ask(Some("a token of nobody"), "/auth/nothing").expect(404),
            };
        }
        for path in ["/recipients", "/auth/nothing"] {
            let refused = ask(Some("a token of nobody"), path);
            assert_eq!(refused.header("retry-after"), "1");
            refused.expect_problem(429, "too_many_requests");
        }
        // Whoever shares the address and says who they are goes on.
        ask(Some(&somebody(&app).token()), "/me").expect(200);
        app.wait(TimeDelta::seconds(1));
        ask(None, "/recipients").expect(401);
    }
}

#[test]
fn a_percent_encoded_path_is_counted_like_the_plain_one() {
    for path in [
        "/api/v1/art%69cles",
        "/%61pi/v1/articles",
        "/api/v%31/articles",
        "/api/v1/site",
        "/api/v1/%73ite",
    ] {
        let app = app_alone();
        let url = format!("http://{}{path}", app.address);
        let bearer = [("authorization", "Bearer of nothing".to_owned())];
        let ask = |with: usize| app.send_to(&url, "GET", &bearer[..with], None);
        for n in 0..100 {
            ask(n % 2).expect(200);
        }
        for with in [0, 1] {
            ask(with).expect_problem(429, "too_many_requests");
        }
    }
}

#[test]
fn two_processes_count_a_users_requests_together_in_redis() {
    let redis = redis_url();
    let settings = [
        ("SMTP_URL", "smtp://127.0.0.1:9"),
        ("LIMITS", "1"),
        ("REDIS_URL", redis.as_str()),
    ];
    let apps = [
        TestApp::start_with(&settings),
        TestApp::start_with(&settings),
    ];
    let first = somebody(&apps[0]);
    let people = [user_of(&apps[1], first.id), first];
    let statuses: Vec<u16> = (0..40)
        .map(|n: usize| apps[n % 2].get(&people[1 - n % 2], "/me").status)
        .collect();
    // The first five of each are told to Redis with their sixth.
    let taken = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(taken, 20, "{statuses:?}");
}
