//! `EmailAddress`: the one form in which an address is kept, compared and mailed to. Pure.
//!
//! The domain is kept in lower case and as A-labels (UTS #46, non-transitional, with the STD3 rules), so that all spellings
//! of one domain are the same text. The part before the `@` is ASCII, as most mail servers take no other, and is kept in the
//! case in which it was given, because a server may tell cases apart (RFC 5321, 2.4). Hardly any does: two addresses that
//! differ only in case are one, everywhere.

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::is_invisible;

/// What an envelope can carry, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_LENGTH: usize = 254;
/// RFC 5321, 4.5.3.1.1.
const MAX_USER: usize = 64;

/// An address that mail can be sent to. Equal to every other spelling of itself.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    text: String,
    /// Where the `@` is.
    at: usize,
}

/// Why a text is no address. The sentences are those that a client is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    #[error("This is not an e-mail address.")]
    Malformed,
    /// A domain with one is not the domain that it looks like, or is it in disguise.
    #[error("The e-mail address contains an invisible character.")]
    InvisibleCharacter,
    #[error("An e-mail address has at most 254 characters, and at most 64 before the @.")]
    TooLong,
}

impl InvalidEmail {
    const ALL: [Self; 3] = [Self::Malformed, Self::InvisibleCharacter, Self::TooLong];

    /// The stable code that clients translate.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed | Self::InvisibleCharacter => "invalid_email",
            Self::TooLong => "too_long",
        }
    }

    /// The mistake that says this sentence: all that is left of it once serde has passed it on.
    pub fn saying(sentence: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mistake| sentence == mistake.to_string())
    }
}

impl EmailAddress {
    /// Reads an address in any of its spellings, with or without white space around it.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        // A U-label is shorter in characters than its A-label, in bytes it is at most four times as long.
        if text.len() > 4 * MAX_LENGTH {
            return Err(InvalidEmail::TooLong);
        }
        let (user, domain) = text.rsplit_once('@').ok_or(InvalidEmail::Malformed)?;
        let user = checked_user(user)?;
        let domain = canonical_domain(domain)?;
        let address = Self {
            text: format!("{user}@{domain}"),
            at: user.len(),
        };
        if address.to_smtp().len() > MAX_LENGTH {
            return Err(InvalidEmail::TooLong);
        }
        Ok(address)
    }

    /// Reads an address that was stored before addresses were parsed: in the form in which mail to it was sent, without
    /// what mapping its domain drops. `None` when no mail can be sent to it.
    pub fn recover(stored: &str) -> Option<Self> {
        Self::parse(stored).ok().or_else(|| {
            let (user, domain) = stored.trim().rsplit_once('@')?;
            let mapped = idna::domain_to_ascii(domain).ok()?;
            Self::parse(&format!("{user}@{mapped}")).ok()
        })
    }

    /// The key of whatever was typed: the address's, if it is one; otherwise a text that is no address's key.
    pub fn key_of(typed: &str) -> String {
        Self::parse(typed).map_or_else(|_| typed.trim().to_lowercase(), |address| address.key())
    }

    /// As it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What equal addresses have in common, and `lower(email)` of a stored one in SQL.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// Behind the `@`.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// As it goes into headers and envelope: its user quoted where dots demand it (RFC 5321, 4.1.2).
    pub fn to_smtp(&self) -> String {
        let user = self.text.get(..self.at).unwrap_or_default();
        if user.split('.').any(str::is_empty) {
            format!("\"{user}\"@{}", self.domain())
        } else {
            self.text.clone()
        }
    }
}

fn checked_user(user: &str) -> Result<&str, InvalidEmail> {
    let is_atom_or_dot =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    if user.is_empty() {
        return Err(InvalidEmail::Malformed);
    }
    if !user.bytes().all(is_atom_or_dot) {
        let is_hidden = |c: char| !c.is_ascii() && is_invisible(c);
        return Err(match user.contains(is_hidden) {
            true => InvalidEmail::InvisibleCharacter,
            false => InvalidEmail::Malformed,
        });
    }
    if user.len() > MAX_USER {
        return Err(InvalidEmail::TooLong);
    }
    Ok(user)
}

