//! Undoes changes made by programs: editors that percent-encode the braces in a link, or prepend `http://` to a link
//! that already has a scheme. Also percent-encodes placeholders in the query of a link. The stored message is not
//! changed. Pure.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::{Captures, Regex};

use super::markup::{Markup, masked};
use super::pattern::pattern;
use super::placeholders::NAMES;
use super::urls::has_query;

/// A placeholder with some characters percent-encoded, once or several times.
pub(super) static ENCODED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)(?:%(?:25){0,3}7B|\{){2}([^"'<>{}\r\n]{1,100}?)(?:%(?:25){0,3}7D|\}){2}"#)
});
/// Maximum number of times that programs passing on a link encode it.
const MAX_ENCODED: usize = 4;
/// What cannot precede a link that begins with its scheme.
static DOUBLED_SCHEME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:https?:/{0,2}[ \t]*|(=[ \t]*["']?)//)(\{\{[-+]?\s*(?:unsubscribe_url|view_url)(?-u:\b))"#,
    )
});
static ENCODES: LazyLock<Regex> = LazyLock::new(|| pattern(r"\|\s*urlencode\b"));

/// An edited text with a mapping to the bytes of the original.
#[derive(Debug)]
pub(super) struct Edited<'s> {
    pub(super) text: Cow<'s, str>,
    /// The edits of each round, the last first: the replaced range and its replacement.
    rounds: Vec<Vec<(Range<usize>, Range<usize>)>>,
}

impl<'s> Edited<'s> {
    fn new(source: &'s str) -> Self {
        Self {
            text: Cow::Borrowed(source),
            rounds: Vec::new(),
        }
    }

    /// Replaces matches for which `by` returns a replacement.
    fn replace(mut self, regex: &Regex, by: impl Fn(&Captures<'_>) -> Option<String>) -> Self {
        let edits: Vec<_> = regex
            .captures_iter(&self.text)
            .filter_map(|found| Some((found.get(0)?.range(), by(&found)?)))
            .collect();
        if edits.is_empty() {
            return self;
        }
        let text = applied(&self.text, &edits);
        let (mut shift, mut round) = (0, Vec::new());
        for (old, new) in edits {
            let start = old.start.saturating_add_signed(shift);
            shift += new.len().cast_signed() - old.len().cast_signed();
            round.push((old, start..start + new.len()));
        }
        self.rounds.insert(0, round);
        self.text = Cow::Owned(text);
        self
    }

    /// The position of this byte in the original.
    pub(super) fn original(&self, offset: usize) -> usize {
        self.rounds.iter().fold(offset, |offset, round| {
            let last = round.iter().rev().find(|(_, new)| new.start <= offset);
            match last {
                Some((old, new)) if offset < new.end => old.start,
                Some((old, new)) => old.end + (offset - new.end),
                None => offset,
            }
        })
    }
}

/// The text with these edits, which are in order.
pub(super) fn applied(text: &str, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (range, by) in edits {
        out.push_str(text.get(end..range.start).unwrap_or_default());
        out.push_str(by);
        end = range.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// A subject or a plain text with corrections.
pub(super) fn in_text(source: &str) -> Edited<'_> {
    without_doubled_schemes(Edited::new(source))
}

/// HTML with corrections.
pub(super) fn in_html(source: &str) -> Edited<'_> {
    let decoded = Edited::new(source).replace(&ENCODED, |found| {
        let name = decoded(found)?;
        let known = NAMES.iter().any(|known| {
            let rest = name.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '|']))
        });
        known.then(|| format!("{{{{ {name} }}}}"))
    });
    without_doubled_schemes(decoded)
}

/// The decoded content between the braces; `None` if nothing is encoded.
pub(super) fn decoded(found: &Captures<'_>) -> Option<String> {
    let (whole, inner) = (found.get(0)?.as_str(), found.get(1)?.as_str());
    if !whole.contains('%') {
        return None;
    }
    let mut inner = inner.to_owned();
    for _ in 0..MAX_ENCODED {
        inner = percent_decode_str(&inner).decode_utf8().ok()?.into_owned();
    }
    let blank = |c: char| c.is_whitespace() || c == '+';
    Some(inner.trim_matches(blank).to_owned())
}

fn without_doubled_schemes(edited: Edited<'_>) -> Edited<'_> {
    edited.replace(&DOUBLED_SCHEME, |found| {
        let part = |index| found.get(index).map_or("", |part| part.as_str());
        Some([part(1), part(2)].concat())
    })
}

/// HTML as it is mailed: values in queries of links are percent-encoded, and a charset other than the mail's is
/// removed. `tags` are those of this HTML.
pub(super) fn as_mailed<'h>(html: &'h str, tags: &[Range<usize>]) -> Cow<'h, str> {
    let markup = Markup::of(html, tags);
    let encoded = in_queries(html, tags, &markup).filter_map(|tag| {
        let encoded = encoded(html.get(tag.clone())?)?;
        Some((tag, encoded))
    });
    let dropped = markup.foreign_charsets.iter();
    let dropped = dropped.map(|meta| (meta.clone(), String::new()));
    let mut edits: Vec<_> = encoded.chain(dropped).collect();
    if edits.is_empty() {
        return Cow::Borrowed(html);
    }
    edits.sort_by_key(|(range, _)| range.start);
    Cow::Owned(applied(html, &edits))
}

