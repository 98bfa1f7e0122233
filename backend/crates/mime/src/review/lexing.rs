//! Lexes the tags of a template up to the first one that cannot be read, and explains what is wrong with it.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};

use super::raw_finding::RawFinding;
use crate::finding::FindingKind as Kind;
use crate::near_miss;
use crate::placeholders::{MAX_TAG_TOKENS, MAX_TAGS, offset, syntax};

/// A tag and its tokens, each with its position in the source.
pub(super) struct LexedTag<'s> {
    pub(super) range: Range<usize>,
    pub(super) source: &'s str,
    pub(super) is_statement: bool,
    pub(super) tokens: Vec<(Token<'s>, Range<usize>)>,
}

/// The tags up to the first one that cannot be read.
pub(super) struct Lexed<'s> {
    pub(super) tags: Vec<LexedTag<'s>>,
    pub(super) mistake: Option<RawFinding>,
}

pub(super) fn lexed(source: &str) -> Lexed<'_> {
    let (mut tags, mut open, mut end) = (Vec::new(), None::<LexedTag<'_>>, 0);
    let mut mistake = None;
    for token in tokenize(source, false, syntax()) {
        let Ok((token, span)) = token else {
            mistake = Some(unreadable_at(source, open.as_ref(), end));
            open = None;
            break;
        };
        let range = offset(span.start_offset)..offset(span.end_offset);
        end = range.end;
        match token {
            Token::TemplateData(_) => {}
            Token::VariableStart | Token::BlockStart => {
                open = Some(LexedTag {
                    range,
                    source: "",
                    is_statement: matches!(token, Token::BlockStart),
                    tokens: Vec::new(),
                });
            }
            Token::VariableEnd | Token::BlockEnd => {
                if let Some(mut tag) = open.take() {
                    tag.range.end = end;
                    tag.source = source.get(tag.range.clone()).unwrap_or_default();
                    tags.push(tag);
                }
            }
            token => {
                if let Some(tag) = &mut open {
                    tag.tokens.push((token, range));
                }
            }
        }
        let too_long = open
            .as_ref()
            .is_some_and(|tag| tag.tokens.len() > MAX_TAG_TOKENS);
        if too_long || tags.len() > MAX_TAGS {
            break;
        }
    }
    if let Some(tag) = open {
        mistake = Some(unfinished(source, &tag));
    } else if tags.len() > MAX_TAGS {
        let text = format!("More than {MAX_TAGS} placeholders are not allowed");
        mistake = tags
            .last()
            .map(|tag| RawFinding::new(Kind::TooLong, tag.range.clone(), text));
    }
    Lexed { tags, mistake }
}

/// A tag that is not closed, or is too long.
fn unfinished(source: &str, tag: &LexedTag<'_>) -> RawFinding {
    let rest = source.get(tag.range.end..).unwrap_or_default();
    let ends = rest.find("}}").or_else(|| rest.find("%}"));
    let ends_by_itself = ends.is_some_and(|end| rest.find("{{").is_none_or(|next| end < next));
    if tag.tokens.len() > MAX_TAG_TOKENS && ends_by_itself {
        let text = "This placeholder is too long";
        return RawFinding::new(Kind::TooLong, tag.range.start..source.len(), text);
    }
    not_closed(source, tag)
}

/// What the lexer could not read after this byte.
fn unreadable_at(source: &str, open: Option<&LexedTag<'_>>, end: usize) -> RawFinding {
    let Some(tag) = open else {
        return RawFinding::new(Kind::NotClosed, end..source.len(), "{% raw %}");
    };
    if closes_with_one_brace(source, tag) {
        return not_closed(source, tag);
    }
    let rest = source.get(end..).unwrap_or_default();
    let at = end + rest.len() - rest.trim_ascii_start().len();
    let Some(character) = source.get(at..).and_then(|rest| rest.chars().next()) else {
        return not_closed(source, tag);
    };
    let range = at..at + character.len_utf8();
    match character {
        c if is_invisible(c) => RawFinding::new(
            Kind::InvisibleCharacter,
            range,
            format!("U+{:04X}", u32::from(c)),
        ),
        '\'' | '"' => not_closed(source, tag),
        '&' => RawFinding::new(Kind::MarkupInside, range, shown(source, tag)),
        c => RawFinding::new(Kind::UnexpectedCharacter, range, c),
    }
    .suggest(meant(source, tag))
}

/// An invisible character, or one that only looks like a space.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2000}'..='\u{200a}'
        | '\u{202a}'..='\u{202f}' | '\u{205f}'..='\u{2069}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
        || c.is_control()
}

fn not_closed(source: &str, tag: &LexedTag<'_>) -> RawFinding {
    let range = tag.range.start..source.len();
    RawFinding::new(Kind::NotClosed, range, shown(source, tag)).suggest(meant(source, tag))
}

/// `{{ full_name }`: a missing brace.
fn closes_with_one_brace(source: &str, tag: &LexedTag<'_>) -> bool {
    let inner = source.get(tag.range.end..).unwrap_or_default();
    let rest = inner
        .find(['}', '{', '\'', '"'])
        .and_then(|at| inner.get(at..));
    rest.is_some_and(|rest| rest.starts_with('}') && !rest.starts_with("}}"))
}

/// The tag up to its end or the end of its line, truncated.
fn shown<'s>(source: &'s str, tag: &LexedTag<'_>) -> &'s str {
    const MAX_SHOWN: usize = 300;
    let rest = source.get(tag.range.start..).unwrap_or_default();
    let rest = rest
        .get(..rest.floor_char_boundary(MAX_SHOWN))
        .unwrap_or(rest);
    let end = rest.find("}}").map(|end| end + 2);
    let end = end.or_else(|| rest.find(['\n', '\r']));
    rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest)
}

/// The placeholder that was meant by the first word of this tag.
pub(super) fn meant(source: &str, tag: &LexedTag<'_>) -> Option<&'static str> {
    without_markup(shown(source, tag))
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
        .filter(|word| !word.is_empty())
        .find_map(near_miss::placeholder)
}

/// Without elements, entities and invisible characters.
fn without_markup(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for c in text
        .replace("&nbsp;", " ")
        .chars()
        .filter(|c| !is_invisible(*c))
    {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

impl<'s> LexedTag<'s> {
    /// The expression; `None` in `{% else %}` and `{% endif %}`.
    pub(super) fn expression(&self) -> Option<&'s str> {
        let first = usize::from(self.is_statement);
        let (_, start) = self.tokens.get(first)?;
        let (_, end) = self.tokens.last()?;
        let base = self.range.start;
        self.source.get(start.start - base..end.end - base)
    }
}
