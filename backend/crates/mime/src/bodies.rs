//! The bodies of a mail: plain text only, or text and HTML as alternatives. What all recipients share is encoded once.

use std::borrow::Cow;

use super::compiled_template::CompiledTemplate;
use super::plain_text;
use super::render::{PlaceholderValues, RenderError, Template, TemplatePart};
use super::transfer::{BodyKind, append_part};

#[derive(Debug)]
pub(super) struct Bodies {
    boundary: String,
    text: Option<Vec<u8>>,
    html: Html,
}

#[derive(Debug)]
enum Html {
    Absent,
    Fixed(Vec<u8>),
    Filled,
}

impl Bodies {
    /// The bodies of a template, delimited by `boundary`.
    pub(super) fn new(template: &Template, boundary: String) -> Self {
        let html = match &template.html {
            TemplatePart::Fixed(html) if html.is_empty() => Html::Absent,
            TemplatePart::Fixed(html) => Html::Fixed(encoded(BodyKind::Html, html)),
            TemplatePart::Filled(..) => Html::Filled,
        };
        let text = match &template.text {
            Some(TemplatePart::Fixed(text)) => Some(encoded(BodyKind::Plain, text)),
            _ => None,
        };
        Self {
            boundary,
            text,
            html,
        }
    }

    /// Whether the bodies are the same for all recipients.
    pub(super) fn are_fixed(&self) -> bool {
        self.text.is_some() && !matches!(self.html, Html::Filled)
    }

    /// The delimiter, if there is more than one body.
    pub(super) fn boundary(&self) -> Option<&str> {
        (!matches!(self.html, Html::Absent)).then_some(self.boundary.as_str())
    }

    /// Appends the plain text, or both bodies with the HTML last (RFC 2046, 5.1.4).
    pub(super) fn append(
        &self,
        template: &Template,
        person: &PlaceholderValues<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        let frame = frame(template);
        let html = match &self.html {
            Html::Absent => {
                self.append_text(template, person, "", out)?;
                // No boundary follows that would use this line break: only add one if the last line lacks it.
                if !out.ends_with(b"\r\n") {
                    out.extend_from_slice(b"\r\n");
                }
                return Ok(());
            }
            Html::Filled if frame.is_none() => template.fill(&template.html, person)?,
            Html::Fixed(_) | Html::Filled => Cow::Borrowed(""),
        };
        let delimit = |out: &mut Vec<u8>, end: &[u8]| {
            out.extend_from_slice(b"--");
            out.extend_from_slice(self.boundary.as_bytes());
            out.extend_from_slice(end);
        };
        delimit(out, b"\r\n");
        self.append_text(template, person, &html, out)?;
        out.extend_from_slice(b"\r\n");
        delimit(out, b"\r\n");
        match (&self.html, frame) {
            (Html::Fixed(part), _) => out.extend_from_slice(part),
            (_, Some(frame)) => frame.fill(person, out),
            (_, None) => append_part(BodyKind::Html, &html, out),
        }
        out.extend_from_slice(b"\r\n");
        delimit(out, b"--\r\n");
        Ok(())
    }

    fn append_text(
        &self,
        template: &Template,
        person: &PlaceholderValues<'_>,
        html: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        match (&self.text, &template.text) {
            (Some(part), _) => out.extend_from_slice(part),
            (None, Some(TemplatePart::Filled(_, Some(frame)))) => frame.fill(person, out),
            (None, Some(part)) => append_part(BodyKind::Plain, &template.fill(part, person)?, out),
            (None, None) => append_part(BodyKind::Plain, &plain_text::of_html(html), out),
        }
        Ok(())
    }
}

/// The compiled HTML, unless the text has to be made from the rendered HTML.
fn frame(template: &Template) -> Option<&CompiledTemplate> {
    match (&template.html, &template.text) {
        (TemplatePart::Filled(_, frame), Some(_)) => frame.as_ref(),
        _ => None,
    }
}

fn encoded(kind: BodyKind, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    append_part(kind, text, &mut out);
    out
}
