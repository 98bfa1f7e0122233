//! Search terms as patterns for `ILIKE`. Pure.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::core::text::nfc;

/// The pattern for the user's text anywhere in a value, with wildcards escaped; in NFC, as the values are stored.
pub fn contains(term: &str) -> String {
    let escaped = nfc(term.trim())
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    format!("%{escaped}%")
}

/// Whether a search can select recipients: a term that every address contains, such as `@` or `.`, would select all of
/// them unnoticed. It must have two letters or digits, or one letter of a script in which a single one can be a word.
pub fn is_selective(term: &str) -> bool {
    let mut words = term.chars().filter(|c| c.is_alphanumeric());
    words.next().is_some_and(|first| {
        let is_word = |c: char| c.is_alphabetic() && !c.is_ascii();
        is_word(first) || words.next().is_some()
    })
}

/// Patterns for an address whose domain is stored as A-labels: for the stored form, and for the form in Unicode if the
/// term is not ASCII. `address_matches` in PostgreSQL applies them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPattern {
    pub stored: String,
    pub in_unicode: Option<String>,
}

impl AddressPattern {
    /// Finds `xn--bcher-kva` by `bücher`, in any of its spellings, and by a part of it, such as `üch`.
    pub fn containing(term: &str) -> Self {
        Self {
            stored: contains_address(term),
            in_unicode: (!term.is_ascii()).then(|| contains(&with_dots(term))),
        }
    }
}

/// Dots of other scripts separate labels, too.
fn with_dots(term: &str) -> String {
    term.replace(is_dot, ".")
}

fn is_dot(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}')
}

fn contains_address(term: &str) -> String {
    let term = term.trim();
    let (user, domain) = match term.rsplit_once('@') {
        Some((user, domain)) => (format!("{user}@"), domain),
        None => (String::new(), term),
    };
    let labels: Vec<_> = domain.split(is_dot).map(label_in_ascii).collect();
    contains(&format!("{user}{}", labels.join(".")))
}

/// Returned unchanged if it is not a valid label.
fn label_in_ascii(label: &str) -> Cow<'_, str> {
    let mapped = Uts46::new().to_ascii(
        label.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::Allow,
        DnsLength::Ignore,
    );
    match mapped {
        Ok(ascii) if !label.is_ascii() => ascii,
        _ => Cow::Borrowed(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_in_a_search_term_is_only_a_character() {
        assert_eq!(contains(r" 100%_\ "), r"%100\%\_\\%");
        assert_eq!(contains_address("a_b@"), r"%a\_b@%");
    }

    #[test]
    fn what_every_address_contains_selects_nobody() {
        for term in [
            "",
            ".",
            "@",
            "@.",
            " . ",
            "-",
            "%",
            "_",
            "*",
            "\u{3002}",
            "\u{2026}",
            "e",
            "@e",
            "o.",
            "1",
            ".-\u{200B}",
        ] {
            assert!(!is_selective(term), "{term:?}");
        }
        for term in [
            ".org",
            "@example.org",
            "an",
            "a.n",
            "\u{674e}",
            "\u{42f}",
            "42",
            "@\u{442}.",
        ] {
            assert!(is_selective(term), "{term:?}");
        }
    }

    #[test]
    fn a_name_is_searched_in_the_form_in_which_it_is_stored() {
        assert_eq!(contains("Zoe\u{308}"), "%Zo\u{eb}%");
    }

    #[test]
    fn a_domain_is_found_in_any_of_its_spellings() {
        for (term, pattern) in [
            ("bücher", "%xn--bcher-kva%"),
            ("bu\u{308}cher", "%xn--bcher-kva%"),
            ("xn--bcher-kva", "%xn--bcher-kva%"),
            ("ann@bücher.ex", "%ann@xn--bcher-kva.ex%"),
            ("@почта.рф", "%@xn--80a1acny.xn--p1ai%"),
            ("ann@example。org", "%ann@example.org%"),
            (".bücher.", "%.xn--bcher-kva.%"),
            ("Ann", "%Ann%"),
            ("Анна Ли", "%Анна Ли%"),
        ] {
            assert_eq!(contains_address(term), pattern, "{term}");
        }
    }
}
