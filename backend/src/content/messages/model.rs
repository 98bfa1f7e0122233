//! The message and the requests about it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use mime::render::Rendered;
use serde::{Deserialize, Serialize};
use strum::EnumString;
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationError};

use super::content::excerpt;
use crate::accounts::identity::UserRef;
use crate::core::db::owned::owner_email;
use crate::core::db::schema::messages;
use crate::web::error::FieldError;
use crate::web::field::{filled, present, present_trimmed, single_line, trimmed};
use crate::web::list::{Sort, SortKey};

/// The largest body, in bytes of UTF-8.
const MAX_BODY: usize = 1024 * 1024;

/// What is mailed. Subject and bodies may contain `{{ email }}` and `{{ full_name }}`, and two links: `{{ unsubscribe_url }}`,
/// where the reader ends such mails, and `{{ view_url }}`, where a browser shows this one.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = messages)]
pub struct Message {
    #[schema(example = 5, minimum = 1)]
    pub id: i64,
    #[diesel(select_expression = (messages::owner_id, owner_email(messages::owner_id)))]
    pub owner: UserRef,
    #[schema(example = "News for {{ full_name }}")]
    pub subject: String,
    /// Empty: the mail has plain text only.
    #[schema(example = "<p>Hello, {{ full_name | default('friend', true) }}!</p>")]
    pub html: String,
    /// Empty: made from the HTML when it is mailed.
    #[schema(example = "")]
    pub text: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A saved message, and warnings about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedMessage {
    #[serde(flatten)]
    pub message: Message,
    /// The message can be mailed as it is: placeholders of other programs, or subjects that are empty for some
    /// recipients.
    pub warnings: Vec<FieldError>,
}

/// A message as a list shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageSummary {
    #[schema(example = 5, minimum = 1)]
    pub id: i64,
    pub owner: UserRef,
    #[schema(example = "News for {{ full_name }}")]
    pub subject: String,
    /// How the message begins, as plain text.
    #[schema(example = "Hello, {{ full_name }}!", max_length = 161)]
    pub excerpt: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A row of a list: the first part of one body.
#[derive(Debug, Queryable)]
pub struct MessageExcerptRow {
    id: i64,
    owner: UserRef,
    subject: String,
    body: String,
    is_html: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<MessageExcerptRow> for MessageSummary {
    fn from(row: MessageExcerptRow) -> Self {
        Self {
            id: row.id,
            owner: row.owner,
            subject: row.subject,
            excerpt: excerpt(&row.body, row.is_html),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A new message. At least one body must not be blank. In all three fields `{{ email }}` and `{{ full_name }}` are
/// replaced by the recipient's values, with filters (`default`, `upper`, `lower`, `title`, `capitalize`, `trim`,
/// `split`, `first`, `last`, `length`, `urlencode`) and conditions (`{% if … %}`); in HTML the values are escaped, in
/// the query of a link percent-encoded. Anything else between double braces is rejected with `invalid_template`, with
/// its line and column and what was probably meant. A subject that is empty for a recipient is replaced by “(no
/// subject)”.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMessage {
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 200, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "News for {{ full_name }}", min_length = 1, max_length = 200)]
    pub subject: String,
    /// At most 1 MiB of UTF-8.
    #[serde(default)]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "<p>Hello, {{ full_name | default('friend', true) }}!</p>")]
    pub html: String,
    /// At most 1 MiB of UTF-8. Made from the HTML where it is empty.
    #[serde(default)]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "")]
    pub text: String,
}

/// Changes to a message; what is absent stays as it is. The whole must remain a valid message.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateMessage {
    #[serde(deserialize_with = "present_trimmed")]
    #[validate(
        length(max = 200, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(
        example = "More news",
        min_length = 1,
        max_length = 200,
        nullable = false
    )]
    pub subject: Option<String>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "<p>Hello!</p>", nullable = false)]
    pub html: Option<String>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "Hello!", nullable = false)]
    pub text: Option<String>,
}

/// A message that need not be stored, and whom to show it for.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewDraft {
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 200, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "News for {{ full_name }}", min_length = 1, max_length = 200)]
    pub subject: String,
    #[serde(default)]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "<p>Hello, {{ full_name }}!</p>")]
    pub html: String,
    #[serde(default)]
    #[validate(custom(function = "at_most_a_megabyte"))]
    #[schema(example = "")]
    pub text: String,
    /// One of the caller's recipients; absent: the caller.
    #[schema(example = 17, minimum = 1)]
    pub recipient_id: Option<i64>,
}

/// Whom to show a message for.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewMessage {
    /// One of the recipients of the message's owner; absent: the caller.
    #[schema(example = 17, minimum = 1)]
    pub recipient_id: Option<i64>,
}

/// A message as one recipient gets it. The HTML is the author's, as it will be mailed and no safer than that: show it
/// only in a frame with the `sandbox` attribute and without `allow-scripts`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    #[schema(example = "News for Ada Lovelace")]
    pub subject: String,
    #[schema(example = "<p>Hello, Ada Lovelace!</p>")]
    pub html: String,
    #[schema(example = "Hello, Ada Lovelace!")]
    pub text: String,
    /// Warnings about the message, which can be mailed nevertheless.
    pub warnings: Vec<FieldError>,
}

impl Preview {
    /// The mail of one recipient, and warnings about it.
    pub fn new(rendered: Rendered, warnings: Vec<FieldError>) -> Self {
        let Rendered {
            subject,
            html,
            text,
        } = rendered;
        Self {
            subject,
            html,
            text,
            warnings,
        }
    }
}

/// Where to mail a message to see how it arrives.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestMessage {
    /// The caller's own address (also when absent) or that of one of the caller's recipients.
    #[validate(length(max = 254, code = "too_long"))]
    #[schema(example = "ada@example.org", max_length = 254, format = Email)]
    pub email: Option<String>,
}

/// Which messages to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    #[serde(default)]
    #[param(schema_with = Sort::<MessageSortKey>::schema)]
    pub sort: Sort<MessageSortKey>,
    /// Part of the subject, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "news")]
    pub q: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
}

/// What messages can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum MessageSortKey {
    #[default]
    CreatedAt,
    Subject,
}

impl SortKey for MessageSortKey {
    const VALUES: &'static [&'static str] = &["created_at", "-created_at", "subject", "-subject"];
}

fn at_most_a_megabyte(body: &str) -> Result<(), ValidationError> {
    if body.len() <= MAX_BODY {
        Ok(())
    } else {
        Err(ValidationError::new("too_long"))
    }
}
