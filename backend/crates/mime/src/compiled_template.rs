//! A body whose template contains only plain placeholders, encoded once with slots for their values. Copying it costs a
//! tenth of rendering the template and encoding the result. Pure.

use std::fmt::Write as _;
use std::mem;
use std::ops::Range;

use minijinja::HtmlEscape;
use percent_encoding::utf8_percent_encode;

use super::placeholder_values::PlaceholderValues;
use super::placeholders::IN_QUERY;
use super::text_template::between_tags;
use super::transfer::{BodyKind, append_quoted_headers, quoted_line, quoted_printable};

/// A body in quoted-printable, including its headers, with slots.
#[derive(Debug)]
pub(super) struct CompiledTemplate {
    segments: Vec<Segment>,
    /// Whether values are escaped for HTML.
    is_html: bool,
}

/// Encoded text and the slot after it.
#[derive(Debug)]
struct Segment {
    fixed: Vec<u8>,
    slot: Option<Slot>,
}

/// Where a value is inserted, and how it is encoded.
#[derive(Debug, Clone, Copy)]
struct Slot {
    placeholder: Placeholder,
    /// Whether it is in the query of a link.
    is_percent_encoded: bool,
    /// Column at which it starts in its line.
    column: usize,
}

/// The placeholders of messages.
#[derive(Debug, Clone, Copy)]
enum Placeholder {
    Email,
    FullName,
    UnsubscribeUrl,
    ViewUrl,
}

/// A line break that is not part of the text.
const SOFT_BREAK: &[u8] = b"=\r\n";

impl Placeholder {
    /// The placeholder with this name.
    fn of(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "full_name" => Some(Self::FullName),
            "unsubscribe_url" => Some(Self::UnsubscribeUrl),
            "view_url" => Some(Self::ViewUrl),
            _ => None,
        }
    }

    fn value<'a>(self, values: &PlaceholderValues<'a>) -> &'a str {
        match self {
            Self::Email => values.email,
            Self::FullName => values.full_name,
            Self::UnsubscribeUrl => values.unsubscribe_url,
            Self::ViewUrl => values.view_url,
        }
    }

    /// Whether this value is escaped in HTML. The slashes of a link are kept, so that it is recognized as one.
    fn is_escaped(self, value: &str) -> bool {
        let is_link = matches!(self, Self::UnsubscribeUrl | Self::ViewUrl);
        value.contains(['&', '<', '>', '"', '\'']) || (!is_link && value.contains('/'))
    }
}

impl Slot {
    /// The name in a tag that consists only of a name, percent-encoded or not.
    fn of(tag: &str, column: usize) -> Option<Self> {
        let inner = tag.strip_prefix("{{")?.strip_suffix("}}")?;
        let (name, is_percent_encoded) = match inner.split_once('|') {
            None => (inner, false),
            Some((name, filter)) if filter.trim() == "urlencode" => (name, true),
            Some(_) => return None,
        };
        Some(Self {
            placeholder: Placeholder::of(name.trim())?,
            is_percent_encoded,
            column,
        })
    }
}

impl CompiledTemplate {
    /// Compiles a template with these tags; `None` if one of them is more than a placeholder.
    pub(super) fn of(kind: BodyKind, source: &str, tags: &[Range<usize>]) -> Option<Self> {
        if tags.is_empty() {
            return None;
        }
        let mut segments = Vec::with_capacity(tags.len() + 1);
        let (mut fixed, mut behind) = (Vec::new(), 0);
        append_quoted_headers(kind, &mut fixed);
        for tag in tags {
            let text = between_tags(source.get(behind..tag.start)?)?;
            if behind > 0 && !text.starts_with(['\r', '\n']) {
                // The length of the value before this is unknown.
                fixed.extend_from_slice(SOFT_BREAK);
            }
            quoted_printable(text, &mut fixed);
            let line = fixed.iter().rev().take_while(|byte| **byte != b'\n');
            let slot = Slot::of(source.get(tag.clone())?, line.count())?;
            segments.push(Segment {
                fixed: mem::take(&mut fixed),
                slot: Some(slot),
            });
            behind = tag.end;
        }
        let text = between_tags(source.get(behind..)?)?;
        if !text.is_empty() && !text.starts_with(['\r', '\n']) {
            fixed.extend_from_slice(SOFT_BREAK);
        }
        quoted_printable(text, &mut fixed);
        segments.push(Segment { fixed, slot: None });
        Some(Self {
            segments,
            is_html: matches!(kind, BodyKind::Html),
        })
    }

