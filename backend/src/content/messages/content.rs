//! Validates, previews and excerpts a whole message. Pure.

use mime::finding::Finding;
use mime::plain_text;
use mime::render::{PlaceholderValues, Rendered, Template};
use mime::review;

use crate::core::text::with_paired_directions;
use crate::web::error::FieldError;
use crate::web::field_error::TemplateDetails;

/// As many characters of a message as a list shows.
const EXCERPT: usize = 160;

/// A valid message, and warnings about it.
#[derive(Debug)]
pub struct CheckedMessage {
    pub template: Template,
    pub warnings: Vec<FieldError>,
}

/// Parses a message to be saved; all errors are reported with their fields and positions.
pub fn check(subject: &str, html: &str, text: &str) -> Result<CheckedMessage, Vec<FieldError>> {
    if html.trim().is_empty() && text.trim().is_empty() {
        let missing = "Write something in at least one of html and text.";
        return Err(vec![FieldError::new("html", "required", missing)]);
    }
    let review = review::review(subject, html, text);
    let mistakes = field_errors(review.mistakes, "invalid_template");
    if mistakes.is_empty() {
        let warnings = field_errors(review.warnings, "suspicious_template");
        parse(subject, html, text).map(|template| CheckedMessage { template, warnings })
    } else {
        Err(mistakes)
    }
}

/// Parses a stored message, which may predate current checks: it is mailed as before, with warnings.
pub fn read(subject: &str, html: &str, text: &str) -> Result<CheckedMessage, Vec<FieldError>> {
    let template = parse(subject, html, text)?;
    let review = review::review(subject, html, text);
    let findings = [review.mistakes, review.warnings].concat();
    Ok(CheckedMessage {
        template,
        warnings: field_errors(findings, "suspicious_template"),
    })
}

fn parse(subject: &str, html: &str, text: &str) -> Result<Template, Vec<FieldError>> {
    Template::parse(subject, html, text).map_err(|mistakes| {
        let findings = mistakes.into_iter().map(Finding::from).collect();
        field_errors(findings, "invalid_template")
    })
}

/// The message as this person would get it.
pub fn preview(
    template: &Template,
    person: &PlaceholderValues<'_>,
) -> Result<Rendered, Vec<FieldError>> {
    template
        .render(person)
        .map_err(|mistake| field_errors(vec![mistake.into()], "invalid_template"))
}

/// Warns that the subject is empty for this recipient.
pub fn empty_subject() -> FieldError {
    field_error(Finding::empty_subject(), "suspicious_template")
}

fn field_errors(findings: Vec<Finding>, code: &'static str) -> Vec<FieldError> {
    let errors = findings.into_iter();
    errors.map(|finding| field_error(finding, code)).collect()
}

fn field_error(finding: Finding, code: &'static str) -> FieldError {
    FieldError::new(finding.field, code, finding.message()).with_template(TemplateDetails {
        kind: finding.kind,
        line: finding.place.map(|place| place.line),
        column: finding.place.map(|place| place.column),
        found: finding.found,
        suggestion: finding.suggestion,
    })
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
