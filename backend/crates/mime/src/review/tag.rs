//! Checks the tags of a template, token by token.

use std::ops::Range;

use minijinja::machinery::Token;

use super::lexing::{LexedTag, meant};
use super::raw_finding::RawFinding;
use crate::finding::FindingKind as Kind;
use crate::near_miss;
use crate::placeholder_values::{SAMPLES, values};
use crate::placeholders::{FILTERS, NAMES, STATEMENTS, environment, explain};

/// Keywords of expressions.
const WORDS: [&str; 11] = [
    "and", "or", "not", "in", "if", "else", "true", "false", "none", "True", "False",
];
/// The number of arguments of each filter that takes any.
const ARGUMENTS: [(&str, usize); 4] = [("default", 2), ("d", 2), ("split", 2), ("trim", 1)];
/// The parameter names of `default`.
const KEYWORDS: [&str; 2] = ["default_value", "boolean"];

/// The first error in a tag.
pub(super) fn mistake(tag: &LexedTag<'_>) -> Option<RawFinding> {
    let shown = |kind| {
        RawFinding::new(kind, tag.range.clone(), tag.source)
            .suggest(meant(tag.source, &tag.at_start()))
    };
    if tag.source.starts_with("{{{") {
        return Some(shown(Kind::TooManyBraces));
    }
    if has_markup(tag) {
        return Some(shown(Kind::MarkupInside));
    }
    if tag.tokens.is_empty() || tag.lacks_condition() {
        let text = format!("{} is empty.", tag.source);
        return Some(RawFinding::new(Kind::Invalid, tag.range.clone(), text));
    }
    (0..tag.tokens.len()).find_map(|at| tag.mistake_at(at))
}

/// `<b>` and `</b>` lex as comparisons.
fn has_markup(tag: &LexedTag<'_>) -> bool {
    let mut tokens = tag.tokens.iter().zip(tag.tokens.iter().skip(1));
    tokens.any(|((first, at), (second, next))| {
        let joined = at.end == next.start;
        joined
            && matches!(first, Token::Lt)
            && matches!(second, Token::Ident(_) | Token::Div)
            && tag
                .tokens
                .iter()
                .any(|(token, range)| matches!(token, Token::Gt) && range.start > next.start)
    })
}

impl<'s> LexedTag<'s> {
    /// As above, with the tag as a source of its own.
    fn at_start(&self) -> LexedTag<'s> {
        LexedTag {
            range: 0..self.source.len(),
            source: self.source,
            is_statement: self.is_statement,
            tokens: Vec::new(),
        }
    }

    /// `{% if %}`
    fn lacks_condition(&self) -> bool {
        let first = self.token(0);
        let asks = matches!(first, Some(Token::Ident("if" | "elif")));
        self.is_statement && asks && self.tokens.len() == 1
    }

    fn token(&self, at: usize) -> Option<&Token<'s>> {
        self.tokens.get(at).map(|(token, _)| token)
    }

    fn before(&self, at: usize) -> Option<&Token<'s>> {
        self.token(at.checked_sub(1)?)
    }

    fn mistake_at(&self, at: usize) -> Option<RawFinding> {
        let (token, range) = self.tokens.get(at)?;
        let unavailable =
            |what: &str| Some(RawFinding::new(Kind::NotAvailable, range.clone(), what));
        match token {
            Token::Ident(name) => self.misnamed(at, name, range),
            Token::Mul | Token::Pow | Token::Plus | Token::Div | Token::FloorDiv | Token::Mod => {
                unavailable(operator(token))
            }
            Token::Minus if !self.is_index(at) => unavailable("-"),
            Token::BraceOpen | Token::Colon => unavailable(operator(token)),
            Token::BracketOpen if !self.is_subscript(at) => unavailable("["),
            Token::Assign if !matches!(self.before(at), Some(Token::Ident(name)) if KEYWORDS.contains(name)) => {
                unavailable("=")
            }
            Token::ParenOpen if self.calls_a_value(at) => unavailable("(…)"),
            _ => None,
        }
    }

    /// In `[-1]`.
    fn is_index(&self, at: usize) -> bool {
        matches!(self.before(at), Some(Token::BracketOpen))
            && matches!(self.token(at + 1), Some(Token::Int(_)))
    }

    /// `[0]` after a value.
    fn is_subscript(&self, at: usize) -> bool {
        let behind_value = matches!(
            self.before(at),
            Some(Token::Ident(_) | Token::ParenClose | Token::BracketClose)
        );
        let number = at + 1 + usize::from(matches!(self.token(at + 1), Some(Token::Minus)));
        behind_value
            && matches!(self.token(number), Some(Token::Int(_)))
            && matches!(self.token(number + 1), Some(Token::BracketClose))
    }

    /// Only filters take arguments.
    fn calls_a_value(&self, at: usize) -> bool {
        match self.before(at) {
            Some(Token::Ident(name)) => {
                let is_filter = at >= 2 && matches!(self.token(at - 2), Some(Token::Pipe));
                let is_keyword =
                    WORDS.contains(name) || (self.is_statement && STATEMENTS.contains(name));
                !is_filter && !is_keyword
            }
            Some(Token::ParenClose | Token::BracketClose | Token::Str(_) | Token::String(_)) => {
                true
            }
            _ => false,
        }
    }

    fn misnamed(&self, at: usize, name: &str, range: &Range<usize>) -> Option<RawFinding> {
        let unavailable =
            |what: &str| Some(RawFinding::new(Kind::NotAvailable, range.clone(), what));
        match self.before(at) {
            None if self.is_statement => (!STATEMENTS.contains(&name)).then(|| {
                let suggestion = near_miss::placeholder(name);
                RawFinding::new(Kind::UnknownStatement, self.range.clone(), name)
                    .suggest(suggestion)
            }),
            Some(Token::Pipe) if !FILTERS.contains(&name) => Some(
                RawFinding::new(Kind::UnknownFilter, range.clone(), name)
                    .suggest(near_miss::filter(name)),
            ),
            Some(Token::Pipe) => self.wrong_arguments(at, name),
            Some(Token::Dot) => unavailable(&format!(".{name}")),
            _ if matches!(self.token(at + 1), Some(Token::Assign)) => (!KEYWORDS.contains(&name))
                .then(|| RawFinding::new(Kind::NotAvailable, range.clone(), name)),
            _ if name == "in"
                && !matches!(self.token(at + 1), Some(Token::Ident(_) | Token::Str(_))) =>
            {
                unavailable("in")
            }
            _ if NAMES.contains(&name) && !matches!(self.token(at + 1), Some(Token::Dot)) => None,
            _ if WORDS.contains(&name) => None,
            _ => {
                let path = self.path(at, name);
                let meant = near_miss::placeholder(&path);
                Some(RawFinding::new(Kind::UnknownPlaceholder, range.clone(), path).suggest(meant))
            }
        }
    }

    /// `contact.name`, `first name` and `first-name` as one word.
    fn path(&self, at: usize, name: &str) -> String {
        let mut end = self.tokens.get(at).map_or(0, |(_, range)| range.end);
        let start = end - name.len();
        for (token, range) in self.tokens.iter().skip(at + 1) {
            match token {
                Token::Ident(word) if WORDS.contains(word) => break,
                Token::Ident(_) => end = range.end,
                Token::Dot | Token::Minus => {}
                _ => break,
            }
        }
        let first = self.range.start;
        let path = self
            .source
            .get(start.saturating_sub(first)..end.saturating_sub(first));
        path.unwrap_or(name).to_owned()
    }

    /// Checks the number and the form of a filter's arguments.
    fn wrong_arguments(&self, at: usize, name: &str) -> Option<RawFinding> {
        if !matches!(self.token(at + 1), Some(Token::ParenOpen)) {
            return None;
        }
        let (mut depth, mut arguments) = (0_usize, 0);
        for (token, range) in self.tokens.iter().skip(at + 1) {
            match token {
                Token::ParenOpen => depth += 1,
                Token::ParenClose => depth = depth.saturating_sub(1),
                Token::Comma if depth == 1 => arguments += 1,
                _ if arguments == 0 => arguments = 1,
                _ => {}
            }
            let most = ARGUMENTS
                .iter()
                .find(|(filter, _)| *filter == name)
                .map_or(0, |(_, most)| *most);
            if arguments > most {
                let found = format!("{name}(…)");
                return Some(RawFinding::new(Kind::NotAvailable, range.clone(), found));
            }
            if depth == 0 {
                break;
            }
        }
        None
    }
}

