//! Finds broken links: with text before or after the URL, or changed by a filter.

use std::ops::Range;

use minijinja::machinery::Token;

use super::Found;
use super::lexing::Tag;
use crate::mail::finding::FindingKind as Kind;
use crate::mail::markup::Markup;
use crate::mail::placeholders::LINKS;
use crate::mail::understood::tags_in;

/// Filters that leave a URL unchanged, or make it part of another.
const HARMLESS: [&str; 4] = ["default", "d", "trim", "urlencode"];

/// The broken links.
pub(super) fn dead(source: &str, tags: &[Tag<'_>], markup: &Markup, field: &str) -> Vec<Found> {
    let links = || tags.iter().filter(|tag| is_link(tag));
    let mut found: Vec<_> = links().filter_map(changed).collect();
    if field == "html" {
        let ranges: Vec<_> = links().map(|tag| tag.range.clone()).collect();
        found.extend(
            tags_in(&ranges, &markup.addresses).filter_map(|(tag, address)| {
                let chooses = tags
                    .iter()
                    .any(|other| other.is_statement && address.contains(&other.range.start));
                (!chooses)
                    .then(|| in_address(source, tag, address))
                    .flatten()
            }),
        );
    } else {
        found.extend(links().filter_map(|tag| in_text(source, tag.range.clone())));
    }
    found
}

/// `{{ unsubscribe_url }}`, with or without filters.
fn is_link(tag: &Tag<'_>) -> bool {
    let first = tag.tokens.first().map(|(token, _)| token);
    let placeholder = |name: &str| LINKS.iter().any(|link| link.placeholder() == name);
    !tag.is_statement && matches!(first, Some(Token::Ident(name)) if placeholder(name))
}

fn changed(tag: &Tag<'_>) -> Option<Found> {
    let mut pairs = tag.tokens.iter().zip(tag.tokens.iter().skip(1));
    pairs.find_map(|((before, _), (token, range))| match (before, token) {
        (Token::Pipe, Token::Ident(name)) if !HARMLESS.contains(name) => {
            Some(Found::new(Kind::ChangedLink, range.clone(), *name))
        }
        _ => None,
    })
}

/// A URL starts and ends with the link, or contains it in its query.
fn in_address(source: &str, tag: Range<usize>, address: Range<usize>) -> Option<Found> {
    let before = source.get(address.start..tag.start)?.trim_start();
    let behind = source.get(tag.end..address.end)?.trim_end();
    let fits = if before.is_empty() {
        behind.is_empty()
    } else {
        before.contains(['?', '#'])
    };
    let whole = source.get(address).unwrap_or_default();
    (!fits).then(|| Found::new(Kind::DeadLink, tag, whole))
}

/// In plain text a link starts after a space or bracket, and ends before one or at the end of a sentence.
fn in_text(source: &str, tag: Range<usize>) -> Option<Found> {
    let (head, rest) = (source.get(..tag.start)?, source.get(tag.end..)?);
    let before = head.chars().next_back();
    let mut following = rest.chars();
    let behind = following.next();
    let next = following.next();
    let joins_before = |c: char| c.is_alphanumeric() || matches!(c, '/' | '@' | '_' | '-');
    let joins_behind =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '&' | '=' | '#' | '_' | '-' | '%');
    // At the end of a sentence, but not inside a URL.
    let ends = |c: char| matches!(c, '?' | '.' | ',' | ':' | ';' | '!' | '+' | '~' | '*' | '$');
    let is_dead = before.is_some_and(joins_before)
        || behind.is_some_and(joins_behind)
        || (behind.is_some_and(ends) && next.is_some_and(char::is_alphanumeric))
        || head.ends_with("}}")
        || rest.starts_with("{{");
    is_dead.then(|| {
        let parts = [
            before.map(String::from),
            source.get(tag.clone()).map(String::from),
            behind.map(String::from),
        ];
        Found::new(
            Kind::DeadLink,
            tag,
            parts.into_iter().flatten().collect::<String>(),
        )
    })
}
