//! Finds broken links: with text before or after the URL, or changed by a filter.

use std::ops::Range;

use minijinja::machinery::Token;

use super::branches::{PathStep, follow};
use super::lexing::LexedTag;
use super::raw_finding::RawFinding;
use crate::finding::FindingKind as Kind;
use crate::markup::Markup;
use crate::placeholders::LINKS;
use crate::urls::has_query;

/// Filters that leave a URL unchanged, or make it part of another.
const HARMLESS: [&str; 4] = ["default", "d", "trim", "urlencode"];

/// What stands before some point of a URL, on some path through the conditions in it.
#[derive(Clone, PartialEq)]
enum InAddress {
    Nothing,
    /// A URL without its scheme and host, which leads nowhere from a mail.
    Relative,
    /// Part of a URL without its query.
    Path,
    /// A URL and the beginning of its query or fragment.
    Query,
    /// One of our links, at this position.
    Link(Range<usize>),
}

/// What stands before some point of a text.
#[derive(Clone, PartialEq)]
enum InText {
    /// A space, a bracket or the beginning.
    Apart,
    /// Something that a link would become part of.
    Joined,
    /// One of our links, at this position.
    Link(Range<usize>),
}

/// The broken links.
pub(super) fn dead(
    source: &str,
    tags: &[LexedTag<'_>],
    markup: &Markup,
    field: &str,
) -> Vec<RawFinding> {
    let mut found: Vec<_> = tags
        .iter()
        .filter(|tag| is_link(tag))
        .filter_map(changed)
        .collect();
    if field == "html" {
        for address in &markup.addresses {
            found.extend(in_address(source, tags, address));
        }
    } else {
        found.extend(in_text(source, tags));
    }
    found
}

/// `{{ unsubscribe_url }}`, with or without filters.
fn is_link(tag: &LexedTag<'_>) -> bool {
    let first = tag.tokens.first().map(|(token, _)| token);
    let placeholder = |name: &str| LINKS.iter().any(|link| link.placeholder() == name);
    !tag.is_statement && matches!(first, Some(Token::Ident(name)) if placeholder(name))
}

fn changed(tag: &LexedTag<'_>) -> Option<RawFinding> {
    let mut pairs = tag.tokens.iter().zip(tag.tokens.iter().skip(1));
    pairs.find_map(|((before, _), (token, range))| match (before, token) {
        (Token::Pipe, Token::Ident(name)) if !HARMLESS.contains(name) => {
            Some(RawFinding::new(Kind::ChangedLink, range.clone(), *name))
        }
        _ => None,
    })
}

/// A URL starts and ends with the link, or contains it in its query.
fn in_address(source: &str, tags: &[LexedTag<'_>], address: &Range<usize>) -> Vec<RawFinding> {
    let mut dead = Vec::new();
    follow(
        source,
        address.clone(),
        tags,
        InAddress::Nothing,
        |before, part| match (before, part) {
            (before, PathStep::Text(text)) if text.trim().is_empty() => before,
            (InAddress::Link(link), _) => {
                dead.push(link);
                InAddress::Path
            }
            (InAddress::Nothing, PathStep::Value(tag)) if is_link(tag) => {
                InAddress::Link(tag.range.clone())
            }
            (InAddress::Relative | InAddress::Path, PathStep::Value(tag)) if is_link(tag) => {
                dead.push(tag.range.clone());
                InAddress::Path
            }
            (InAddress::Nothing, PathStep::Text(text)) if !is_absolute(text) => InAddress::Relative,
            (InAddress::Nothing | InAddress::Path, PathStep::Text(text)) if has_query(text) => {
                InAddress::Query
            }
            (InAddress::Nothing, PathStep::Value(_) | PathStep::Text(_)) => InAddress::Path,
            (before, PathStep::Value(_) | PathStep::Text(_)) => before,
        },
    );
    let whole = source.get(address.clone()).unwrap_or_default();
    let found = |link| RawFinding::new(Kind::DeadLink, link, whole);
    dead.into_iter().map(found).collect()
}

/// Whether a URL begins with a scheme or a host.
fn is_absolute(url: &str) -> bool {
    let url = url.trim_start();
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    url.starts_with("//") || scheme.is_some_and(|it| !it.contains(['/', '?', '#']))
}

/// In plain text a link starts after a space or bracket, and ends before one or at the end of a sentence.
fn in_text(source: &str, tags: &[LexedTag<'_>]) -> Vec<RawFinding> {
    let mut dead = Vec::new();
    follow(
        source,
        0..source.len(),
        tags,
        InText::Apart,
        |before, part| match (before, part) {
            (before, PathStep::Text("")) => before,
            (before, PathStep::Text(text)) => {
                if let InText::Link(link) = before
                    && continues(text)
                {
                    dead.push(link);
                }
                if text.ends_with(joins) {
                    InText::Joined
                } else {
                    InText::Apart
                }
            }
            (before, PathStep::Value(tag)) => {
                let link = is_link(tag).then(|| tag.range.clone());
                match (before, link) {
                    (InText::Apart, Some(link)) => InText::Link(link),
                    (InText::Link(before), link) => {
                        dead.extend([Some(before), link].into_iter().flatten());
                        InText::Joined
                    }
                    (_, link) => {
                        dead.extend(link);
                        InText::Joined
                    }
                }
            }
        },
    );
    let found = |link: Range<usize>| {
        let before = source
            .get(..link.start)
            .and_then(|it| it.chars().next_back());
        let behind = source.get(link.end..).and_then(|it| it.chars().next());
        let shown = source.get(link.clone()).unwrap_or_default();
        let parts = [
            before.map(String::from),
            Some(shown.to_owned()),
            behind.map(String::from),
        ];
        let shown: String = parts.into_iter().flatten().collect();
        RawFinding::new(Kind::DeadLink, link, shown)
    };
    dead.into_iter().map(found).collect()
}

/// Whether a link directly after this character would become part of something else.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '/' | '@' | '_' | '-')
}

/// Whether a link directly before this text would become longer.
fn continues(text: &str) -> bool {
    let mut following = text.chars();
    let (first, second) = (following.next(), following.next());
    let joins =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '&' | '=' | '#' | '_' | '-' | '%');
    // At the end of a sentence, but not inside a URL.
    let ends = |c: char| matches!(c, '?' | '.' | ',' | ':' | ';' | '!' | '+' | '~' | '*' | '$');
    first.is_some_and(joins)
        || (first.is_some_and(ends) && second.is_some_and(char::is_alphanumeric))
}
