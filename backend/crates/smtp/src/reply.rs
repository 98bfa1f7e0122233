//! What an SMTP server says: where a reply ends, what is in it, whether it is the one that was due. Pure.

use std::{fmt, str};

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The longest text kept of a reply, in bytes.
const MAX_TEXT: usize = 1024;

/// How far an attempt got, in the order of the protocol.
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
    /// The mail was not made: nothing was sent.
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
    /// The body is on its way; its final dot has not left.
    Body,
    /// The final dot may have left: from here on only a complete reply says what became of the mail.
    Dot,
}

impl Stage {
    /// The name in the API, in the database and in logs.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A reply, measured against what was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyCheck {
    /// The positive answer that the stage waits for.
    Expected,
    /// A clear no: 4xx or 5xx.
    Refused,
    /// Anything else. The two sides no longer agree on where they are.
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

/// What came is no SMTP reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Stage {
    /// Strict on purpose: a reply that is merely positive is how answers that have shifted by one look.
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
    /// Lenient where it cannot change the meaning: a bare LF, a missing text, and any bytes in the text are taken.
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

    /// The server says good-bye: no other reply of this connection can be trusted to come.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(bytes: &[u8]) -> Reply {
        Reply::parse(bytes).unwrap().unwrap().0
    }

    #[test]
    fn a_reply_of_several_lines_is_one_reply() {
        let (reply, length) = Reply::parse(b"550-5.1.1 no such\r\n550 5.1.1 user\r\n250 ok\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(
            (reply.code, reply.enhanced.as_deref(), length),
            (550, Some("5.1.1"), 35)
        );
        assert_eq!(reply.text, "5.1.1 no such 5.1.1 user");
    }

    #[test]
    fn a_code_alone_and_a_bare_line_feed_are_complete_replies() {
        assert_eq!(
            reply(b"250\r\n"),
            Reply {
                code: 250,
                enhanced: None,
                text: String::new()
            }
        );
        assert_eq!(reply(b"250 ok\n").text, "ok");
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [
            &b"hello\r\n"[..],
            b"25\r\n",
            b"\r\n",
            b"2500 ok\r\n",
            b"199 ok\r\n",
            b"600 ok\r\n",
            b"+50 ok\r\n",
            b"250-a\r\n550 b\r\n",
        ] {
            assert_eq!(
                Reply::parse(bytes),
                Err(Malformed),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn a_text_in_another_alphabet_or_encoding_does_not_spoil_the_code() {
        assert_eq!(
            reply("550 нет такого ящика\r\n".as_bytes()).text,
            "нет такого ящика"
        );
        assert_eq!(reply(b"250 \xcf\xf0\xe8\xed\xff\xf2\xee\r\n").code, 250);
    }

    #[test]
    fn an_enhanced_code_that_contradicts_the_code_is_ignored() {
        for text in [
            "5.1.1 ok",
            "2.1 ok",
            "2.1.1.1 ok",
            "2.1.1234 ok",
            "2..1 ok",
            "v2.1.1 ok",
        ] {
            assert_eq!(
                reply(format!("250 {text}\r\n").as_bytes()).enhanced,
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn only_250_to_259_answers_the_dot_and_only_354_opens_the_body() {
        for code in 200..600 {
            let due = |stage: Stage| stage.check(code) == ReplyCheck::Expected;
            assert_eq!(due(Stage::Dot), (250..=259).contains(&code));
            assert_eq!(due(Stage::Data), code == 354);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic_into_a_short_clean_text(bytes: Vec<u8>) {
            if let Ok(Some((reply, length))) = Reply::parse(&bytes) {
                prop_assert!(length <= bytes.len() && reply.text.len() <= MAX_TEXT);
                prop_assert!(!reply.text.contains(char::is_control));
            }
        }

        #[test]
        fn a_reply_is_complete_with_its_last_byte_and_never_before(
            code in 200u16..600, lines in prop::collection::vec("[ -~а-я]{0,400}", 1..6), behind: Vec<u8>
        ) {
            let (last, others) = lines.split_last().unwrap();
            let others: Vec<_> = others.iter().map(|line| format!("{code}-{line}\r\n")).collect();
            let wire = format!("{}{code} {last}\r\n", others.concat());
            for end in 0..wire.len() {
                prop_assert_eq!(Reply::parse(wire.as_bytes().get(..end).unwrap()), Ok(None));
            }
            let (reply, length) = Reply::parse(&[wire.as_bytes(), &behind].concat()).unwrap().unwrap();
            prop_assert_eq!((reply.code, length), (code, wire.len()));
            prop_assert!(lines.join(" ").trim_start().starts_with(reply.text.trim()));
        }
    }
}