    /// Appends the body with these values.
    pub(super) fn fill(&self, values: &PlaceholderValues<'_>, out: &mut Vec<u8>) {
        let mut escaped = String::new();
        for Segment { fixed, slot } in &self.segments {
            out.extend_from_slice(fixed);
            let Some(slot) = slot else { continue };
            let value = slot.placeholder.value(values);
            escaped.clear();
            // Writing to a String is infallible.
            if slot.is_percent_encoded {
                escaped.extend(utf8_percent_encode(value, IN_QUERY));
            } else if self.is_html && slot.placeholder.is_escaped(value) {
                let _ = write!(escaped, "{}", HtmlEscape(value));
            } else {
                quoted_line(value.as_bytes(), slot.column, out);
                continue;
            }
            quoted_line(escaped.as_bytes(), slot.column, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::placeholder_values::in_html;
    use crate::placeholders::{environment, tags};

    fn decoded(sent: &str) -> String {
        for line in sent.split("\r\n") {
            assert!(line.len() <= 76 && line.is_ascii(), "{line}");
            assert!(!line.ends_with([' ', '\t']), "{line}|");
        }
        let mut decoded = Vec::new();
        let mut bytes = sent.replace("=\r\n", "").into_bytes().into_iter();
        while let Some(byte) = bytes.next() {
            let digits = (byte == b'=').then(|| [bytes.next().unwrap(), bytes.next().unwrap()]);
            decoded.push(digits.map_or(byte, |pair| {
                u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
            }));
        }
        String::from_utf8(decoded).unwrap()
    }

    #[test]
    fn what_does_more_than_name_a_placeholder_has_no_frame() {
        for source in [
            "nothing",
            "{{ full_name | upper }}",
            "{% if full_name %}{{ full_name }}{% endif %}",
            "{{- email }}",
            "{{ email }}{% raw %}{{ x }}{% endraw %}",
        ] {
            assert!(
                CompiledTemplate::of(BodyKind::Html, source, &tags(source).unwrap()).is_none(),
                "{source}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_filled_frame_is_what_the_template_makes(
            source in "(a|b|ж| |=|\\.|&|\n|[a-z]{30}|\\{\\{ full_name \\}\\}|\\{\\{email\\}\\}|\\{\\{ email \\| urlencode \\}\\}|\\{\\{ view_url\\|urlencode\\}\\}|\\{#|\\{\\{view_url\\}\\}|\\{\\{ unsubscribe_url \\}\\}){0,30}",
            full_name in "[a-zж<&\"'/ ]{0,90}", email in "[a-z@.]{0,90}", link in "[a-z:/#=&'_-]{0,120}",
        ) {
            let tags = tags(&source).unwrap();
            let person = PlaceholderValues { email: &email, full_name: &full_name, unsubscribe_url: "https://example.org/x#y", view_url: &link };
            for (kind, name) in [(BodyKind::Html, "html"), (BodyKind::Plain, "text")] {
                let Some(frame) = CompiledTemplate::of(kind, &source, &tags) else { continue };
                let mut environment = environment();
                environment.add_template_owned(name, source.clone()).unwrap();
                let template = environment.get_template(name).unwrap();
                let wanted = template.render(minijinja::context! {
                    email => &email, full_name => &full_name,
                    unsubscribe_url => in_html(person.unsubscribe_url), view_url => in_html(&link),
                }).unwrap();
                let mut sent = Vec::new();
                frame.fill(&person, &mut sent);
                let sent = String::from_utf8(sent).unwrap();
                let (_, body) = sent.split_once("\r\n\r\n").unwrap();
                prop_assert_eq!(decoded(body), wanted.replace('\n', "\r\n"));
            }
        }
    }
}
