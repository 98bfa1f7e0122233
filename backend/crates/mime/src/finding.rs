//! The findings of a review of a message, and their texts.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::placeholders::{FILTERS, NAMES};
use super::render::{Mistake, NO_SUBJECT};
use super::text_position::TextPosition;

/// The kinds of errors and warnings about a template.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FindingKind {
    /// Unknown placeholder.
    UnknownPlaceholder,
    /// Unknown filter.
    UnknownFilter,
    /// A `{% … %}` statement other than a condition.
    UnknownStatement,
    /// An operator, call or argument that is not supported in messages.
    NotAvailable,
    /// A character that is not allowed in placeholders.
    UnexpectedCharacter,
    /// As above, for an invisible character.
    InvisibleCharacter,
    /// HTML inside or between the braces.
    MarkupInside,
    /// A placeholder or `{% if %}` that is not closed.
    NotClosed,
    /// `{% endif %}`, `{% else %}` or `{% elif %}` without `{% if %}`.
    NotOpened,
    /// Three braces.
    TooManyBraces,
    /// Braces or letters of a placeholder are percent-encoded.
    PercentEncoded,
    /// A link that is broken by the text before or after it.
    DeadLink,
    /// A filter that changes a link.
    ChangedLink,
    /// A limit is exceeded, also after rendering.
    TooLong,
    /// Any other error.
    Invalid,
    /// The syntax of another program's placeholder; mailed as it is.
    ForeignSyntax,
    /// The subject is empty for some recipients, see `render::NO_SUBJECT`.
    EmptySubject,
}

impl FindingKind {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An error or a warning in one field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub field: &'static str,
    pub kind: FindingKind,
    /// `None` if it concerns the whole field.
    pub place: Option<TextPosition>,
    /// The text at this position.
    pub found: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// All findings in a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// Errors prevent the message from being saved.
    pub mistakes: Vec<Finding>,
    /// Warnings do not.
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
    /// The subject is empty after rendering for some recipients.
    pub fn empty_subject() -> Self {
        Self {
            field: "subject",
            kind: FindingKind::EmptySubject,
            place: None,
            found: NO_SUBJECT.to_owned(),
            suggestion: None,
        }
    }

    /// The text of the finding, in one or two sentences.
    pub fn message(&self) -> String {
        let said = self.said();
        match self.place {
            Some(TextPosition { line, column }) => format!("Line {line}, column {column}: {said}"),
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
            Kind::UnexpectedCharacter => format!("“{found}” is not allowed in a placeholder."),
            Kind::InvisibleCharacter => {
                format!("There is an invisible character in a placeholder: {found}. Remove it.")
            }
            Kind::MarkupInside => format!("There is HTML in a placeholder: {found};"),
            Kind::NotClosed => format!("This is not closed: {found};"),
            Kind::NotOpened => format!("{found} has no {{% if %}} before it."),
            Kind::TooManyBraces => format!("A placeholder has two braces on each side: {found};"),
            Kind::PercentEncoded => format!("The braces are percent-encoded: {found};"),
            Kind::DeadLink => format!(
                "The link would be broken: {found}. There must be nothing before or after it."
            ),
            Kind::ChangedLink => format!("The filter “{found}” would change the link."),
            Kind::TooLong => format!("{found}."),
            Kind::Invalid => return found.clone(),
            Kind::ForeignSyntax => format!("{found} is not a placeholder and is mailed as it is;"),
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
