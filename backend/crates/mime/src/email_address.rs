//! `EmailAddress`: the canonical form in which addresses are stored, compared and mailed to. Pure.
//!
//! The domain is stored in lower case and as A-labels (UTS #46, non-transitional, with the STD3 rules), so that all
//! spellings of a domain are the same text. The local part is ASCII, because most mail servers accept nothing else,
//! and keeps its case, because a server may be case-sensitive (RFC 5321, 2.4). Hardly any is: addresses that differ
//! only in case are considered equal.

use std::fmt;
use std::str::FromStr;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::is_invisible;

/// Maximum length of an address in an envelope, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_LENGTH: usize = 254;
/// Maximum length of the local part, in bytes (RFC 5321, 4.5.3.1.1).
const MAX_USER: usize = 64;

/// An address that mail can be sent to. Equal to every other spelling of the same address.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    text: String,
    /// Byte offset of the `@`.
    at: usize,
}

/// Why a text is not an address. The messages are shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    #[error("This is not an e-mail address.")]
    Malformed,
    /// An invisible character, which may make one domain look like another.
    #[error("The e-mail address contains an invisible character.")]
    InvisibleCharacter,
    #[error("An e-mail address has at most 254 characters, and at most 64 before the @.")]
    TooLong,
}

impl InvalidEmail {
    const ALL: [Self; 3] = [Self::Malformed, Self::InvisibleCharacter, Self::TooLong];

    /// The stable error code that clients translate.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed | Self::InvisibleCharacter => "invalid_email",
            Self::TooLong => "too_long",
        }
    }

    /// The error with this message: serde passes on only the message.
    pub fn saying(sentence: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mistake| sentence == mistake.to_string())
    }
}

impl EmailAddress {
    /// Parses an address in any spelling, with or without surrounding white space.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        // A U-label has fewer characters than its A-label, and at most four times as many bytes.
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

    /// Parses an address stored before addresses were normalized, in the form in which it was mailed to: characters
    /// that the mapping of the domain drops are removed. `None` if no mail can be sent to it.
    pub fn recover(stored: &str) -> Option<Self> {
        Self::parse(stored).ok().or_else(|| {
            let (user, domain) = stored.trim().rsplit_once('@')?;
            let mapped = idna::domain_to_ascii(domain).ok()?;
            Self::parse(&format!("{user}@{mapped}")).ok()
        })
    }

    /// The key of any text: that of the address if it is one, otherwise a text that is not the key of any address.
    /// Only ASCII is converted to lower case: Unicode lower-cases the Kelvin sign to `k`, which would yield another
    /// address's key.
    pub fn key_of(typed: &str) -> String {
        let no_key = |_mistake| typed.trim().to_ascii_lowercase();
        Self::parse(typed).map_or_else(no_key, |address| address.key())
    }

    /// The canonical form, as stored and shown.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The comparison key of equal addresses; same as `lower(email)` of a stored address in SQL.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The domain, after the `@`.
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// The form used in headers and the envelope: the local part is quoted where its dots require it (RFC 5321,
    /// 4.1.2).
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
        return Err(if user.contains(is_hidden) {
            InvalidEmail::InvisibleCharacter
        } else {
            InvalidEmail::Malformed
        });
    }
    if user.len() > MAX_USER {
        return Err(InvalidEmail::TooLong);
    }
    Ok(user)
}

/// The domain as A-labels. Characters that the UTS #46 mapping would silently drop are rejected, except for joiners,
/// which IDNA validates in context.
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
        .map_err(|_errors| {
            if domain.contains(is_joiner) {
                InvalidEmail::InvisibleCharacter
            } else {
                InvalidEmail::Malformed
            }
        })?;
    // No top-level domain is numeric: this is an IP address, or invalid.
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
mod tests;
