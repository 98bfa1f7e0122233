//! What looks like a placeholder and is none: one whose braces an editor has torn apart, and those of other programs.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use super::lexing::is_invisible;
use crate::mail::finding::FindingKind as Kind;
use crate::mail::near_miss;
use crate::mail::understood::{self, ENCODED, pattern};

/// So many words in brackets are looked at: to compare each with all names takes a while.
const MAX_WORDS: usize = 1_000;
/// Two braces on each side, once nothing stands between them any more that cannot be seen. One space between them is a slip.
static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\{ ?\{[\s{]*([A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_.\- ]{0,30}?)\s*(?:\|[^{}]{0,60})?[\s}]*\} ?\}",
    )
});
/// A word in the brackets of another program: that of Mailchimp counts whatever it says.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"\s*[$!@]?([A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_.\- ]{0,30}?)\s*";
    let brackets = [
        (r"[$#]?\{", r"\}"),
        (r"\[{1,2}", r"\]{1,2}"),
        (r"%{1,2}\[?", r"\]?%{1,2}"),
        (r"<%=?", r"%>"),
        (r"<<", r">>"),
        (r"«", r"»"),
        (r"#{1,2}", r"#{1,2}"),
        (r"@{1,2}", r"@{1,2}"),
        (r"__", r"__"),
    ];
    let all = brackets.map(|(open, close)| format!("{open}{word}{close}"));
    pattern(&format!(
        r"\*\|([A-Za-z0-9_:.\- ]{{1,40}})\|\*|{}",
        all.join("|")
    ))
});

/// A text without its placeholders, its markup and what cannot be seen.
pub(super) struct Skeleton<'s> {
    source: &'s str,
    text: String,
    /// Where in the source each piece of the text begins: (in the text, in the source).
    pieces: Vec<(usize, usize)>,
}

impl<'s> Skeleton<'s> {
    pub(super) fn of(source: &'s str, tags: &[Range<usize>], elements: &[Range<usize>]) -> Self {
        let mut left_out: Vec<_> = tags.iter().map(|tag| (tag.clone(), " ")).collect();
        left_out.extend(elements.iter().map(|element| (element.clone(), "")));
        left_out.sort_by_key(|(range, _)| range.start);
        let mut skeleton = Self {
            source,
            text: String::with_capacity(source.len()),
            pieces: Vec::new(),
        };
        let mut end = 0;
        for (range, instead) in left_out {
            if range.start >= end {
                skeleton.push(end..range.start);
                skeleton.text.push_str(instead);
                end = range.end;
            }
        }
        skeleton.push(end..source.len());
        skeleton
    }

    fn push(&mut self, range: Range<usize>) {
        let start = range.start;
        let mut is_new = true;
        for (at, c) in self.source.get(range).unwrap_or_default().char_indices() {
            if is_invisible(c) && !matches!(c, '\n' | '\r' | '\t' | '\u{a0}') {
                is_new = true;
                continue;
            }
            if is_new {
                self.pieces.push((self.text.len(), start + at));
                is_new = false;
            }
            self.text.push(c);
        }
    }

    fn original(&self, offset: usize) -> usize {
        let behind = self.pieces.partition_point(|(at, _)| *at <= offset);
        let piece = behind.checked_sub(1).and_then(|at| self.pieces.get(at));
        piece.map_or(offset, |(at, source)| source + (offset - at))
    }

    /// The text of the source where this stands.
    fn found(&self, kind: Kind, range: Range<usize>, meant: Option<&str>) -> Found {
        let start = self.original(range.start);
        let end = self.original(range.end.saturating_sub(1)) + 1;
        let end = self.source.ceil_char_boundary(end);
        let shown = self.source.get(start..end).unwrap_or_default();
        Found::new(kind, start..end, shown).suggest(meant)
    }

    /// Placeholders with two braces on each side that would be mailed as they stand.
    pub(super) fn broken(&self) -> Vec<Found> {
        let torn = BROKEN
            .captures_iter(&self.text)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let name = found.get(1)?;
                let meant = near_miss::placeholder(name.as_str())?;
                let range = found.get(0)?.range();
                Some(self.torn(range, meant))
            });
        let encoded = ENCODED
            .captures_iter(self.source)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let name = understood::decoded(&found)?;
                let name = name.split('|').next().unwrap_or_default().trim().to_owned();
                let meant = near_miss::placeholder(&name)?;
                let whole = found.get(0)?;
                let mistake = Found::new(Kind::PercentEncoded, whole.range(), whole.as_str());
                Some(mistake.suggest(Some(meant)))
            });
        torn.chain(encoded).collect()
    }

    /// By what a placeholder is torn apart.
    fn torn(&self, range: Range<usize>, meant: &str) -> Found {
        let found = self.found(Kind::TooManyBraces, range, Some(meant));
        let source = self.source.get(found.at.clone()).unwrap_or_default();
        let invisible = source.chars().find(|c| is_invisible(*c));
        match invisible {
            _ if source.contains('<') => Found {
                kind: Kind::MarkupInside,
                ..found
            },
            Some(c) => Found {
                kind: Kind::InvisibleCharacter,
                text: format!("U+{:04X}", u32::from(c)),
                ..found
            },
            None => found,
        }
    }

    /// Placeholders of other programs that ours has a name for, and all of Mailchimp's.
    pub(super) fn foreign(&self) -> Vec<Found> {
        let found = FOREIGN
            .captures_iter(&self.text)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let whole = found.get(0)?;
                let word = found.iter().skip(1).flatten().next()?.as_str();
                let meant = near_miss::foreign_placeholder(word);
                (meant.is_some() || whole.as_str().starts_with("*|"))
                    .then(|| self.found(Kind::ForeignSyntax, whole.range(), meant))
            });
        found.collect()
    }
}
