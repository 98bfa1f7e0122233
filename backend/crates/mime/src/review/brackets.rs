//! Patterns of what looks like a placeholder: ours with something between its braces, and those of other programs.

use std::sync::LazyLock;

use minijinja::machinery::Token;
use regex::Regex;

use super::lexing::LexedTag;
use super::raw_finding::RawFinding;
use crate::finding::FindingKind;
use crate::near_miss;
use crate::pattern::pattern;

/// Maximum number of bracketed words examined: comparing each with all names takes time.
pub(super) const MAX_WORDS: usize = 1_000;
/// Double braces on each side after invisible characters have been removed. A space between two braces is accepted as
/// a slip.
pub(super) static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\{ ?\{[\s{]*([A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_.\- ]{0,30}?)\s*(?:\|[^{}]{0,60})?[\s}]*\} ?\}",
    )
});
/// A word in the brackets of another program: Mailchimp's are reported regardless of the word.
pub(super) static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"([A-Za-zА-Яа-яЁё_](?:[A-Za-zА-Яа-яЁё0-9_.:=\- ]{0,40}?[A-Za-zА-Яа-яЁё0-9_])?)";
    let brackets = [
        (
            r"[$#@&]?\{[!#*@:$=%~^\-]?\s*",
            r"(?:(?:\||, ?fallback|(?i: or ))[^{}\r\n]{0,40})?\s*[!#*@$=%~^\-]?\}",
        ),
        (
            r"\$?\[{1,2}[!#*@$%\-]?\s*",
            r"(?:(?:\||, ?fallback|(?i: or ))[^\[\]\r\n]{0,40})?\s*[!#*@$%\-]?\]{1,2}\$?",
        ),
        (r"[｛［❴﹛⟨‹【〔]{1,2}\s*", r"\s*[｝］❵﹜⟩›】〕]{1,2}"),
        (r"%{1,2}\[?\s*", r"\s*(?:\|[^%\r\n]{0,40})?\]?%{1,2}"),
        (r"%\(", r"\)s"),
        (r"<[%?][=-]?\s*\$?", r"\s*[%?]>"),
        (r"<<\s*", r"\s*>>"),
        (r"</?", r"/?>"),
        (r"«\s*", r"\s*»"),
        (r"\(\(\s*", r"\s*\)\)"),
        (r"\|\|", r"\|\|"),
        (r"#{1,2}", r"#{1,2}"),
        (r"@{1,2}", r"@{1,2}"),
        (r"__", r"__"),
        (r"\$", r"\b\$?"),
    ];
    let all = brackets.map(|(open, close)| format!("{open}{word}{close}"));
    pattern(&format!(
        r"\*\|([A-Za-z0-9_:./\- ]{{1,40}})\|\*|{}",
        all.join("|")
    ))
});
/// An element that HTML does not have, but other programs do.
pub(super) static ELEMENT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^<([A-Za-z_][A-Za-z0-9_.:\- ]{0,30}?)\s*/?>$"));

/// The placeholder meant by a word in such brackets, also as the condition of another program.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    // `{ color: red }` is a declaration, `{contact:name}` is not.
    if word.contains(": ") || word.contains("= ") {
        return None;
    }
    let condition = word
        .split_once(' ')
        .filter(|(keyword, _)| keyword.eq_ignore_ascii_case("if"));
    near_miss::foreign_placeholder(condition.map_or(word, |(_, condition)| condition))
}

/// `{{ "full_name" }}`, which prints these words.
pub(super) fn quoted(tag: &LexedTag<'_>) -> Option<RawFinding> {
    let (Token::Str(name), range) = tag.tokens.first()? else {
        return None;
    };
    let meant = near_miss::foreign_placeholder(name).filter(|_| tag.tokens.len() == 1)?;
    let found = RawFinding::new(
        FindingKind::UnknownPlaceholder,
        range.clone(),
        format!("\"{name}\""),
    );
    Some(found.suggest(Some(meant)))
}
