//! Locates markup in the HTML of a template, ignoring the content of template tags, such as quotes or angle brackets.
//! Pure.

use std::convert::Infallible;
use std::ops::Range;

use html5gum::Span;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

use crate::html_tokens::tokens;

use super::urls::UrlSyntax;

/// Attributes that contain text for readers.
const LABELS: [&[u8]; 6] = [
    b"alt",
    b"title",
    b"aria-label",
    b"placeholder",
    b"value",
    b"label",
];

/// Positions in a template's HTML, in bytes of its source.
#[derive(Debug, Default)]
pub(super) struct Markup {
    /// The URLs in attributes and style sheets.
    pub(super) addresses: Vec<Range<usize>>,
    /// Values of attributes that contain text for readers.
    pub(super) labels: Vec<Range<usize>>,
    /// `<meta>` elements with a charset other than the mail's.
    pub(super) foreign_charsets: Vec<Range<usize>>,
    /// Start tags and end tags.
    pub(super) elements: Vec<Range<usize>>,
}

impl Markup {
    /// Parses HTML with template tags at these ranges, including conditional comments for Outlook.
    pub(super) fn of(source: &str, tags: &[Range<usize>]) -> Self {
        let mut found = Self::default();
        let masked = masked(source, tags);
        // Comments do not nest: otherwise one without an end would be scanned again at every `<!--` in it.
        for comment in found.read(&masked, 0) {
            let start = comment.start;
            found.read(masked.get(comment).unwrap_or_default(), start);
        }
        found.addresses.sort_by_key(|range| range.start);
        found.elements.sort_by_key(|range| range.start);
        found
    }

    /// Parses HTML starting at this byte of the source; returns its conditional comments.
    fn read(&mut self, html: &str, base: usize) -> Vec<Range<usize>> {
        let (mut comments, mut open) = (Vec::new(), OpenTag::default());
        let mut sheet = None;
        let callback = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
            let range = span.start + base..span.end + base;
            match event {
                CallbackEvent::OpenStartTag { name } => open = OpenTag::at(range.start, name),
                CallbackEvent::AttributeName { name } => open.attribute = name.to_vec(),
                CallbackEvent::AttributeValue { value } => {
                    if let Some(form) = UrlSyntax::of(&open.attribute) {
                        self.add_urls(form, html, span.start..span.end, base);
                    }
                    if LABELS.contains(&&*open.attribute) {
                        self.labels.push(range);
                    }
                    open.note(value);
                }
                CallbackEvent::CloseStartTag { .. } => {
                    sheet = open.is_style.then_some(span.end);
                    let range = open.start..range.end;
                    if open.names_foreign_charset() {
                        self.foreign_charsets.push(range.clone());
                    }
                    self.elements.push(range);
                }
                CallbackEvent::EndTag { .. } => {
                    if let Some(start) = sheet.take() {
                        self.add_urls(UrlSyntax::Css, html, start..span.start, base);
                    }
                    self.elements.push(range);
                }
                CallbackEvent::Comment { value } if value.starts_with(b"[if") => {
                    comments.extend(
                        conditional(html, span).map(|inner| inner.start + base..inner.end + base),
                    );
                }
                _ => {}
            }
            None
        };
        let mut emitter = CallbackEmitter::new(callback);
        // There is no tree builder to switch the tokenizer to raw text after `<style>`.
        emitter.naively_switch_states(true);
        for _never in tokens(html, emitter) {}
        comments
    }

    /// The addresses and the labels, in order.
    pub(super) fn attributes(&self) -> Vec<Range<usize>> {
        let mut all = [&*self.addresses, &*self.labels].concat();
        all.sort_by_key(|range| range.start);
        all
    }

    fn add_urls(&mut self, form: UrlSyntax, html: &str, within: Range<usize>, base: usize) {
        let urls = form.urls(html, within).into_iter();
        self.addresses
            .extend(urls.map(|url| url.start + base..url.end + base));
    }
}

/// The content of a conditional comment: `<!--[if mso]>` … `<![endif]-->`.
fn conditional(html: &str, comment: Span<usize>) -> Option<Range<usize>> {
    let text = html.get(comment.start..comment.end)?;
    let start = comment.start + text.find("]>")? + 2;
    let end = comment.start + text.rfind("<!")?;
    (start < end).then_some(start..end)
}

/// The start tag being parsed.
#[derive(Default)]
struct OpenTag {
    start: usize,
    is_meta: bool,
    is_style: bool,
    attribute: Vec<u8>,
    is_content_type: bool,
    charset: Option<String>,
    content: String,
}

impl OpenTag {
    fn at(start: usize, name: &[u8]) -> Self {
        Self {
            start,
            is_meta: name == b"meta",
            is_style: name == b"style",
            ..Self::default()
        }
    }

