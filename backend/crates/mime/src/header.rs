//! Header lines. `email-encoding` provides encoded words (RFC 2047), quoting and folding; this module validates values.

use std::fmt::{self, Write as _};

use chrono::{DateTime, Datelike, Timelike, Utc};
use email_encoding::headers::writer::EmailWriter;
use email_encoding::headers::{quoted_string, rfc2047};

use crate::email_address::EmailAddress;

/// Maximum length of a word that is not encoded; a longer one could make its line too long.
const MAX_WORD: usize = 60;
/// Maximum length of the base URL of links; leaves room for path and token.
const MAX_LINK_BASE: usize = 500;

/// Why a value is not allowed in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// CR or LF would end the line and start another.
    #[error("a name or an address contains a line break or another control character")]
    ControlCharacter,
    #[error("not an e-mail address that mail can be sent to")]
    Address,
    #[error("links cannot begin with this base URL")]
    Link,
}

impl From<fmt::Error> for HeaderError {
    fn from(_: fmt::Error) -> Self {
        Self::ControlCharacter
    }
}

/// Appends `name: text`, encoded and folded.
pub(super) fn unstructured(name: &str, text: &str, out: &mut String) -> Result<(), HeaderError> {
    refuse_control_characters(text)?;
    line(name, out, |writer| {
        if is_writable(text) {
            writer.folding().write_str(text)
        } else {
            rfc2047::encode(text, writer)
        }
    })
}

/// Appends `header: name <address>`. The address is one from [`address`].
pub(super) fn mailbox(
    header: &str,
    name: &str,
    address: &str,
    out: &mut String,
) -> Result<(), HeaderError> {
    refuse_control_characters(name)?;
    line(header, out, |writer| {
        if name.is_empty() {
            return writer.write_str(address);
        }
        quoted_string::encode(name, writer)?;
        writer.space();
        writer.folding().write_str(&format!("<{address}>"))
    })
}

/// The address in the form used in headers and the envelope.
pub fn address(email: &str) -> Result<String, HeaderError> {
    match EmailAddress::parse(email) {
        Ok(address) => Ok(address.to_smtp()),
        Err(_) => Err(HeaderError::Address),
    }
}

/// Whether links with this base URL fit in a header line of at most 998 characters, unfolded.
pub(super) fn link_base(url: &str) -> Result<&str, HeaderError> {
    let fits = url.len() <= MAX_LINK_BASE && url.bytes().all(|byte| byte.is_ascii_graphic());
    if fits && !url.contains(['<', '>', '"']) {
        Ok(url)
    } else {
        Err(HeaderError::Link)
    }
}

fn refuse_control_characters(text: &str) -> Result<(), HeaderError> {
    if text.chars().any(char::is_control) {
        Err(HeaderError::ControlCharacter)
    } else {
        Ok(())
    }
}

/// Plain ASCII that can be folded and cannot be mistaken for an encoded word.
fn is_writable(text: &str) -> bool {
    text.is_ascii()
        && !text.contains("=?")
        && text
            .split(' ')
            .all(|word| (1..=MAX_WORD).contains(&word.len()))
}

fn line(
    name: &str,
    out: &mut String,
    value: impl FnOnce(&mut EmailWriter<'_>) -> fmt::Result,
) -> Result<(), HeaderError> {
    write!(out, "{name}: ")?;
    let mut writer = EmailWriter::new(out, name.len() + 2, 0, false);
    value(&mut writer)?;
    drop(writer);
    out.push_str("\r\n");
    Ok(())
}

/// Appends a `Date` header (RFC 5322, 3.3). Written by hand: parsing a format string for every mail costs more than all
/// other headers.
pub(super) fn date(at: DateTime<Utc>, out: &mut String) {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = usize::try_from(at.month0()).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} +0000\r\n",
        at.weekday(),
        at.day(),
        MONTHS.get(month).unwrap_or(&"Jan"),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_travels_in_ascii() {
        for (email, sent) in [
            ("ada@example.org", "ada@example.org"),
            ("ada@Пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
            ("ada.@example.org", "\"ada.\"@example.org"),
        ] {
            assert_eq!(address(email).as_deref(), Ok(sent));
        }
    }

    #[test]
    fn what_would_break_out_of_an_address_is_none() {
        for email in [
            "ada",
            "@example.org",
            "ada@",
            "ada@example.org\r\nBcc: x@example.org",
            "ada\0@example.org",
            "a b@example.org",
            "a>@example.org",
            "a@b@example.org",
            "ада@example.org",
            "ada@exa\u{ad}mple org",
            "ada@[192.0.2.1]",
            "ada@exam\u{ad}ple.org",
        ] {
            assert_eq!(address(email), Err(HeaderError::Address), "{email:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_makes_one_header_of_short_lines_or_none(text: String) {
            let mut out = String::new();
            let written = unstructured("Subject", &text, &mut out).is_ok();
            prop_assert_eq!(written, !text.chars().any(char::is_control));
            prop_assert!(!written || is_one_header(&out), "{}", out);
        }

        #[test]
        fn any_name_makes_one_header_or_none(name: String) {
            let mut out = String::new();
            let written = mailbox("To", &name, "ada@example.org", &mut out).is_ok();
            prop_assert_eq!(written, !name.chars().any(char::is_control));
            prop_assert!(!written || is_one_header(&out), "{}", out);
        }
    }

    fn is_one_header(out: &str) -> bool {
        let mut lines = out.strip_suffix("\r\n").unwrap_or("\n").split("\r\n");
        out.is_ascii()
            && lines.next().is_some_and(|first| first.contains(": "))
            && lines
                .all(|line| line.starts_with(' ') && line.len() <= 998 && !line.trim().is_empty())
            && !out.replace("\r\n", "").contains(['\r', '\n', '\0'])
    }
}
