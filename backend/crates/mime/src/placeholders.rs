//! What a message may contain besides plain text: `{{ … }}` and `{% if … %}` with a few values and filters. Anything whose
//! output could be much longer than its source (loops, variables, macros, `*`, `replace`, `join`) is rejected before the
//! template is parsed: fuel limits the number of instructions, not the bytes that an instruction produces.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value, filters};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::bounds::{Filter, OnFailure, SPLITS, add_filter};
use super::links::Link;

/// Placeholders of links.
pub(super) const LINKS: [Link; 2] = [Link::Unsubscribe, Link::View];
/// The names of all placeholders.
pub(super) const NAMES: [&str; 4] = [
    "email",
    "full_name",
    Link::Unsubscribe.placeholder(),
    Link::View.placeholder(),
];
/// Filters whose output is not much longer than their input.
pub(super) const FILTERS: [&str; 12] = [
    "default",
    "d",
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "split",
    "first",
    "last",
    "length",
    "urlencode",
];
pub(super) const STATEMENTS: [&str; 4] = ["if", "elif", "else", "endif"];
/// The nesting depth of the parser grows with the length of a tag, and by one with each `{% elif %}`.
pub(super) const MAX_TAG_TOKENS: usize = 64;
pub(super) const MAX_TAGS: usize = 500;
/// Maximum size of a tag, whose content is available to each of its filters and comparisons.
const MAX_TAG_BYTES: usize = 8 * 1024;
/// Maximum number of joins; each copies the text before it.
const MAX_JOINS: usize = 8;
/// Maximum number of instructions; far more than so few tags need.
const FUEL: u64 = 100_000;

/// Characters left unescaped in the query of a link (RFC 3986, 2.3).
pub(super) const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Only the permitted filters: no functions, no tests, no loading of other templates. Any problem is an error.
pub(super) fn environment<'a>() -> Environment<'a> {
    let mut environment = empty_environment();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for filter in all_filters() {
        add_filter(&mut environment, filter, OnFailure::Fail);
    }
    environment
}

/// As above, for mails: missing values are empty, and a failing filter leaves its value unchanged. No unforeseen name
/// prevents a mail from being sent.
pub(super) fn lenient_environment<'a>() -> Environment<'a> {
    let mut environment = empty_environment();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    for filter in all_filters() {
        add_filter(&mut environment, filter, OnFailure::LeaveUnchanged);
    }
    environment
}

fn empty_environment<'a>() -> Environment<'a> {
    let mut environment = Environment::empty();
    environment.set_syntax(syntax());
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| match name {
        "html" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment
}

/// Must match `FILTERS`; each with the number of times it reads a byte.
fn all_filters() -> [Filter; 12] {
    [
        ("default", 1, Value::from_function(filters::default)),
        ("d", 1, Value::from_function(filters::default)),
        ("upper", 1, Value::from_function(filters::upper)),
        ("lower", 1, Value::from_function(filters::lower)),
        ("title", 1, Value::from_function(filters::title)),
        ("capitalize", 1, Value::from_function(filters::capitalize)),
        ("trim", 1, Value::from_function(filters::trim)),
        ("split", SPLITS, Value::from_function(filters::split)),
        ("first", 1, Value::from_function(filters::first)),
        ("last", 1, Value::from_function(filters::last)),
        ("length", 1, Value::from_function(filters::length)),
        ("urlencode", 3, Value::from_function(urlencode)),
    ]
    .map(|(name, per_byte, function)| Filter {
        name,
        per_byte,
        function,
    })
}

/// Encodes a value for the query of a link.
fn urlencode(value: &Value) -> String {
    if value.is_undefined() || value.is_none() {
        return String::new();
    }
    let text = value.to_string();
    utf8_percent_encode(&text, IN_QUERY).to_string()
}

/// Jinja's delimiters, but without comments: `{#` is common in style sheets. Comments are delimited by NUL, which
/// cannot occur in texts. A trailing line break is kept.
pub(super) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .comment_delimiters("{%\0", "\0%}")
        .keep_trailing_newline(true)
        .build()
        .unwrap_or_default()
}

