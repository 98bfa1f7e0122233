//! The envelope of a mail, its commands, and the extensions that it requires. Pure.

use std::{fmt::Write as _, str};

use super::{
    failure::{Failure, FailureClass},
    reply::Stage,
};

/// The envelope of one mail to one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The address for bounces; empty for mail that must not bounce.
    pub from: &'a str,
    pub to: &'a str,
    /// Length of the body, in bytes.
    pub size: usize,
    /// Whether the body has bytes above 127.
    pub eight_bit: bool,
}

/// The extensions in the reply to EHLO: a keyword and its parameters on each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(Vec<String>);

impl<'a> Envelope<'a> {
    pub fn new(from: &'a str, to: &'a str, body: &[u8]) -> Self {
        Self {
            from,
            to,
            size: body.len(),
            eight_bit: !body.is_ascii(),
        }
    }

    /// `MAIL`, `RCPT` and `DATA`, one per line, or why this server does not support this mail.
    pub(super) fn commands(&self, offered: &Capabilities) -> Result<String, Failure> {
        let unsendable =
            |detail: &str| Err(Failure::new(Stage::Mail, FailureClass::Unsendable, detail));
        if self.to.is_empty() || ![self.from, self.to].into_iter().all(is_clean) {
            return unsendable("the address contains characters that are not allowed in a command");
        }
        let mut parameters = String::new();
        if !(self.from.is_ascii() && self.to.is_ascii()) {
            if !offered.has("SMTPUTF8") {
                return unsendable(
                    "the address is not ASCII and the server does not offer SMTPUTF8",
                );
            }
            parameters.push_str(" SMTPUTF8");
        }
        if self.eight_bit {
            if !offered.has("8BITMIME") {
                return unsendable("the body is not ASCII and the server does not offer 8BITMIME");
            }
            parameters.push_str(" BODY=8BITMIME");
        }
        if let Some(mut limits) = offered.parameters("SIZE") {
            // No number, or 0: no fixed limit (RFC 1870, section 4).
            let limit = limits
                .next()
                .and_then(|limit| limit.parse().ok())
                .unwrap_or(0);
            if 0 < limit && limit < self.size {
                return unsendable("the mail is larger than the server accepts");
            }
            // Writing to a String cannot fail.
            let _ = write!(parameters, " SIZE={}", self.size);
        }
        Ok(format!(
            "MAIL FROM:<{}>{parameters}\r\nRCPT TO:<{}>\r\nDATA\r\n",
            self.from, self.to
        ))
    }
}

fn is_clean(address: &str) -> bool {
    !address.contains(|c: char| c.is_control() || c.is_whitespace() || c == '<' || c == '>')
}

impl Capabilities {
    /// From all lines of the reply to EHLO, the first of which is the server's name.
    pub(super) fn parse(lines: &[u8]) -> Self {
        let lines = lines.split(|byte| *byte == b'\n').skip(1);
        Self(
            lines
                .filter_map(|line| {
                    Some(
                        str::from_utf8(line.get(4..)?)
                            .ok()?
                            .trim()
                            .to_ascii_uppercase(),
                    )
                })
                .collect(),
        )
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.parameters(keyword).is_some()
    }

    /// Some old servers write `AUTH=PLAIN` for `AUTH PLAIN`.
    pub(super) fn parameters(&self, keyword: &str) -> Option<impl Iterator<Item = &str>> {
        let rest = self.0.iter().find_map(|line| {
            let rest = line.strip_prefix(keyword)?;
            (rest.is_empty() || rest.starts_with([' ', '='])).then_some(rest)
        })?;
        Some(
            rest.split([' ', '='])
                .filter(|parameter| !parameter.is_empty()),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offers(lines: &[&str]) -> Capabilities {
        let lines = [&["mail.example.org"], lines, &["HELP"]].concat();
        Capabilities::parse(format!("250-{}\r\n", lines.join("\r\n250-")).as_bytes())
    }

    #[test]
    fn the_servers_name_is_no_capability_and_case_does_not_matter() {
        let offered = Capabilities::parse(
            b"250-PIPELINING\r\n250-Size 100\r\n250-auth=login PLAIN\r\n250 8bitmime\r\n",
        );
        assert!(!offered.has("PIPELINING") && offered.has("8BITMIME") && !offered.has("8BIT"));
        assert_eq!(
            offered.parameters("AUTH").unwrap().collect::<Vec<_>>(),
            ["LOGIN", "PLAIN"]
        );
    }

    #[test]
    fn parameters_are_given_only_where_needed_and_offered() {
        let plain = Envelope::new("a@example.org", "b@example.org", b"hello");
        assert_eq!(
            plain.commands(&offers(&["8BITMIME", "SMTPUTF8"])).unwrap(),
            "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
        );
        let cyrillic = Envelope::new("", "почта@example.org", "привет".as_bytes());
        assert!(
            cyrillic
                .commands(&offers(&["8BITMIME", "SMTPUTF8", "SIZE 12"]))
                .unwrap()
                .starts_with("MAIL FROM:<> SMTPUTF8 BODY=8BITMIME SIZE=12\r\n")
        );
    }

    #[test]
    fn what_the_server_cannot_take_is_not_even_tried() {
        for (to, body, lines) in [
            ("почта@example.org", "x", &["8BITMIME"][..]),
            ("b@example.org", "привет", &["SMTPUTF8"]),
            ("b@example.org", "123456", &["SIZE 5"]),
            ("", "x", &[]),
            ("b@example.org> SIZE=1\r\nRSET\r\n", "x", &[]),
        ] {
            let failure = Envelope::new("a@example.org", to, body.as_bytes())
                .commands(&offers(lines))
                .unwrap_err();
            assert_eq!(failure.class, FailureClass::Unsendable, "{to}");
        }
        assert!(
            Envelope::new("a@example.org", "b@example.org", b"123456")
                .commands(&offers(&["SIZE 0"]))
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn no_address_adds_a_command(from: String, to: String) {
            if let Ok(commands) = Envelope::new(&from, &to, b"").commands(&offers(&["SMTPUTF8"])) {
                prop_assert_eq!(commands.lines().count(), 3);
                prop_assert_eq!(commands.matches(['\r', '\n']).count(), 6);
            }
        }
    }
}
