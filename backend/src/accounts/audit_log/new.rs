//! An event about to be recorded: what happened, who did it from where, and what it is about. Never a password or a token.

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use super::model::{EventKind, Subject, SubjectKind};
use crate::core::text::{is_control_or_break, with_paired_directions};
use crate::web::client::Client;

/// Whatever a thing is called, so much of it is kept: the longest address.
const LONGEST_NAME: usize = 254;
/// Two addresses and what stands between them.
const LONGEST_DETAILS: usize = 600;

/// Who did it, from where and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    pub(super) actor_id: Option<i64>,
    pub(super) address: Option<IpAddr>,
    pub(super) at: DateTime<Utc>,
}

impl Origin {
    /// The service does it by itself, or is told to on its own machine.
    pub fn service(now: DateTime<Utc>) -> Self {
        Self {
            actor_id: None,
            address: None,
            at: now,
        }
    }

    /// A user, through the API.
    pub fn of(user_id: i64, client: &Client, now: DateTime<Utc>) -> Self {
        Self {
            actor_id: Some(user_id),
            ..Self::stranger(client, now)
        }
    }

    /// Somebody who is not signed in.
    pub fn stranger(client: &Client, now: DateTime<Utc>) -> Self {
        Self {
            actor_id: None,
            address: Some(client.address),
            at: now,
        }
    }

    /// When.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// An event that may need no more words.
    pub fn did(self, kind: EventKind) -> NewEvent {
        NewEvent {
            kind,
            origin: self,
            subject: None,
            details: None,
        }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub(super) kind: EventKind,
    pub(super) origin: Origin,
    pub(super) subject: Option<Subject>,
    pub(super) details: Option<String>,
}

impl NewEvent {
    /// What it is about, and what that is called.
    #[must_use]
    pub fn about(self, kind: SubjectKind, id: i64, name: &str) -> Self {
        let subject = Subject {
            kind,
            id,
            name: line(name, LONGEST_NAME),
        };
        Self {
            subject: Some(subject),
            ..self
        }
    }

    /// More about it.
    #[must_use]
    pub fn with(self, details: &str) -> Self {
        Self {
            details: Some(line(details, LONGEST_DETAILS)),
            ..self
        }
    }
}

/// The beginning of a text, without line breaks, control characters and unbalanced direction controls, since much of
/// it is untrusted.
fn line(text: &str, longest: usize) -> String {
    let line = text.chars().filter(|c| !is_control_or_break(*c));
    with_paired_directions(line.take(longest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_type_fits_into_a_line() {
        let origin = Origin::service(DateTime::UNIX_EPOCH);
        let event = origin
            .did(EventKind::SignInFailed)
            .about(SubjectKind::User, 1, &"й".repeat(300))
            .with("\u{202E}a\r\nb\0\u{2028}\u{1b}[2Jc");
        assert_eq!(event.details.unwrap(), "ab[2Jc");
        assert_eq!(event.subject.unwrap().name.chars().count(), LONGEST_NAME);
    }
}
