//! Results of the checks.

use std::sync::mpsc::Sender;

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CheckState {
    Ok,
    /// Works, but not as well or as securely as possible.
    Warn,
    Fail,
}

/// A result, and advice what to do about it.
#[derive(Debug, Serialize)]
pub(super) struct CheckResult {
    pub(super) check: &'static str,
    pub(super) state: CheckState,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

/// Receives results as they are found: those from before a time-out are kept.
pub(super) struct Findings(Sender<CheckResult>);

impl Findings {
    pub(super) fn new(results: Sender<CheckResult>) -> Self {
        Self(results)
    }

    pub(super) fn ok(&self, check: &'static str, message: impl Into<String>) {
        self.add(CheckResult {
            check,
            state: CheckState::Ok,
            message: message.into(),
            advice: None,
        });
    }

    pub(super) fn warn(
        &self,
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(CheckResult {
            check,
            state: CheckState::Warn,
            message: message.into(),
            advice: Some(advice.into()),
        });
    }

    pub(super) fn fail(
        &self,
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(CheckResult {
            check,
            state: CheckState::Fail,
            message: message.into(),
            advice: Some(advice.into()),
        });
    }

    fn add(&self, result: CheckResult) {
        // Results after the time-out are dropped.
        self.0.send(result).ok();
    }
}

/// The text without the password of the URL.
pub(super) fn without_password(text: &str, url: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    match user.split_once(':') {
        Some((_, password)) if !password.is_empty() => text.replace(password, "…"),
        _ => text.to_owned(),
    }
}
