//! A mistake in one field of a request, and how much an answer says of mistakes.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

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
}

impl FieldError {
    /// An error of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }

    /// As an answer shows it.
    pub(super) fn cut(self) -> Self {
        Self {
            field: cut(self.field, MAX_FIELD),
            message: cut(self.message, MAX_MESSAGE),
            code: self.code,
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
