//! Rules for text entered by users: normalization, invisible characters, line breaks, and text direction. Pure.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Converts to Unicode normalization form C: `Zoe` with a combining diaeresis becomes `Zoë`. Copies only text that is
/// not in NFC.
pub fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// Whether the character is invisible: controls, format characters, fillers, variation selectors, and all kinds of
/// spaces.
pub fn is_invisible(c: char) -> bool {
    // The blank Braille pattern, a note without a head, and the Khitan filler: symbols and marks in Unicode, but they
    // look blank.
    const BLANKS: [char; 3] = ['\u{2800}', '\u{1D159}', '\u{16FE4}'];
    if c.is_ascii() {
        return c.is_ascii_whitespace() || c.is_ascii_control();
    }
    BLANKS.contains(&c)
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<WhiteSpace>().contains(c)
        || matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::Control | GeneralCategory::Format
        )
}

/// Whether the text consists of invisible characters only.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether the character must not appear in a single line: controls and Unicode line breaks (such as U+0085, U+2028,
/// U+2029).
pub fn is_control_or_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// What a character opens or closes in the bidirectional algorithm (UAX #9, 3.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Embedding,
    Isolate,
}

/// Whether direction overrides, embeddings and isolates are balanced. Otherwise they would affect the text around
/// this one.
pub fn has_paired_directions(text: &str) -> bool {
    let mut open = Vec::new();
    for c in text.chars() {
        let closes = match c {
            '\u{202A}' | '\u{202B}' | '\u{202D}' | '\u{202E}' => {
                open.push(Direction::Embedding);
                continue;
            }
            '\u{2066}'..='\u{2068}' => {
                open.push(Direction::Isolate);
                continue;
            }
            '\u{202C}' => Direction::Embedding,
            '\u{2069}' => Direction::Isolate,
            _ => continue,
        };
        if open.pop() != Some(closes) {
            return false;
        }
    }
    open.is_empty()
}

/// The text without unbalanced direction controls; for text cut out of a longer one.
pub fn with_paired_directions(text: String) -> String {
    if has_paired_directions(&text) {
        return text;
    }
    text.replace(
        |c| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'),
        "",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_letter_and_its_mark_become_one() {
        assert_eq!(nfc("Zoe\u{308}"), "Zo\u{eb}");
        assert!(matches!(nfc("Zo\u{eb}"), Cow::Borrowed(_)));
    }

    #[test]
    fn text_that_shows_nothing_is_blank() {
        for text in [
            "",
            " \t\n",
            "\u{200B}",
            "\u{AD}\u{FEFF}",
            "\u{2060}\u{180E}",
            "\u{3164}\u{115F}",
            "\u{2800}",
            "\u{1D159}\u{16FE4}\u{FFA0}",
            "\u{E0020}\u{FE0F}",
            "\u{202E}\u{202C}",
            "\u{3000}\u{2028}\u{85}",
            "\u{600}",
        ] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "\u{200B}я", "👩\u{200D}👧", "\u{301}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn a_direction_that_stays_open_or_closes_nothing_is_noticed() {
        for text in [
            "a",
            "\u{202E}a\u{202C}",
            "\u{2067}\u{202B}a\u{202C}\u{2069}b\u{2066}c\u{2069}",
            "\u{200F}a",
        ] {
            assert!(has_paired_directions(text), "{text:?}");
        }
        for text in [
            "\u{202E}a",
            "\u{2068}a",
            "a\u{202C}",
            "a\u{2069}",
            "\u{202E}a\u{2069}",
            "\u{2066}\u{202A}a\u{2069}\u{202C}",
        ] {
            assert!(!has_paired_directions(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_cut_opens_nothing(text in "(a|[\u{202A}-\u{202E}]|[\u{2066}-\u{2069}]){0,12}") {
            prop_assert!(has_paired_directions(&with_paired_directions(text)));
        }

        #[test]
        fn normal_text_stays_as_it_is(text: String) {
            let once = nfc(&text).into_owned();
            prop_assert_eq!(nfc(&once), once.as_str());
        }
    }
}