    fn note(&mut self, value: &[u8]) {
        if !self.is_meta {
            return;
        }
        let value = String::from_utf8_lossy(value).trim().to_ascii_lowercase();
        match &*self.attribute {
            b"charset" => self.charset = Some(value),
            b"http-equiv" => self.is_content_type = value == "content-type",
            b"content" => self.content = value,
            _ => {}
        }
    }

    fn names_foreign_charset(&self) -> bool {
        let in_content = || {
            let (_, charset) = self.content.split_once("charset")?;
            let charset = charset.trim_start().strip_prefix('=')?;
            Some(charset.trim_matches([' ', '"', '\'', ';']).to_owned())
        };
        let charset = match &self.charset {
            Some(charset) => Some(charset.clone()),
            None if self.is_content_type => in_content(),
            None => None,
        };
        charset.is_some_and(|name| !matches!(&*name, "utf-8" | "utf8"))
    }
}

/// The source with its template tags replaced, byte for byte, by characters without a meaning in HTML.
pub(super) fn masked(source: &str, tags: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(source.len());
    let mut end = 0;
    for tag in tags {
        masked.push_str(source.get(end..tag.start).unwrap_or_default());
        masked.extend(std::iter::repeat_n('x', tag.len()));
        end = tag.end;
    }
    masked.push_str(source.get(end..).unwrap_or_default());
    masked
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::placeholders::tags;

    fn of(source: &str) -> Markup {
        Markup::of(source, &tags(source).unwrap())
    }

    fn texts<'a>(source: &'a str, ranges: &[Range<usize>]) -> Vec<&'a str> {
        ranges.iter().map(|range| &source[range.clone()]).collect()
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let source = "ж<A HREF = \"https://a.example/?e={{ full_name | default(\"x>\") }}\" class='href'>{{ email }}</a>\r\n\
            <img src=pic.png alt=''><a href='&amp;{{ email }}'>\r\n<!--[if mso]><v:rect href=\"ж{{ view_url }}\"><![endif]-->\
            <!-- href='no' --><style>a[href='no'] {} p {background:url('c.png')}</style>\
            <img srcset='{{ view_url | default(\"x, y\") }} 1x, b.png 2x'><p style=\"color:red;background: url({{ email }})\">";
        assert_eq!(
            texts(source, &of(source).addresses),
            [
                "https://a.example/?e={{ full_name | default(\"x>\") }}",
                "pic.png",
                "&amp;{{ email }}",
                "ж{{ view_url }}",
                "c.png",
                "{{ view_url | default(\"x, y\") }}",
                "b.png",
                "{{ email }}"
            ]
        );
    }

    #[test]
    fn comments_that_are_never_ended_are_read_in_no_time() {
        let begun = Instant::now();
        for comment in [
            "<!--[if]>",
            "<!--[if]><a href=x>",
            "<!--[if]><!-->",
            "<![if]>",
        ] {
            of(&comment.repeat(256 * 1024 / comment.len()));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{begun:?}");
    }

    #[test]
    fn only_another_charset_is_foreign() {
        for (meta, foreign) in [
            ("<meta charset=\"windows-1251\">", true),
            ("<META CHARSET = koi8-r />", true),
            (
                "<meta http-equiv='Content-Type' content='text/html; charset=iso-8859-1'>",
                true,
            ),
            (
                "<meta content='text/html;charset = \"cp1251\"' http-equiv=content-type>",
                true,
            ),
            ("<meta charset=utf-8>", false),
            ("<meta charset='UTF8'>", false),
            (
                "<meta http-equiv='Content-Type' content='text/html; charset=UTF-8'>",
                false,
            ),
            ("<meta name=viewport content='charset=koi8-r'>", false),
        ] {
            let source = format!("ж<head>{meta}<title>x</title>");
            let found = of(&source).foreign_charsets;
            let expected = if foreign { vec![meta] } else { Vec::new() };
            assert_eq!(texts(&source, &found), expected);
        }
    }

    #[test]
    fn elements_are_found_from_bracket_to_bracket() {
        let source = "{<b>{ full_name }</b >}<br/>";
        let found = of(source).elements;
        assert_eq!(texts(source, &found), ["<b>", "</b >", "<br/>"]);
    }

    proptest! {
        #[test]
        fn what_is_found_lies_in_the_source(source in "(<|>|a|href=|'|\"|ж|&amp;|\r\n|<!--|-->|\\[if|\\]>|<a |<meta charset=x|</|\0| ){0,40}") {
            let found = Markup::of(&source, &[]);
            for range in found.addresses.iter().chain(&found.elements).chain(&found.foreign_charsets) {
                prop_assert!(source.get(range.clone()).is_some(), "{range:?}");
            }
        }
    }
}
