//! Parses SMTP replies, and checks them against the stage of the session. Pure.

use std::{fmt, str};

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Maximum length of the text kept of a reply, in bytes.
const MAX_TEXT: usize = 1024;

/// The stage that an attempt reached, in the order of the protocol.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// The mail was not composed: nothing was sent.
    Compose,
    Connect,
    /// Implicit TLS, or STARTTLS.
    Tls,
    Greeting,
    Ehlo,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The body is being sent; its final dot has not been sent.
    Body,
    /// The final dot may have been sent: only a complete reply tells whether the mail was accepted.
    Dot,
}

impl Stage {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How a reply compares to the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyCheck {
    /// The positive reply that the stage requires.
    Expected,
    /// 4xx or 5xx.
    Refused,
    /// Anything else: client and server are out of step.
    Unexpected,
}

/// A complete reply: one code, all its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 – 599.
    pub code: u16,
    /// `5.1.1` (RFC 2034, RFC 3463), only where it agrees with the code.
    pub enhanced: Option<String>,
    /// The text after the code, lines joined by a space, without control characters, at most 1 kB.
    pub text: String,
}

/// Not an SMTP reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Stage {
    /// Compares exact codes: any positive reply could be the reply to another command.
    pub fn check(self, code: u16) -> ReplyCheck {
        let expected = match self {
            Self::Greeting | Self::Tls => code == 220,
            Self::Auth => code == 235,
            Self::Data => code == 354,
            Self::Ehlo | Self::Mail | Self::Rcpt | Self::Dot => (250..=259).contains(&code),
            Self::Compose | Self::Connect | Self::Body => false,
        };
        match code {
            _ if expected => ReplyCheck::Expected,
            400..=599 => ReplyCheck::Refused,
            _ => ReplyCheck::Unexpected,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Reply {
    /// The reply at the start of `bytes` and its length, or `None` while it is incomplete (RFC 5321, 4.2).
    ///
    /// Accepts a bare LF, a missing text, and any bytes in the text.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Malformed> {
        let (mut length, mut first, mut text) = (0, None, Vec::new());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some((code, last, rest)) = parse_line(line)? else {
                return Ok(None);
            };
            if *first.get_or_insert(code) != code {
                return Err(Malformed);
            }
            length += line.len();
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(rest);
            if last {
                return Ok(Some((Self::new(code, &text), length)));
            }
        }
        Ok(None)
    }

    fn new(code: u16, text: &[u8]) -> Self {
        let mut text = String::from_utf8_lossy(text).replace(char::is_control, "");
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        let enhanced = text
            .split(' ')
            .next()
            .filter(|word| is_enhanced(word, code))
            .map(str::to_owned);
        Self {
            code,
            enhanced,
            text,
        }
    }

    /// The server closes the connection: no other reply will follow.
    pub fn is_closing(&self) -> bool {
        self.code == 421
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// A line's code, whether it is the last one, its text.
type Line<'a> = (u16, bool, &'a [u8]);

/// `None` while the line has no end.
fn parse_line(line: &[u8]) -> Result<Option<Line<'_>>, Malformed> {
    let Some(line) = line.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(3).ok_or(Malformed)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let code = str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .ok_or(Malformed)?;
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return Err(Malformed),
    };
    if (200..600).contains(&code) {
        Ok(Some((code, last, text)))
    } else {
        Err(Malformed)
    }
}

/// `class.subject.detail`, the class being the code's (RFC 2034, section 4).
fn is_enhanced(word: &str, code: u16) -> bool {
    let mut parts = word.split('.');
    let class = parts.next().and_then(|class| class.parse().ok());
    class == Some(code / 100)
        && word.split('.').count() == 3
        && parts.all(|part| {
            matches!(part.len(), 1..=3) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests;
