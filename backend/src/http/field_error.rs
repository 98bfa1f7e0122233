//! What is wrong with one field of a request.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with one field of a request. `code` is stable, `message` is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, dotted where it is nested: `recipients.ids`.
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
}
