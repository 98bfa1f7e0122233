//! What a review of a message finds, and how it is said.

use super::place::Place;
use super::placeholders::{FILTERS, NAMES};
use super::render::{Mistake, NO_SUBJECT};
use crate::named::named;

named! {
    /// What is wrong with a template, or looks as if it were.
    pub enum FindingKind {
        /// No placeholder has this name.
        UnknownPlaceholder = "unknown_placeholder",
        /// No filter has this name.
        UnknownFilter = "unknown_filter",
        /// `{% … %}` does something else than to choose.
        UnknownStatement = "unknown_statement",
        /// An operator, a call or an argument that messages do not have.
        NotAvailable = "not_available",
        /// A character that no placeholder has.
        UnexpectedCharacter = "unexpected_character",
        /// The same, and it cannot be seen.
        InvisibleCharacter = "invisible_character",
        /// HTML inside or between the braces.
        MarkupInside = "markup_inside",
        /// A placeholder or `{% if %}` without its end.
        NotClosed = "not_closed",
        /// `{% endif %}`, `{% else %}` or `{% elif %}` without `{% if %}`.
        NotOpened = "not_opened",
        /// Three braces.
        TooManyBraces = "too_many_braces",
        /// Braces or letters of a placeholder are percent-encoded.
        PercentEncoded = "percent_encoded",
        /// The link leads nowhere with what stands before or behind it.
        DeadLink = "dead_link",
        /// The filter changes a link.
        ChangedLink = "changed_link",
        /// Too much of something, or filled in it becomes too long.
        TooLong = "too_long",
        /// Anything else.
        Invalid = "invalid",
        /// It looks like a placeholder of another program, and is mailed as it stands.
        ForeignSyntax = "foreign_syntax",
        /// Somebody's subject is empty, see `render::NO_SUBJECT`.
        EmptySubject = "empty_subject",
    }
}

/// What is wrong with one field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub field: &'static str,
    pub kind: FindingKind,
    /// `None` where the whole is wrong.
    pub place: Option<Place>,
    /// What stands there.
    pub found: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// All that is found in a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// With these it is not saved.
    pub mistakes: Vec<Finding>,
    /// With these it is.
    pub warnings: Vec<Finding>,
}

impl From<Mistake> for Finding {
    fn from(mistake: Mistake) -> Self {
        Self {
            field: mistake.field,
            kind: FindingKind::Invalid,
            place: None,
            found: mistake.message,
            suggestion: None,
        }
    }
}

impl Finding {
    /// Somebody's subject is empty once it is filled in.
    pub fn empty_subject() -> Self {
        Self {
            field: "subject",
            kind: FindingKind::EmptySubject,
            place: None,
            found: NO_SUBJECT.to_owned(),
            suggestion: None,
        }
    }

    /// In a sentence or two.
    pub fn message(&self) -> String {
        let said = self.said();
        match self.place {
            Some(Place { line, column }) => format!("Line {line}, column {column}: {said}"),
            None => said,
        }
    }

    fn said(&self) -> String {
        use FindingKind as Kind;
        let found = &self.found;
        let meant = match (&self.suggestion, self.kind) {
            (Some(name), Kind::UnknownFilter) => format!(" did you mean {name}?"),
            (Some(name), _) => format!(" did you mean {{{{ {name} }}}}?"),
            (None, Kind::UnknownFilter) => format!(" there are {}.", FILTERS.join(", ")),
            (None, Kind::UnknownPlaceholder) => format!(" there are {}.", NAMES.join(", ")),
            (None, _) => String::new(),
        };
        let what = match self.kind {
            Kind::UnknownPlaceholder => format!("There is no {{{{ {found} }}}};"),
            Kind::UnknownFilter => format!("There is no filter “{found}”;"),
            Kind::UnknownStatement => {
                format!("{{% {found} %}} is not available in messages; {{% if %}} is.")
            }
            Kind::NotAvailable => format!("“{found}” is not available in messages."),
            Kind::UnexpectedCharacter => format!("“{found}” cannot stand in a placeholder."),
            Kind::InvisibleCharacter => {
                format!("The invisible character {found} stands in a placeholder; remove it.")
            }
            Kind::MarkupInside => format!("HTML stands in a placeholder: {found};"),
            Kind::NotClosed => format!("This is not closed: {found};"),
            Kind::NotOpened => format!("{found} has no {{% if %}} before it."),
            Kind::TooManyBraces => format!("A placeholder has two braces on each side: {found};"),
            Kind::PercentEncoded => format!("The braces are percent-encoded: {found};"),
            Kind::DeadLink => format!(
                "The link would lead nowhere: {found}. Nothing may stand before or behind it."
            ),
            Kind::ChangedLink => format!("The filter “{found}” would change the link."),
            Kind::TooLong => format!("{found}."),
            Kind::Invalid => return found.clone(),
            Kind::ForeignSyntax => format!("{found} is no placeholder and is mailed as it stands;"),
            Kind::EmptySubject => {
                format!("For some recipients the subject is empty; they get “{found}”.")
            }
        };
        let what = what.trim_end_matches([';', '.']);
        if meant.is_empty() {
            format!("{what}.")
        } else {
            format!("{what};{meant}")
        }
    }
}
