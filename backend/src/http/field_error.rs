//! A mistake in one field of a request, and how much an answer says of mistakes.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

use crate::mail::finding::FindingKind;

/// As many mistakes are named in an answer, however many a request has.
pub(super) const MAX_MISTAKES: usize = 20;
/// Characters of a field's path, of a message about it and of a detail. What is longer a client has made so.
pub(super) const MAX_FIELD: usize = 200;
pub(super) const MAX_MESSAGE: usize = 500;

/// What is wrong with one field of a request. `code` is stable, `message` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, dotted where it is nested: `recipients.ids`. What is longer than 200 characters is cut.
    #[schema(example = "email")]
    pub field: String,
    #[schema(example = "invalid_email", value_type = String)]
    pub code: Cow<'static, str>,
    #[schema(example = "This is not an e-mail address.")]
    pub message: String,
    /// Of `invalid_template` and of warnings: where it is, and what was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<TemplateDetails>>,
}

/// What is wrong in a message's subject or body, in parts, for programs that say it in their own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateDetails {
    pub kind: FindingKind,
    /// Counts from 1; `null` where no single place is wrong.
    #[schema(example = 3)]
    pub line: Option<usize>,
    /// In characters, from 1.
    #[schema(example = 7)]
    pub column: Option<usize>,
    /// What stands there.
    #[schema(example = "first_name")]
    pub found: String,
    /// The placeholder or filter that was probably meant.
    #[schema(example = "full_name")]
    pub suggestion: Option<String>,
}

impl FieldError {
    /// An error of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
            template: None,
        }
    }

    /// The same, with where it is in a template.
    #[must_use]
    pub fn with_template(self, details: TemplateDetails) -> Self {
        Self {
            template: Some(Box::new(details)),
            ..self
        }
    }

    /// As an answer shows it.
    pub(super) fn cut(self) -> Self {
        Self {
            field: cut(self.field, MAX_FIELD),
            message: cut(self.message, MAX_MESSAGE),
            code: self.code,
            template: self.template,
        }
    }
}

/// The text, or its beginning and a sign that there was more.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}
