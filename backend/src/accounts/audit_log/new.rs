//! An entry to be written to the audit log. It never contains passwords or tokens.

use super::model::{EventKind, EventSubject, SubjectKind};
use crate::accounts::identity::Origin;
use crate::core::text::{is_control_or_break, with_paired_directions};

/// Maximum length of the name of a subject: the longest e-mail address.
const MAX_NAME: usize = 254;
/// Maximum length of the details: two e-mail addresses and a separator.
const MAX_DETAILS: usize = 600;

impl Origin {
    /// An entry about an action with this origin.
    pub fn event(self, kind: EventKind) -> NewEvent {
        NewEvent {
            kind,
            origin: self,
            subject: None,
            details: None,
        }
    }
}

/// A new entry.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub(super) kind: EventKind,
    pub(super) origin: Origin,
    pub(super) subject: Option<EventSubject>,
    pub(super) details: Option<String>,
}

impl NewEvent {
    /// Sets the subject and its name.
    #[must_use]
    pub fn about(self, kind: SubjectKind, id: i64, name: &str) -> Self {
        let subject = EventSubject {
            kind,
            id,
            name: line(name, MAX_NAME),
        };
        Self {
            subject: Some(subject),
            ..self
        }
    }

    /// Sets further details.
    #[must_use]
    pub fn with_details(self, details: &str) -> Self {
        Self {
            details: Some(line(details, MAX_DETAILS)),
            ..self
        }
    }
}

/// The beginning of a text, without line breaks, control characters and unbalanced direction controls, since much of
/// it is untrusted.
fn line(text: &str, max: usize) -> String {
    let line = text.chars().filter(|c| !is_control_or_break(*c));
    with_paired_directions(line.take(max).collect())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn untrusted_text_is_reduced_to_a_single_short_line() {
        let origin = Origin::service(DateTime::UNIX_EPOCH);
        let event = origin
            .event(EventKind::SignInFailed)
            .about(SubjectKind::User, 1, &"й".repeat(300))
            .with_details("\u{202E}a\r\nb\0\u{2028}\u{1b}[2Jc");
        assert_eq!(event.details.unwrap(), "ab[2Jc");
        assert_eq!(event.subject.unwrap().name.chars().count(), MAX_NAME);
    }
}
