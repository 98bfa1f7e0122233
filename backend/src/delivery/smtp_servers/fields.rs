//! Checks of what a mail server's description says, field by field.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use smtp::dkim::{self, KeyError};
use smtp::ehlo_name::EhloName;
use url::Host;
use validator::ValidationError;

use crate::core::email_address::EmailAddress;

/// A password or a key on its way in: it goes nowhere but into its seal.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct SubmittedSecret(String);

impl SubmittedSecret {
    /// To be encrypted.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SubmittedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmittedSecret(…)")
    }
}

/// What checks it keeps what it refuses; it is not to have this.
impl Serialize for SubmittedSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("…")
    }
}

/// A name or an address in the form in which it is looked up: octal and decimal spellings of an address are that address.
pub(super) fn host(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let host = match bare.unwrap_or(text).parse() {
        Ok(address) => Host::<String>::Ipv6(address),
        Err(_) => Host::parse(text).ok()?,
    };
    let host = match host {
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let of_host = |c: u8| c.is_ascii_alphanumeric() || b"-._:".contains(&c);
    let fits = !host.is_empty() && host.len() <= 253 && host.bytes().all(of_host);
    fits.then_some(host)
}

pub(super) fn is_host(text: &str) -> Result<(), ValidationError> {
    match host(text) {
        Some(_) => Ok(()),
        None => Err(ValidationError::new("invalid_host")),
    }
}

/// The canonical form of an EHLO name.
pub(super) fn ehlo_name(text: &str) -> Option<String> {
    match EhloName::parse(text)? {
        EhloName::Fixed(name) => Some(name),
        EhloName::OwnAddress => None,
    }
}

pub(super) fn is_ehlo_name(text: &str) -> Result<(), ValidationError> {
    match ehlo_name(text) {
        Some(_) => Ok(()),
        None => Err(ValidationError::new("invalid_ehlo_name")),
    }
}

/// An address for `From` and the envelope.
pub(super) fn is_sender(email: &EmailAddress) -> Result<(), ValidationError> {
    match email.to_smtp().parse::<lettre::Address>() {
        Ok(_) => Ok(()),
        Err(_) => Err(ValidationError::new("invalid_email")),
    }
}

/// One line of at most 1000 characters, with something in it.
pub(super) fn is_password(secret: &SubmittedSecret) -> Result<(), ValidationError> {
    let text = secret.reveal();
    let code = match () {
        () if text.is_empty() => "required",
        () if text.chars().count() > 1000 => "too_long",
        () if text.chars().any(char::is_control) => "control_characters",
        () => return Ok(()),
    };
    Err(ValidationError::new(code))
}

/// A key that mails can be signed with.
pub(super) fn is_key(secret: &SubmittedSecret) -> Result<(), ValidationError> {
    match dkim::DkimKey::parse(secret.reveal()) {
        Ok(_) => Ok(()),
        Err(error) => {
            let code = match error {
                KeyError::Encrypted => "encrypted_key",
                KeyError::Public => "public_key",
                KeyError::Certificate => "certificate",
                KeyError::Pem | KeyError::Kind => "invalid_key",
            };
            Err(ValidationError::new(code).with_message(error.to_string().into()))
        }
    }
}

pub(super) fn is_domain(text: &str) -> Result<(), ValidationError> {
    match dkim::domain(text) {
        Some(_) if !dkim::is_place_of_key(text) => Ok(()),
        _ => Err(ValidationError::new("invalid_host")),
    }
}

pub(super) fn is_selector(text: &str) -> Result<(), ValidationError> {
    if dkim::is_selector(text) {
        Ok(())
    } else {
        Err(ValidationError::new("invalid_selector"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_that_address() {
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("[::1]", "::1"),
            ("::ffff:127.0.0.1", "::ffff:127.0.0.1"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("Mail.Example.ORG", "mail.example.org"),
            ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ] {
            assert_eq!(host(text).as_deref(), Some(address), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_looked_up_is_no_host() {
        for text in [
            "",
            " ",
            "a b",
            "mail/x",
            "user@mail",
            "mail:25",
            "a\r\nb",
            "[::1",
            "1.2.3.999",
        ] {
            assert_eq!(host(text), None, "{text}");
        }
        assert!(host(&"a".repeat(300)).is_none());
    }
}
