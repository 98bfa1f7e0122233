//! Finds what looks like a placeholder and is not one: those torn apart by an editor, and those of other programs.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use super::lexing::is_invisible;
use super::references::reference;
use crate::mail::finding::FindingKind as Kind;
use crate::mail::near_miss;
use crate::mail::understood::{self, ENCODED, pattern};

/// Maximum number of bracketed words examined: comparing each with all names takes time.
const MAX_WORDS: usize = 1_000;
/// Double braces on each side after invisible characters have been removed. A space between two braces is accepted as
/// a slip.
static BROKEN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\{ ?\{[\s{]*([A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_.\- ]{0,30}?)\s*(?:\|[^{}]{0,60})?[\s}]*\} ?\}",
    )
});
/// A word in the brackets of another program: Mailchimp's are reported regardless of the word.
static FOREIGN: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"\s*[$!@]?([A-Za-zА-Яа-яЁё_][A-Za-zА-Яа-яЁё0-9_.\- ]{0,30}?)\s*";
    let brackets = [
        (r"[$#]?\{", r"(?:(?:\||, ?fallback)[^{}\r\n]{0,40})?\}"),
        (
            r"\[{1,2}",
            r"(?:(?:\||, ?fallback)[^\[\]\r\n]{0,40})?\]{1,2}",
        ),
        (r"[｛［]{1,2}", r"[｝］]{1,2}"),
        (r"%{1,2}\[?", r"\]?%{1,2}"),
        (r"<[%?][=-]?", r"[%?]>"),
        (r"<<", r">>"),
        (r"«", r"»"),
        (r"#{1,2}", r"#{1,2}"),
        (r"@{1,2}", r"@{1,2}"),
        (r"__", r"__"),
    ];
    let all = brackets.map(|(open, close)| format!("{open}{word}{close}"));
    pattern(&format!(
        r"\*\|([A-Za-z0-9_:./\- ]{{1,40}})\|\*|{}",
        all.join("|")
    ))
});

/// A text without its placeholders, markup and invisible characters.
pub(super) struct Skeleton<'s> {
    source: &'s str,
    text: String,
    pieces: Vec<Piece>,
    /// Whether character references are decoded.
    reads_references: bool,
}

/// The origin of a part of the text.
struct Piece {
    /// Its offset in the text, and in the source.
    at: usize,
    source: usize,
    /// Length of the character reference it was decoded from, if any.
    reference: Option<usize>,
}

impl<'s> Skeleton<'s> {
    fn new(source: &'s str, reads_references: bool) -> Self {
        Self {
            source,
            text: String::with_capacity(source.len()),
            pieces: Vec::new(),
            reads_references,
        }
    }

    pub(super) fn of(source: &'s str, tags: &[Range<usize>], elements: &[Range<usize>]) -> Self {
        Self::new(source, false).without(tags, elements)
    }

    /// HTML as displayed: character references are decoded.
    pub(super) fn as_read(
        source: &'s str,
        tags: &[Range<usize>],
        elements: &[Range<usize>],
    ) -> Self {
        Self::new(source, true).without(tags, elements)
    }

    /// Only the URLs of an HTML text. `tags` and `addresses` are in order.
    pub(super) fn of_addresses(
        source: &'s str,
        tags: &[Range<usize>],
        addresses: &[Range<usize>],
    ) -> Self {
        let mut skeleton = Self::new(source, true);
        for address in addresses {
            let first = tags.partition_point(|tag| tag.start < address.start);
            let inside = tags.iter().skip(first);
            let inside = inside.take_while(|tag| tag.end <= address.end);
            skeleton.push_without(address.clone(), inside.map(|tag| (tag.clone(), " ")));
            // Does not occur in texts, so that no match spans two URLs.
            skeleton.text.push('\0');
        }
        skeleton
    }

    fn without(mut self, tags: &[Range<usize>], elements: &[Range<usize>]) -> Self {
        let mut left_out: Vec<_> = tags.iter().map(|tag| (tag.clone(), " ")).collect();
        left_out.extend(elements.iter().map(|element| (element.clone(), "")));
        left_out.sort_by_key(|(range, _)| range.start);
        self.push_without(0..self.source.len(), left_out);
        self
    }

    /// Adds a part of the source with some of its parts replaced.
    fn push_without(
        &mut self,
        whole: Range<usize>,
        left_out: impl IntoIterator<Item = (Range<usize>, &'static str)>,
    ) {
        let mut end = whole.start;
        for (range, instead) in left_out {
            if range.start >= end {
                self.push(end..range.start);
                self.text.push_str(instead);
                end = range.end;
            }
        }
        self.push(end..whole.end);
    }

    fn push(&mut self, range: Range<usize>) {
        let (mut at, mut is_new) = (range.start, true);
        let end = range.end;
        while let Some(rest) = self.source.get(at..end)
            && let Some(c) = rest.chars().next()
        {
            let read = Some(rest).filter(|_| self.reads_references);
            let read = read.and_then(reference);
            let (c, len) = read.unwrap_or((c, c.len_utf8()));
            if is_invisible(c) && !matches!(c, '\n' | '\r' | '\t' | '\u{a0}') {
                is_new = true;
            } else {
                if is_new || read.is_some() {
                    self.pieces.push(Piece {
                        at: self.text.len(),
                        source: at,
                        reference: read.map(|(_, len)| len),
                    });
                }
                is_new = read.is_some();
                self.text.push(c);
            }
            at += len;
        }
    }

    fn piece(&self, offset: usize) -> Option<&Piece> {
        let behind = self.pieces.partition_point(|piece| piece.at <= offset);
        behind.checked_sub(1).and_then(|at| self.pieces.get(at))
    }

    fn original(&self, offset: usize) -> usize {
        let piece = self.piece(offset);
        piece.map_or(offset, |piece| piece.source + (offset - piece.at))
    }

    /// The end in the source of the character with this last byte.
    fn original_end(&self, last: usize) -> usize {
        match self.piece(last) {
            Some(Piece {
                source,
                reference: Some(len),
                ..
            }) => source + len,
            _ => self.source.ceil_char_boundary(self.original(last) + 1),
        }
    }

    /// The source text at this range.
    fn found(&self, kind: Kind, range: Range<usize>, meant: Option<&str>) -> Found {
        let start = self.original(range.start);
        let end = self.original_end(range.end.saturating_sub(1));
        let shown = self.source.get(start..end).unwrap_or_default();
        Found::new(kind, start..end, shown).suggest(meant)
    }

    /// Placeholders with double braces that would be mailed as they are.
    pub(super) fn broken(&self) -> Vec<Found> {
        let mut broken = self.torn();
        broken.extend(self.encoded());
        broken
    }

    /// Those with something between their braces.
    pub(super) fn torn(&self) -> Vec<Found> {
        let torn = BROKEN
            .captures_iter(&self.text)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let name = found.get(1)?;
                let meant = near_miss::placeholder(name.as_str())?;
                let range = found.get(0)?.range();
                Some(self.torn_at(range, meant))
            });
        torn.collect()
    }

    fn encoded(&self) -> Vec<Found> {
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
        encoded.collect()
    }

    /// By what a placeholder is torn apart.
    fn torn_at(&self, range: Range<usize>, meant: &str) -> Found {
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

    /// Placeholders of other programs with an equivalent here, and all of Mailchimp's.
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