/// The byte ranges of the tags of a template. The error is a sentence.
pub(super) fn tags(source: &str) -> Result<Vec<Range<usize>>, String> {
    // True of most parts of most messages; the lexer is skipped.
    if !has_tags(source) {
        return Ok(Vec::new());
    }
    let mut tags = Vec::new();
    let (mut tag, mut open) = (TagCheck::default(), false);
    for lexed in tokenize(source, false, syntax()) {
        let (token, span) = lexed.map_err(|error| explain(&error))?;
        match token {
            Token::TemplateData(_) => {}
            Token::VariableStart | Token::BlockStart => {
                open = true;
                tag = TagCheck {
                    start: offset(span.start_offset),
                    is_statement: matches!(token, Token::BlockStart),
                    ..TagCheck::default()
                };
            }
            Token::VariableEnd | Token::BlockEnd => {
                open = false;
                let range = tag.start..offset(span.end_offset);
                if range.len() > MAX_TAG_BYTES {
                    return Err(TOO_LONG.to_owned());
                }
                tags.push(range);
                if tags.len() > MAX_TAGS {
                    return Err(format!(
                        "More than {MAX_TAGS} placeholders are not allowed."
                    ));
                }
            }
            token => tag.take(&token)?,
        }
    }
    if open {
        Err("The last placeholder is not closed.".to_owned())
    } else {
        Ok(tags)
    }
}

/// Whether a tag starts somewhere in this text.
pub(super) fn has_tags(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The error of the lexer or the parser as a sentence.
pub(super) fn explain(error: &Error) -> String {
    let what = error
        .detail()
        .map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    match error.line() {
        Some(line) if line > 1 => format!("Line {line}: {what}."),
        _ => format!("{what}."),
    }
}

pub(super) fn offset(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

const TOO_LONG: &str = "This placeholder is too long.";

/// The state of checking a tag.
#[derive(Default)]
struct TagCheck {
    start: usize,
    is_statement: bool,
    tokens: usize,
    joins: usize,
    after_pipe: bool,
}

impl TagCheck {
    fn take(&mut self, token: &Token<'_>) -> Result<(), String> {
        let (first, after_pipe) = (self.tokens == 0, self.after_pipe);
        self.tokens += 1;
        self.after_pipe = matches!(token, Token::Pipe);
        if matches!(token, Token::Tilde | Token::Plus) {
            self.joins += 1;
        }
        match token {
            _ if self.tokens > MAX_TAG_TOKENS => Err(TOO_LONG.to_owned()),
            _ if self.joins > MAX_JOINS => Err(format!(
                "A placeholder may join at most {MAX_JOINS} values."
            )),
            Token::Mul | Token::Pow => {
                Err("Multiplication is not available in messages.".to_owned())
            }
            Token::Ident(name) if first && self.is_statement && !STATEMENTS.contains(name) => Err(
                format!("{{% {name} %}} is not available in messages; {{% if %}} is."),
            ),
            Token::Ident(name) if after_pipe && !FILTERS.contains(name) => Err(format!(
                "There is no filter “{name}”; there are {}.",
                FILTERS.join(", ")
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_where_they_are() {
        let source = "Dear {{- full_name -}} ,{#a {{ email }} {#}{% if email %}x{% endif %}";
        let found: Vec<_> = tags(source)
            .unwrap()
            .into_iter()
            .map(|tag| &source[tag])
            .collect();
        assert_eq!(
            found,
            [
                "{{- full_name -}}",
                "{{ email }}",
                "{% if email %}",
                "{% endif %}"
            ]
        );
        assert!(tags("no {placeholder} % here }}").unwrap().is_empty());
    }

    #[test]
    fn whatever_could_grow_is_refused() {
        for source in [
            "{% for i in full_name %}{{ i }}{% endfor %}",
            "{% set x = email ~ email %}",
            "{%- with x = email %}{% endwith %}",
            "{% filter upper %}x{% endfilter %}",
            "{% macro m() %}{% endmacro %}",
            "{% include 'x' %}",
            "{% import 'x' as y %}",
            "{% autoescape false %}{% endautoescape %}",
            "{{ 'x' * 100000000 }}",
            "{{ 10 ** 9 }}",
            "{{ email | replace('a', 'aaaa') }}",
            "{{ email | safe }}",
            "{{ email |\n join('aaaa') }}",
            "{{ 'open }}",
            "{{ email",
        ] {
            assert!(tags(source).is_err(), "{source}");
        }
        assert!(tags(&"{{ email }}".repeat(MAX_TAGS + 1)).is_err());
        assert!(tags(&format!("{{{{ email{} }}}}", "~email".repeat(40))).is_err());
    }

    #[test]
    fn a_message_may_have_more_lines_than_the_lexer_can_count() {
        let source = format!("{}{{{{ email }}}}", "\n".repeat(200_000));
        assert_eq!(tags(&source).unwrap().first(), Some(&(200_000..200_011)));
    }
}