/// The tags in the query or the fragment of a link.
fn in_queries<'a>(
    html: &'a str,
    tags: &'a [Range<usize>],
    markup: &'a Markup,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let masked = masked(html, tags);
    tags_in(tags, &markup.addresses)
        .filter(move |(tag, address)| masked.get(address.start..tag.start).is_some_and(has_query))
        .map(|(tag, _)| tag)
}

/// The tags within these URLs, each with its URL.
pub(super) fn tags_in<'a>(
    tags: &'a [Range<usize>],
    addresses: &'a [Range<usize>],
) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + 'a {
    tags.iter().filter_map(|tag| {
        let behind = addresses.partition_point(|address| address.start <= tag.start);
        let address = addresses.get(behind.checked_sub(1)?)?;
        (tag.end <= address.end).then(|| (tag.clone(), address.clone()))
    })
}

/// The tag with its value percent-encoded; `None` where it is already, or has no value.
pub(super) fn encoded(tag: &str) -> Option<String> {
    let inner = tag.strip_prefix("{{")?.strip_suffix("}}")?;
    if ENCODES.is_match(inner) {
        return None;
    }
    let sign = |sign: Option<char>| sign.filter(|c| matches!(c, '-' | '+'));
    let (before, behind) = (sign(inner.chars().next()), sign(inner.chars().last()));
    let inner = inner.trim_matches(['-', '+']).trim();
    let value = if NAMES.contains(&inner) {
        inner.to_owned()
    } else {
        format!("({inner})")
    };
    let sign = |sign: Option<char>| sign.map(String::from).unwrap_or_default();
    Some(format!(
        "{{{{{} {value} | urlencode {}}}}}",
        sign(before),
        sign(behind)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placeholders::tags;

    #[test]
    fn a_link_that_an_editor_has_changed_is_understood() {
        for (written, meant) in [
            (
                "<a href='http://{{ unsubscribe_url }}'>",
                "<a href='{{ unsubscribe_url }}'>",
            ),
            (
                "<a href=\"HTTPS://{{unsubscribe_url}}\">",
                "<a href=\"{{unsubscribe_url}}\">",
            ),
            (
                "<a href=\"//{{ view_url }}\">",
                "<a href=\"{{ view_url }}\">",
            ),
            (
                "<a href='%7B%7B%20unsubscribe_url%20%7D%7D'>",
                "<a href='{{ unsubscribe_url }}'>",
            ),
            (
                "<a href='http://%7b%7bview_url%7d%7d'>",
                "<a href='{{ view_url }}'>",
            ),
            (
                "<a href='{{%20unsubscribe_url%20}}'>",
                "<a href='{{ unsubscribe_url }}'>",
            ),
            ("<a href='%7B%7B+email+%7D%7D'>", "<a href='{{ email }}'>"),
            (
                "<a href='%257B%257B%2520unsubscribe_url%2520%257D%257D'>",
                "<a href='{{ unsubscribe_url }}'>",
            ),
            (
                "<a href='%25257b%25257bview_url%25257d%25257d'>",
                "<a href='{{ view_url }}'>",
            ),
            (
                "?n=%7B%7B%20full_name%20%7C%20upper%20%7D%7D",
                "?n={{ full_name | upper }}",
            ),
            ("?q=%7B%7B%20other%20%7D%7D", "?q=%7B%7B%20other%20%7D%7D"),
            ("http://{{ email }}", "http://{{ email }}"),
            ("ж {{ unsubscribe_url }}", "ж {{ unsubscribe_url }}"),
        ] {
            assert_eq!(in_html(written).text, meant);
        }
        assert_eq!(in_text("http://{{ view_url }}").text, "{{ view_url }}");
    }

    #[test]
    fn a_place_is_that_of_the_original() {
        let source = "ж http://%7B%7Bview_url%7D%7D! http://{{ view_url }}? end";
        let edited = in_html(source);
        for what in ["ж", "!", "?", "end"] {
            let found = edited.text.find(what).unwrap();
            assert_eq!(edited.original(found), source.find(what).unwrap(), "{what}");
        }
    }

    #[test]
    fn only_what_stands_in_a_query_is_encoded_and_only_once() {
        for (written, mailed) in [
            (
                "<a href='/x?e={{ email }}'>",
                "<a href='/x?e={{ email | urlencode }}'>",
            ),
            (
                "<a href='/x?e={{- email ~ 'a' -}}'>",
                "<a href='/x?e={{- (email ~ 'a') | urlencode -}}'>",
            ),
            (
                "<a href='/x?e={{ email | urlencode }}'>",
                "<a href='/x?e={{ email | urlencode }}'>",
            ),
            (
                "<a href='/x#{{ email }}'>",
                "<a href='/x#{{ email | urlencode }}'>",
            ),
            (
                "<a href='/{{ email }}'>?{{ email }}",
                "<a href='/{{ email }}'>?{{ email }}",
            ),
            ("<a href='{{ view_url }}'>", "<a href='{{ view_url }}'>"),
            ("<a title='?{{ email }}'>", "<a title='?{{ email }}'>"),
            (
                "<a href='?{% if email %}e={{ email }}{% endif %}'>",
                "<a href='?{% if email %}e={{ email | urlencode }}{% endif %}'>",
            ),
            ("a<meta charset=koi8-r>b{{ email }}", "ab{{ email }}"),
        ] {
            assert_eq!(as_mailed(written, &tags(written).unwrap()), mailed);
        }
    }
}