fn operator(token: &Token<'_>) -> &'static str {
    match token {
        Token::Mul => "*",
        Token::Pow => "**",
        Token::Plus => "+",
        Token::Div => "/",
        Token::FloorDiv => "//",
        Token::Mod => "%",
        Token::Colon => ":",
        _ => "{",
    }
}

/// Reports an unclosed `{% if %}`, and tags that require one before them.
pub(super) fn unbalanced(tags: &[LexedTag<'_>]) -> Vec<RawFinding> {
    let (mut open, mut found) = (Vec::new(), Vec::new());
    for tag in tags.iter().filter(|tag| tag.is_statement) {
        let Some(Token::Ident(name)) = tag.token(0) else {
            continue;
        };
        match (*name, open.last_mut()) {
            ("if", _) => open.push((tag, false)),
            ("endif", Some(_)) => drop(open.pop()),
            ("elif", Some((_, false))) => {}
            ("else", Some((_, closed))) if !*closed => *closed = true,
            ("elif" | "else" | "endif", _) => {
                found.push(RawFinding::new(
                    Kind::NotOpened,
                    tag.range.clone(),
                    tag.source,
                ));
            }
            _ => {}
        }
    }
    let left = open.into_iter();
    found.extend(
        left.map(|(tag, _)| RawFinding::new(Kind::NotClosed, tag.range.clone(), tag.source)),
    );
    found
}

/// A line break in a string would break the subject.
pub(super) fn control_character(tag: &LexedTag<'_>) -> Option<RawFinding> {
    let (_, range) = tag.tokens.iter().find(|(token, _)| match token {
        Token::Str(text) => text.contains(char::is_control),
        Token::String(text) => text.contains(char::is_control),
        _ => false,
    })?;
    let found = "a line break or another control character";
    Some(RawFinding::new(Kind::NotAvailable, range.clone(), found))
}

/// The parser's error for a tag on its own.
pub(super) fn unreadable(tag: &LexedTag<'_>) -> Option<RawFinding> {
    let environment = environment();
    let compiled = environment.compile_expression(tag.expression()?);
    let error = compiled.err()?;
    Some(RawFinding::new(
        Kind::Invalid,
        tag.range.clone(),
        explain(&error),
    ))
}

/// Whether rendering this tag alone fails for some recipient.
pub(super) fn fails(tag: &LexedTag<'_>) -> bool {
    let environment = environment();
    let Some(Ok(compiled)) = tag
        .expression()
        .map(|it| environment.compile_expression(it))
    else {
        return false;
    };
    SAMPLES.iter().any(|person| {
        let value = compiled.eval(values(person));
        // Printing it is an error.
        value.is_err() || value.is_ok_and(|value| !tag.is_statement && value.is_undefined())
    })
}
