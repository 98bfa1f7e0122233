//! DKIM signatures (RFC 6376, RFC 8463). Own code over aws-lc: the available crates depend on the `rsa` crate
//! (RUSTSEC-2023-0071), and parse the composed mail again. Pure.

mod alignment;
mod folded;
mod key;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub use self::alignment::is_aligned;
use self::folded::Folded;
pub use self::key::{Algorithm, DkimKey, KeyError};

/// The headers that are signed, if present.
const SIGNED: [&str; 9] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "list-unsubscribe",
    "list-unsubscribe-post",
];
/// Length of the signature on one line.
const LINE: usize = 70;

/// The domain in ASCII, if it is valid.
pub fn domain(text: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(text).ok()?;
    let of_name = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let fits = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(of_name);
    (ascii.len() <= 253 && ascii.split('.').all(fits)).then_some(ascii)
}

/// The label between selector and domain in DNS (RFC 6376, 3.6.2.1); belongs to neither.
const BETWEEN: &str = "_domainkey";

/// Whether this is (part of) the DNS name where a key is published, rather than a signing domain.
pub fn is_place_of_key(text: &str) -> bool {
    text.split('.')
        .any(|label| label.eq_ignore_ascii_case(BETWEEN))
}

/// Whether this is a valid selector.
pub fn is_selector(text: &str) -> bool {
    text.len() <= 63
        && !is_place_of_key(text)
        && domain(text).is_some_and(|name| name.eq_ignore_ascii_case(text))
}

/// The mail is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mail cannot be signed")]
pub struct NotSigned;

/// Signs mails of a domain.
#[derive(Debug)]
pub struct Signer {
    pub domain: String,
    selector: String,
    key: DkimKey,
}

