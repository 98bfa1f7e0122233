//! Search terms as patterns for `ILIKE`. Pure.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use crate::text::nfc;

/// The pattern for the user's text anywhere in a value, with wildcards escaped; in NFC, as the values are stored.
pub fn contains(term: &str) -> String {
    let escaped = nfc(term.trim())
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    format!("%{escaped}%")
}

/// As above for addresses, whose domains are stored as A-labels: `bücher` and `xn--bcher-kva` match the same
/// addresses.
pub fn contains_address(term: &str) -> String {
    let term = term.trim();
    let (user, domain) = match term.rsplit_once('@') {
        Some((user, domain)) => (format!("{user}@"), domain),
        None => (String::new(), term),
    };
    let is_dot = |c| matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
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
