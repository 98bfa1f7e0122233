//! An error in one field of a request, and limits on the errors in a response.

use std::borrow::Cow;

use mime::finding::FindingKind;
use serde::Serialize;
use utoipa::ToSchema;

/// Maximum number of errors in a response.
pub(super) const MAX_ERRORS: usize = 20;
/// Maximum number of characters in a field's path, an error message and a detail. Longer ones are due to the request.
pub(super) const MAX_FIELD: usize = 200;
pub(super) const MAX_MESSAGE: usize = 500;

/// What is wrong with one field of a request. `code` is stable, `message` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, dotted where it is nested: `recipients.ids`. Truncated to 200 characters.
    #[schema(example = "email")]
    pub field: String,
    #[schema(example = "invalid_email", value_type = String)]
    pub code: Cow<'static, str>,
    #[schema(example = "This is not an e-mail address.")]
    pub message: String,
    /// For `invalid_template` and warnings: the position, and the probable intention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Box<TemplateDetails>>,
}

/// What is wrong in the subject or body of a message, in parts, for clients that build their own messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TemplateDetails {
    pub kind: FindingKind,
    /// Line, starting at 1; `null` if the error has no single position.
    #[schema(example = 3)]
    pub line: Option<usize>,
    /// Column in characters, starting at 1.
    #[schema(example = 7)]
    pub column: Option<usize>,
    /// The text at this position.
    #[schema(example = "first_name")]
    pub found: String,
    /// The placeholder or filter that was probably meant.
    #[schema(example = "full_name")]
    pub suggestion: Option<String>,
}

impl FieldError {
    /// An error in `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
            template: None,
        }
    }

    /// As above, with the position in a template.
    #[must_use]
    pub fn with_template(self, details: TemplateDetails) -> Self {
        Self {
            template: Some(Box::new(details)),
            ..self
        }
    }

    /// The form in which it is sent in a response.
    pub(super) fn cut(self) -> Self {
        Self {
            field: cut(self.field, MAX_FIELD),
            message: cut(self.message, MAX_MESSAGE),
            code: self.code,
            template: self.template,
        }
    }
}

/// The text, truncated with an ellipsis if necessary.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.push('…');
    }
    text
}