impl Signer {
    /// Creates a signer. The domain is one from [`domain`], and the selector satisfies [`is_selector`].
    pub fn new(domain: &str, selector: &str, key: DkimKey) -> Self {
        Self {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            key,
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The mail with its signature prepended. The lines of the mail end with CRLF.
    pub fn signed(
        &self,
        mail: &[u8],
        hash_of: impl FnOnce(&[u8]) -> BodyHash,
    ) -> Result<Vec<u8>, NotSigned> {
        // The line break of the empty line belongs to neither.
        let end = memchr::memmem::find(mail, b"\r\n\r\n").ok_or(NotSigned)?;
        let (head, body) = mail.split_at_checked(end + 2).ok_or(NotSigned)?;
        let body = body.get(2..).ok_or(NotSigned)?;
        let head = str::from_utf8(head).map_err(|_no_text| NotSigned)?;
        let header = self.header(head, hash_of(body)).ok_or(NotSigned)?;
        Ok([header.as_bytes(), mail].concat())
    }

    /// The signature of a mail with this head (without the empty line) and a body with this hash.
    fn header(&self, head: &str, body: BodyHash) -> Option<String> {
        let lines = unfolded(head);
        let mut text = String::with_capacity(head.len() + 512);
        let mut names = Vec::with_capacity(SIGNED.len());
        for wanted in SIGNED {
            let found = lines
                .iter()
                .rev()
                .find(|line| name_of(line).eq_ignore_ascii_case(wanted));
            if let Some(line) = found {
                relaxed_header(line, &mut text);
                text.push_str("\r\n");
                names.push(wanted);
            }
        }
        let mut header = self.unsigned(&names, body);
        relaxed_header(header.as_str(), &mut text);
        let signature = STANDARD.encode(self.key.sign(text.as_bytes())?);
        for piece in signature.as_bytes().chunks(LINE) {
            header.push(str::from_utf8(piece).ok()?);
        }
        Some(header.finish())
    }

    /// The header without the signature value.
    fn unsigned(&self, names: &[&str], body: BodyHash) -> Folded {
        let algorithm = match self.algorithm() {
            Algorithm::Ed25519 => "ed25519-sha256",
            Algorithm::Rsa => "rsa-sha256",
        };
        let mut header = Folded::new("DKIM-Signature: v=1;");
        header.push(&format!(" a={algorithm};"));
        header.push(" c=relaxed/relaxed;");
        header.push(&format!(" d={};", self.domain));
        header.push(&format!(" s={};", self.selector));
        for (number, name) in names.iter().enumerate() {
            let before = if number == 0 { " h=" } else { "" };
            let behind = if number + 1 == names.len() { ";" } else { ":" };
            header.push(&format!("{before}{name}{behind}"));
        }
        header.push(&format!(" bh={};", STANDARD.encode(body.0)));
        header.push(" b=");
        header
    }
}

/// The hash of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyHash([u8; 32]);

impl BodyHash {
    /// The hash of a body whose lines end with CRLF, with relaxed canonicalization (RFC 6376, 3.4.4).
    pub fn of(body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        let mut empty_lines = 0;
        for line in body.split_inclusive(|byte| *byte == b'\n') {
            let line = line.trim_ascii_end();
            if line.is_empty() {
                empty_lines += 1;
                continue;
            }
            for _ in 0..std::mem::take(&mut empty_lines) {
                hash.update(b"\r\n");
            }
            words(line, |part| hash.update(part));
            hash.update(b"\r\n");
        }
        Self(hash.finalize().into())
    }
}

/// Calls `each` with the parts of the line, replacing every run of spaces and tabs with one space.
fn words(line: &[u8], mut each: impl FnMut(&[u8])) {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.iter().position(is_space).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(word);
        each(word);
        let spaces = behind.iter().take_while(|byte| is_space(byte)).count();
        if spaces > 0 {
            each(b" ");
        }
        rest = behind.get(spaces..).unwrap_or_default();
    }
}

/// Splits a head into headers.
fn unfolded(head: &str) -> Vec<&str> {
    let mut headers = Vec::with_capacity(16);
    let (mut begin, mut at) = (0, 0);
    for line in head.split_inclusive('\n') {
        if at > begin && !line.starts_with([' ', '\t']) {
            headers.extend(head.get(begin..at));
            begin = at;
        }
        at += line.len();
    }
    headers.extend(head.get(begin..at));
    headers
}

fn name_of(header: &str) -> &str {
    header
        .split_once(':')
        .map_or("", |(name, _)| name.trim_end())
}

/// Appends the header with relaxed canonicalization (RFC 6376, 3.4.2), without its line end.
fn relaxed_header(header: &str, out: &mut String) {
    let (name, value) = header.split_once(':').unwrap_or((header, ""));
    out.push_str(&name.trim_end().to_ascii_lowercase());
    out.push(':');
    let mut is_first = true;
    let parts = value.split([' ', '\t', '\r', '\n']);
    for word in parts.filter(|word| !word.is_empty()) {
        if !is_first {
            out.push(' ');
        }
        is_first = false;
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_counts_as_the_standard_says() {
        let same = |one: &str, other: &str| {
            assert_eq!(
                BodyHash::of(one.as_bytes()),
                BodyHash::of(other.as_bytes()),
                "{one:?}"
            );
        };
        // The example of RFC 6376, 3.4.5.
        same(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
        same("", "\r\n\r\n");
        assert_eq!(
            STANDARD.encode(BodyHash::of(b"\r\n").0),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert_ne!(BodyHash::of(b"a\r\n\r\nb\r\n"), BodyHash::of(b"a\r\nb\r\n"));
    }

    #[test]
    fn a_header_counts_as_the_standard_says() {
        let mut out = String::new();
        for header in unfolded("A: X\r\nB : Y\t\r\n\tZ  \r\n") {
            relaxed_header(header, &mut out);
            out.push_str("\r\n");
        }
        assert_eq!(out, "a:X\r\nb:Y Z\r\n");
    }

    #[test]
    fn what_is_no_key_is_refused_by_what_it_is() {
        assert_eq!(DkimKey::parse("secret").err(), Some(KeyError::Pem));
        let certificate = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(DkimKey::parse(certificate).err(), Some(KeyError::Kind));
    }

    #[test]
    fn selectors_and_domains_are_names() {
        for selector in ["dispatch", "2026.mail", "s1_a"] {
            assert!(is_selector(selector), "{selector}");
        }
        for selector in [
            "",
            "a b",
            "a;d=evil",
            "a\r\nb",
            ".",
            "a..b",
            "ж",
            "dispatch._domainkey",
            "dispatch._DomainKey.example.org",
            "_domainkey",
        ] {
            assert!(!is_selector(selector), "{selector}");
        }
        assert_eq!(domain("Почта.рф").as_deref(), Some("xn--80a1acny.xn--p1ai"));
        assert_eq!(domain("a; s=b"), None);
    }
}
