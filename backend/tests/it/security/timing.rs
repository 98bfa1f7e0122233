//! How long a refusal to sign in takes. Figures for people to read, no judgement: the machine may be busy.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::support::app::TestApp;

const ROUNDS: usize = 500;
/// As in earnest: the tests' own is quicker.
const COST: u32 = 12;

#[test]
#[ignore = "takes ten minutes and prints figures: cargo test --test it -- --ignored --nocapture refusals_to_sign_in_take"]
fn refusals_to_sign_in_take_the_same_time() {
    let app = TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.auth.password_cost = COST;
    });
    let cases =
        ["unknown", "unconfirmed", "blocked", "wrong"].map(|case| format!("{case}@example.org"));
    for email in &cases[1..] {
        app.account(email);
    }
    let states = "UPDATE users SET confirmed_at = NULL WHERE email LIKE 'unconfirmed@%';
        UPDATE users SET blocked_at = now() WHERE email LIKE 'blocked@%'";
    app.sql().batch_execute(states).unwrap();
    let mut times = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        for turn in 0..cases.len() {
            // Whoever comes first is not always the same.
            let case = (round + turn) % cases.len();
            let begun = Instant::now();
            app.sign_in(&cases[case], "not the password")
                .expect_problem(401, "invalid_credentials");
            times[case].push(begun.elapsed());
        }
    }
    let medians = times.map(median);
    for (email, median) in cases.iter().zip(medians) {
        let (case, _) = email.split_once('@').unwrap();
        let beside = median.as_secs_f64() / medians[3].as_secs_f64();
        writeln!(
            io::stdout(),
            "{case:12} {median:9.3?}  {beside:.3} of a wrong password"
        )
        .unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
