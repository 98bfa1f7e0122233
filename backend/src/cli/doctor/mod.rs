//! `dispatch doctor`: checks settings, database, Redis, mail server and machine. The checks run concurrently, for at most
//! five seconds each, and independently of each other. They leave nothing behind and print no secrets.

mod accounts;
mod database;
mod findings;
mod machine;
mod mail;
mod redis;
mod session;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::findings::{CheckResult, CheckState, Findings};
use crate::cli::output::{AlreadyReported, CommandError, print_line};
use crate::config::{Config, ConfigErrors};

/// Time-out of each check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct DoctorReport<'a> {
    ok: bool,
    checks: &'a [CheckResult],
}

type Check = fn(&Config, &Findings);

const CHECKS: [(&str, Check); 11] = [
    ("database", database::examine),
    ("redis", redis::examine),
    ("smtp", mail::examine),
    ("dkim", mail::signature),
    ("keys", machine::keys),
    ("sign-up", accounts::sign_up),
    ("quotas", accounts::quotas),
    ("public-url", machine::public_url),
    ("journal", machine::journal),
    ("frontend", machine::frontend),
    ("files", machine::open_files),
];

/// Prints a line for each finding.
pub(super) fn print_text() -> Result<(), CommandError> {
    let findings = findings();
    for finding in &findings {
        let state = match finding.state {
            CheckState::Ok => "ok  ",
            CheckState::Warn => "warn",
            CheckState::Fail => "FAIL",
        };
        print_line(format_args!(
            "{state}  {:<11} {}",
            finding.check, finding.message
        ))?;
        if let Some(advice) = &finding.advice {
            print_line(format_args!("                  → {advice}"))?;
        }
    }
    conclude(&findings)
}

/// Prints one JSON document.
pub(super) fn print_json() -> Result<(), CommandError> {
    let findings = findings();
    let report = DoctorReport {
        ok: !has_failed(&findings),
        checks: &findings,
    };
    print_line(serde_json::to_string_pretty(&report)?)?;
    conclude(&findings)
}

fn conclude(findings: &[CheckResult]) -> Result<(), CommandError> {
    if has_failed(findings) {
        Err(AlreadyReported.into())
    } else {
        Ok(())
    }
}

fn has_failed(findings: &[CheckResult]) -> bool {
    findings
        .iter()
        .any(|finding| finding.state == CheckState::Fail)
}

fn findings() -> Vec<CheckResult> {
    match Config::from_env() {
        Ok(config) => run_checks(&config),
        Err(ConfigErrors(mistakes)) => mistakes
            .into_iter()
            .map(|mistake| CheckResult {
                check: "settings",
                state: CheckState::Fail,
                message: mistake,
                advice: Some(
                    "correct it in the environment or `.env`; the other checks run after that"
                        .to_owned(),
                ),
            })
            .collect(),
    }
}

/// Runs all checks concurrently; those that exceed the time-out are reported as failed.
fn run_checks(config: &Config) -> Vec<CheckResult> {
    let deadline = Instant::now() + CHECK_TIMEOUT;
    let started: Vec<_> = CHECKS
        .into_iter()
        .map(|(name, check)| (name, start(config.clone(), check)))
        .collect();
    let settings = CheckResult {
        check: "settings",
        state: CheckState::Ok,
        message: "complete and valid".to_owned(),
        advice: None,
    };
    let mut findings = vec![settings];
    for (name, results) in started {
        collect(name, &results, deadline, &mut findings);
    }
    findings
}

fn start(config: Config, check: Check) -> Receiver<CheckResult> {
    let (sender, results) = mpsc::channel();
    thread::spawn(move || check(&config, &Findings::new(sender)));
    results
}

fn collect(
    name: &'static str,
    results: &Receiver<CheckResult>,
    deadline: Instant,
    findings: &mut Vec<CheckResult>,
) {
    let before = findings.len();
    loop {
        match results.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(finding) => findings.push(finding),
            Err(RecvTimeoutError::Disconnected) if findings.len() > before => return,
            Err(error) => {
                let message = match error {
                    RecvTimeoutError::Timeout => "no answer within 5 s",
                    RecvTimeoutError::Disconnected => "the check failed unexpectedly",
                };
                return findings.push(CheckResult {
                    check: name,
                    state: CheckState::Fail,
                    message: message.to_owned(),
                    advice: Some(
                        "is it overloaded, or does a firewall drop the packets?".to_owned(),
                    ),
                });
            }
        }
    }
}
