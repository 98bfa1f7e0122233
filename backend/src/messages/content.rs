//! A message as a whole: whether it can be mailed, what it looks like to somebody, how it begins. Pure.

use crate::http::error::FieldError;
use crate::mail::plain_text;
use crate::mail::render::{Mistake, Person, Rendered, Template};
use crate::text::with_paired_directions;

/// As many characters of a message as a list shows.
const EXCERPT: usize = 160;

/// Reads a message; all mistakes are named with their fields.
pub fn check(subject: &str, html: &str, text: &str) -> Result<Template, Vec<FieldError>> {
    if html.trim().is_empty() && text.trim().is_empty() {
        let missing = "Write something in at least one of html and text.";
        return Err(vec![FieldError::new("html", "required", missing)]);
    }
    Template::parse(subject, html, text)
        .map_err(|mistakes| mistakes.into_iter().map(field_error).collect())
}

/// The message as this person would get it.
pub fn preview(template: &Template, person: &Person<'_>) -> Result<Rendered, Vec<FieldError>> {
    template
        .render(person)
        .map_err(|mistake| vec![field_error(mistake)])
}

fn field_error(mistake: Mistake) -> FieldError {
    FieldError::new(mistake.field, "invalid_template", mistake.message)
}

/// How a message begins, on one line, from the first part of its text or HTML.
pub fn excerpt(beginning: &str, is_html: bool) -> String {
    let text = if is_html {
        plain_text::of_html(beginning)
    } else {
        beginning.to_owned()
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    with_paired_directions(match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default().trim_end()),
        None => line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_of_what_is_read() {
        assert_eq!(excerpt("Hello,\r\n\r\n  world", false), "Hello, world");
        assert_eq!(
            excerpt("<style>p{}</style><p>Hello,<p>world <im", true),
            "Hello, world"
        );
        let long = excerpt(&"ёж ".repeat(200), false);
        assert_eq!(
            (long.chars().count(), long.chars().last()),
            (EXCERPT + 1, Some('…'))
        );
    }
}
