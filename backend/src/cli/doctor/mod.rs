//! `dispatch doctor`: looks at everything that the service needs, all of it at the same time, each for five seconds at most.
//! What is wrong with one thing hides nothing of the others. Nothing that it does stays, and no secret is told.

mod accounts;
mod database;
mod machine;
mod mail;
mod redis;
mod session;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{AlreadySaid, Failure, say};
use crate::config::{Config, ConfigErrors};

/// How long each examination may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// It works, but not as well or as safely as it could.
    Warn,
    Fail,
}

/// What was seen of one thing, and what to do about it.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Finding],
}

/// Where findings are told as they are made: what is seen before somebody stops answering is not lost.
struct Findings(Sender<Finding>);

/// Looks at one thing.
type Examination = fn(&Config, &Findings);

const EXAMINATIONS: [(&str, Examination); 11] = [
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
pub(super) fn for_people() -> Result<(), Failure> {
    let findings = findings();
    for finding in &findings {
        let state = match finding.state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        say(format_args!(
            "{state}  {:<11} {}",
            finding.check, finding.message
        ))?;
        if let Some(advice) = &finding.advice {
            say(format_args!("                  → {advice}"))?;
        }
    }
    conclude(&findings)
}

/// Prints one JSON document.
pub(super) fn for_machines() -> Result<(), Failure> {
    let findings = findings();
    let report = Report {
        ok: !has_failed(&findings),
        checks: &findings,
    };
    say(serde_json::to_string_pretty(&report)?)?;
    conclude(&findings)
}

fn conclude(findings: &[Finding]) -> Result<(), Failure> {
    if has_failed(findings) {
        Err(AlreadySaid.into())
    } else {
        Ok(())
    }
}

fn has_failed(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.state == State::Fail)
}

fn findings() -> Vec<Finding> {
    match Config::from_env() {
        Ok(config) => examine(&config),
        Err(ConfigErrors(mistakes)) => mistakes
            .into_iter()
            .map(|mistake| Finding {
                check: "settings",
                state: State::Fail,
                message: mistake,
                advice: Some(
                    "set it right in the environment or `.env`; the rest is looked at after that"
                        .to_owned(),
                ),
            })
            .collect(),
    }
}

/// All examinations begin at once; who is not done in time is left behind.
fn examine(config: &Config) -> Vec<Finding> {
    let deadline = Instant::now() + PATIENCE;
    let begun: Vec<_> = EXAMINATIONS
        .into_iter()
        .map(|(name, examine)| (name, begin(config.clone(), examine)))
        .collect();
    let settings = Finding {
        check: "settings",
        state: State::Ok,
        message: "complete and understood".to_owned(),
        advice: None,
    };
    let mut findings = vec![settings];
    for (name, told) in begun {
        collect(name, &told, deadline, &mut findings);
    }
    findings
}

fn begin(config: Config, examine: Examination) -> Receiver<Finding> {
    let (tell, told) = mpsc::channel();
    // If no thread can be had, nothing is told, and that is noticed.
    thread::spawn(move || examine(&config, &Findings(tell)));
    told
}

fn collect(
    name: &'static str,
    told: &Receiver<Finding>,
    deadline: Instant,
    findings: &mut Vec<Finding>,
) {
    let before = findings.len();
    loop {
        match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(finding) => findings.push(finding),
            Err(RecvTimeoutError::Disconnected) if findings.len() > before => return,
            Err(error) => {
                let message = match error {
                    RecvTimeoutError::Timeout => "no answer within 5 s",
                    RecvTimeoutError::Disconnected => "it could not be looked at",
                };
                return findings.push(Finding {
                    check: name,
                    state: State::Fail,
                    message: message.to_owned(),
                    advice: Some(
                        "is it overloaded, or does a firewall swallow what is sent to it?"
                            .to_owned(),
                    ),
                });
            }
        }
    }
}

impl Findings {
    fn ok(&self, check: &'static str, message: impl Into<String>) {
        self.tell(check, State::Ok, (message.into(), None));
    }

    fn warn(&self, check: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.tell(check, State::Warn, (message.into(), Some(advice.into())));
    }

    fn fail(&self, check: &'static str, message: impl Into<String>, advice: impl Into<String>) {
        self.tell(check, State::Fail, (message.into(), Some(advice.into())));
    }

    fn tell(&self, check: &'static str, state: State, words: (String, Option<String>)) {
        let (message, advice) = words;
        // Whoever is late is not heard.
        self.0
            .send(Finding {
                check,
                state,
                message,
                advice,
            })
            .ok();
    }
}

/// Without the secret that stands in an address, whoever repeats it.
fn without_password(text: &str, url: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    match user.split_once(':') {
        Some((_, password)) if !password.is_empty() => text.replace(password, "…"),
        _ => text.to_owned(),
    }
}
