//! Finds what looks like a placeholder and is not one: those torn apart by an editor, and those of other programs.

use std::collections::HashMap;
use std::ops::Range;

use super::brackets::{BROKEN, ELEMENT, FOREIGN, MAX_WORDS, meant};
use super::lexing::is_invisible;
use super::raw_finding::RawFinding;
use super::references::{percent, reference};
use crate::finding::FindingKind as Kind;
use crate::near_miss;
use crate::understood::{self, ENCODED};

/// A text without its placeholders, markup and invisible characters.
pub(super) struct Skeleton<'s> {
    source: &'s str,
    text: String,
    pieces: Vec<SourcePiece>,
    decodes: Decodes,
}

/// What is decoded in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decodes {
    Nothing,
    /// Character references, as in HTML.
    References,
    /// Percent-encoded brackets, as in links.
    Percents,
    /// Both, as in links of HTML.
    Both,
}

impl Decodes {
    /// The character encoded at the beginning of this text, and the length of its code.
    fn character(self, text: &str) -> Option<(char, usize)> {
        let reference = || reference(text);
        match self {
            Self::Nothing => None,
            Self::References => reference(),
            Self::Percents => percent(text),
            Self::Both => reference().or_else(|| percent(text)),
        }
    }
}

/// The origin of a part of the text.
struct SourcePiece {
    /// Its offset in the text, and in the source.
    at: usize,
    source: usize,
    /// Length of the character reference it was decoded from, if any.
    reference: Option<usize>,
}

impl<'s> Skeleton<'s> {
    fn new(source: &'s str, decodes: Decodes) -> Self {
        Self {
            source,
            text: String::with_capacity(source.len()),
            pieces: Vec::new(),
            decodes,
        }
    }

    pub(super) fn of(source: &'s str, tags: &[Range<usize>], elements: &[Range<usize>]) -> Self {
        Self::new(source, Decodes::Nothing).without(tags, elements)
    }

    /// HTML as displayed: character references are decoded.
    pub(super) fn as_read(
        source: &'s str,
        tags: &[Range<usize>],
        elements: &[Range<usize>],
    ) -> Self {
        Self::new(source, Decodes::References).without(tags, elements)
    }

    /// Plain text with the links in it decoded.
    pub(super) fn with_links(source: &'s str, tags: &[Range<usize>]) -> Self {
        Self::new(source, Decodes::Percents).without(tags, &[])
    }

    /// Only these attributes of an HTML text. `tags` and `attributes` are in order.
    pub(super) fn of_attributes(
        source: &'s str,
        tags: &[Range<usize>],
        attributes: &[Range<usize>],
    ) -> Self {
        let mut skeleton = Self::new(source, Decodes::Both);
        for address in attributes {
            let first = tags.partition_point(|tag| tag.start < address.start);
            let inside = tags.iter().skip(first);
            let inside = inside.take_while(|tag| tag.end <= address.end);
            skeleton.push_without(address.clone(), inside.map(|tag| (tag.clone(), " ")));
            // Does not occur in texts, so that no match spans two attributes.
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
            let read = self.decodes.character(rest);
            let (c, len) = read.unwrap_or((c, c.len_utf8()));
            let escapes = c == '\\' && matches!(rest.as_bytes().get(1), Some(b'{' | b'}'));
            if escapes || is_invisible(c) && !matches!(c, '\n' | '\r' | '\t' | '\u{a0}') {
                is_new = true;
            } else {
                if is_new || read.is_some() {
                    self.pieces.push(SourcePiece {
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

    fn piece(&self, offset: usize) -> Option<&SourcePiece> {
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
            Some(SourcePiece {
                source,
                reference: Some(len),
                ..
            }) => source + len,
            _ => self.source.ceil_char_boundary(self.original(last) + 1),
        }
    }

    /// The source text at this range.
    fn found(&self, kind: Kind, range: Range<usize>, meant: Option<&str>) -> RawFinding {
        let start = self.original(range.start);
        let end = self.original_end(range.end.saturating_sub(1));
        let shown = self.source.get(start..end).unwrap_or_default();
        RawFinding::new(kind, start..end, shown).suggest(meant)
    }

    /// Placeholders with double braces that would be mailed as they are.
    pub(super) fn broken(&self) -> Vec<RawFinding> {
        let mut broken = self.torn();
        broken.extend(self.encoded());
        broken
    }

    /// Those with something between their braces.
    pub(super) fn torn(&self) -> Vec<RawFinding> {
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

    fn encoded(&self) -> Vec<RawFinding> {
        let encoded = ENCODED
            .captures_iter(self.source)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let name = understood::decoded(&found)?;
                let name = name.split('|').next().unwrap_or_default().trim().to_owned();
                let meant = near_miss::placeholder(&name)?;
                let whole = found.get(0)?;
                let mistake = RawFinding::new(Kind::PercentEncoded, whole.range(), whole.as_str());
                Some(mistake.suggest(Some(meant)))
            });
        encoded.collect()
    }

    /// By what a placeholder is torn apart.
    fn torn_at(&self, range: Range<usize>, meant: &str) -> RawFinding {
        let found = self.found(Kind::TooManyBraces, range, Some(meant));
        let source = self.source.get(found.at.clone()).unwrap_or_default();
        let invisible = source.chars().find(|c| is_invisible(*c));
        match invisible {
            _ if source.contains('<') => RawFinding {
                kind: Kind::MarkupInside,
                ..found
            },
            Some(c) => RawFinding {
                kind: Kind::InvisibleCharacter,
                text: format!("U+{:04X}", u32::from(c)),
                ..found
            },
            None => found,
        }
    }

    /// Placeholders of other programs with an equivalent here, and all of Mailchimp's.
    pub(super) fn foreign(&self) -> Vec<RawFinding> {
        let found = FOREIGN
            .captures_iter(&self.text)
            .take(MAX_WORDS)
            .filter_map(|found| {
                let whole = found.get(0)?;
                let word = found.iter().skip(1).flatten().next()?.as_str();
                let meant = meant(word);
                (meant.is_some() || whole.as_str().starts_with("*|"))
                    .then(|| self.found(Kind::ForeignSyntax, whole.range(), meant))
            });
        found.collect()
    }
}

/// Elements by which other programs mean a placeholder, such as `<unsubscribe>`.
pub(super) fn elements(source: &str, elements: &[Range<usize>]) -> Vec<RawFinding> {
    // Most elements of a mail are the same few.
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    let mut found = Vec::new();
    for range in elements {
        let shown = source.get(range.clone()).unwrap_or_default();
        let name = ELEMENT.captures(shown).and_then(|found| found.get(1));
        let Some(name) = name.map(|name| name.as_str()).filter(|it| *it != "view") else {
            continue;
        };
        if known.len() == MAX_WORDS {
            break;
        }
        let meant = *known.entry(name).or_insert_with(|| meant(name));
        if meant.is_some() {
            let element = RawFinding::new(Kind::ForeignSyntax, range.clone(), shown);
            found.push(element.suggest(meant));
        }
    }
    found
}
