//! The values that the placeholders of a message have for one recipient.

use minijinja::{Value, context};

/// The values of the placeholders of the same names.
#[derive(Debug, Clone, Copy)]
pub struct PlaceholderValues<'a> {
    pub email: &'a str,
    pub full_name: &'a str,
    /// May be empty for a template that does not show it ; so may the other link.
    pub unsubscribe_url: &'a str,
    pub view_url: &'a str,
}

/// With and without a name: rendering with both finds errors that the source does not show.
pub(super) const SAMPLES: [PlaceholderValues<'_>; 2] = [
    PlaceholderValues {
        email: "ada@example.org",
        full_name: "Ada Lovelace",
        unsubscribe_url: SAMPLE_LINK,
        view_url: SAMPLE_LINK,
    },
    PlaceholderValues {
        email: "ada@example.org",
        full_name: "",
        unsubscribe_url: SAMPLE_LINK,
        view_url: SAMPLE_LINK,
    },
];
const SAMPLE_LINK: &str = "https://example.org/page#example";

/// The values of the placeholders.
pub(super) fn values(person: &PlaceholderValues<'_>) -> Value {
    context! {
        email => person.email,
        full_name => person.full_name,
        unsubscribe_url => in_html(person.unsubscribe_url),
        view_url => in_html(person.view_url),
    }
}

/// A link in HTML, escaped only where necessary. minijinja would also escape every slash, as phishing mails do.
pub(super) fn in_html(link: &str) -> Value {
    if link.contains(['&', '<', '>', '"', '\'']) {
        Value::from(link)
    } else {
        Value::from_safe_string(link.to_owned())
    }
}