/// The domain in A-labels. What the mapping of UTS #46 would drop in silence is refused; a joiner is not dropped, and IDNA
/// itself knows in which words it belongs.
fn canonical_domain(domain: &str) -> Result<String, InvalidEmail> {
    let is_joiner = |c: char| matches!(c, '\u{200C}' | '\u{200D}');
    if domain.contains(|c: char| !c.is_ascii() && is_invisible(c) && !is_joiner(c)) {
        return Err(InvalidEmail::InvisibleCharacter);
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_errors| match domain.contains(is_joiner) {
            true => InvalidEmail::InvisibleCharacter,
            false => InvalidEmail::Malformed,
        })?;
    // No top-level domain is a number: this is an IP address, or nothing.
    let top = ascii.rsplit('.').next().unwrap_or_default();
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidEmail::Malformed);
    }
    Ok(ascii.into_owned())
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, InvalidEmail> {
        EmailAddress::parse(text).map(|address| address.to_string())
    }

    #[test]
    fn every_spelling_of_a_domain_is_the_same_text() {
        for (text, kept) in [
            ("ann@example.org", "ann@example.org"),
            (" Ann@EXAMPLE.Org ", "Ann@example.org"),
            ("ann@example。org", "ann@example.org"),
            ("ann@example．org", "ann@example.org"),
            ("ann@example｡org", "ann@example.org"),
            ("ann@ｅｘａｍｐｌｅ.org", "ann@example.org"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@bu\u{308}cher.example", "ann@xn--bcher-kva.example"),
            ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
            ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
            ("info@Почта.РФ", "info@xn--80a1acny.xn--p1ai"),
            ("ann@faß.de", "ann@xn--fa-hia.de"),
            ("ann@İ.example", "ann@xn--i-9bb.example"),
            ("a..b.@example.org", "a..b.@example.org"),
            ("admin@localhost", "admin@localhost"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(kept), "{text}");
        }
    }

    #[test]
    fn an_address_with_something_invisible_in_it_is_refused() {
        for hidden in [
            '\u{200B}',
            '\u{AD}',
            '\u{200C}',
            '\u{200D}',
            '\u{2060}',
            '\u{FEFF}',
            '\u{180B}',
            '\u{180E}',
            '\u{34F}',
            '\u{FE0F}',
            '\u{202E}',
            '\u{2066}',
            '\u{2064}',
            '\u{E0101}',
            '\u{3164}',
            '\u{200E}',
            '\u{61C}',
            '\u{2028}',
        ] {
            for text in [
                format!("a{hidden}nn@example.org"),
                format!("ann{hidden}@example.org"),
                format!("ann@exam{hidden}ple.org"),
                format!("ann@example{hidden}.org"),
                format!("ann@{hidden}example.org"),
                format!("ann@b{hidden}ücher.example"),
            ] {
                assert_eq!(
                    parsed(&text),
                    Err(InvalidEmail::InvisibleCharacter),
                    "{text:?}"
                );
            }
        }
        // A joiner that the word is not right without.
        assert!(parsed("ann@نامه\u{200C}ای.example").is_ok());
    }

    #[test]
    fn what_no_mail_can_be_sent_to_is_refused() {
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@.org",
            "ann@example..org",
            "ann@example.org.",
            "ann@-example.org",
            "ann@example-.org",
            "ann@exa_mple.org",
            "ann@exa mple.org",
            "ann@example.org\r\nBcc: x@example.org",
            "a nn@example.org",
            "\"ann\"@example.org",
            "ann@bob@example.org",
            "<ann@example.org>",
            "Ann <ann@example.org>",
            "ann@example.org,bob@example.org",
            "ann@[192.0.2.1]",
            "ann@[IPv6:2001:db8::1]",
            "ann@192.0.2.1",
            "ann@xn--a.example",
            "ann@xn--example-.org",
            "ann@a\u{FFFD}.org",
            "анна@example.org",
        ] {
            assert_eq!(parsed(text), Err(InvalidEmail::Malformed), "{text:?}");
        }
    }

    #[test]
    fn an_address_is_as_long_as_an_envelope_can_carry() {
        let domain = |length: usize| {
            let labels = format!("{}.{}.{}.", "b".repeat(63), "c".repeat(63), "d".repeat(57));
            format!("{labels}{}", "e".repeat(length - labels.len()))
        };
        let user = "a".repeat(64);
        assert!(parsed(&format!("{user}@{}", domain(189))).is_ok());
        for text in [
            format!("{user}@{}", domain(190)),
            // Quoted, it has two bytes more.
            format!("{}.@{}", "a".repeat(63), domain(189)),
            format!("a{user}@example.org"),
            format!("ann@{}", "ü".repeat(600)),
        ] {
            assert_eq!(parsed(&text), Err(InvalidEmail::TooLong), "{text}");
        }
        assert!(parsed(&format!("ann@{}.org", "ü".repeat(60))).is_err());
    }

    #[test]
    fn addresses_that_differ_in_case_are_one_and_keep_theirs() {
        let (upper, lower) = (
            EmailAddress::parse("ANN@Example.org").unwrap(),
            EmailAddress::parse("ann@example.org").unwrap(),
        );
        assert_eq!(upper, lower);
        assert_eq!(
            (upper.key(), upper.as_str()),
            (lower.key(), "ANN@example.org")
        );
        assert_ne!(
            EmailAddress::key_of("ANİ@example.org"),
            EmailAddress::key_of("ani@example.org")
        );
    }

    #[test]
    fn a_user_with_dots_out_of_place_is_quoted_for_the_server() {
        let address = EmailAddress::parse("ann.@example.org").unwrap();
        assert_eq!(address.to_smtp(), "\"ann.\"@example.org");
    }

    #[test]
    fn what_was_stored_is_read_as_it_was_mailed() {
        let recovered = |text| EmailAddress::recover(text).map(|address| address.to_string());
        for text in [
            "ann@exam\u{200B}ple.org",
            "ann@exam\u{AD}ple.org",
            "ann@Example.org",
        ] {
            assert_eq!(recovered(text).as_deref(), Some("ann@example.org"));
        }
        for text in ["nobody", "ann@[192.0.2.1]", "анна@example.org"] {
            assert_eq!(recovered(text), None, "{text}");
        }
    }

    #[test]
    fn a_mistake_is_known_by_its_sentence() {
        for mistake in InvalidEmail::ALL {
            assert_eq!(InvalidEmail::saying(&mistake.to_string()), Some(mistake));
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_ascii_and_read_again_the_same(text in "[a-zA-Z.+]{1,20}@(\\PC|[a-zA-ZÀ-ž.]){1,30}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.as_str().is_ascii() && address.to_smtp().len() <= MAX_LENGTH);
                let again = EmailAddress::parse(address.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
                prop_assert_eq!(again.key(), address.as_str().to_lowercase());
            }
        }
    }
}
