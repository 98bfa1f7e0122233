//! Bodies in the form in which they travel: lines that end with CRLF and have at most 76 characters, all of them ASCII
//! (RFC 2045, 6.7). Own code, because this is half of what a mail costs.

/// A body's media type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyKind {
    Plain,
    Html,
}

/// Appends a body with its headers, without a line end behind it.
pub(super) fn append_part(kind: BodyKind, text: &str, out: &mut Vec<u8>) {
    if is_plain(text) {
        append_type(kind, out);
        out.extend_from_slice(b"Content-Transfer-Encoding: 7bit\r\n\r\n");
        plain(text, out);
    } else {
        append_quoted_headers(kind, out);
        quoted_printable(text, out);
    }
}

/// Appends the headers of a body in quoted-printable.
pub(super) fn append_quoted_headers(kind: BodyKind, out: &mut Vec<u8>) {
    append_type(kind, out);
    out.extend_from_slice(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n");
}

fn append_type(kind: BodyKind, out: &mut Vec<u8>) {
    out.extend_from_slice(match kind {
        BodyKind::Plain => b"Content-Type: text/plain; charset=utf-8\r\n",
        BodyKind::Html => b"Content-Type: text/html; charset=utf-8\r\n",
    });
}

/// Encodes text as quoted-printable. Any spelling of a line's end becomes CRLF.
pub(super) fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + text.len() / 16);
    lines(text, |line, is_last| {
        quoted_line(line, 0, out);
        if !is_last {
            out.extend_from_slice(b"\r\n");
        }
    });
}

/// Copies text that travels as it is, see [`is_plain`].
fn plain(text: &str, out: &mut Vec<u8>) {
    lines(text, |line, is_last| {
        out.extend_from_slice(line);
        if !is_last {
            out.extend_from_slice(b"\r\n");
        }
    });
}

/// Whether the text needs no encoding: short lines of ASCII that no boundary of ours can be mistaken for.
fn is_plain(text: &str) -> bool {
    let mut plain = text.is_ascii() && !text.contains(BOUNDARY_START);
    lines(text, |line, _| {
        plain &= line.len() <= MAX_LINE
            && !line.ends_with(b" ")
            && line.iter().all(|b| matches!(b, b' '..=b'~' | b'\t'));
    });
    plain
}

/// How every boundary begins. Quoted-printable cannot contain it: there `=` is followed by a digit, A to F or CRLF.
pub(super) const BOUNDARY_START: &str = "=_";
const MAX_LINE: usize = 76;

/// Calls `each` with every line, without its end, and whether it is the last.
fn lines(text: &str, mut each: impl FnMut(&[u8], bool)) {
    let mut rest = text.as_bytes();
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, behind) = rest.split_at(end);
        each(line, false);
        rest = behind
            .strip_prefix(b"\r\n")
            .or_else(|| behind.get(1..))
            .unwrap_or_default();
    }
    each(rest, true);
}

/// Encodes a line, or the end of one that begins at this column.
pub(super) fn quoted_line(mut line: &[u8], mut column: usize, out: &mut Vec<u8>) {
    while let Some((&first, behind)) = line.split_first() {
        // The last column is left for the soft break.
        let room = (MAX_LINE - 1).saturating_sub(column);
        let run = line
            .iter()
            .take(room)
            .take_while(|byte| is_literal(**byte))
            .count();
        // White space at the end of a line does not survive transport.
        let run = if run == line.len() && line.ends_with(b" ") {
            run - 1
        } else {
            run
        };
        if run > 0 {
            let (literal, rest) = line.split_at(run);
            out.extend_from_slice(literal);
            (column, line) = (column + run, rest);
        } else if room < 3 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        } else {
            out.extend_from_slice(&[b'=', hex(first >> 4), hex(first & 15)]);
            (column, line) = (column + 3, behind);
        }
    }
}

const fn is_literal(byte: u8) -> bool {
    matches!(byte, b' '..=b'<' | b'>'..=b'~')
}

const fn hex(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' + nibble - 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        quoted_printable(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_broken_where_the_standard_says() {
        assert_eq!(encoded("a=b \n\tc\r\n"), "a=3Db=20\r\n=09c\r\n");
        assert_eq!(encoded(&"a".repeat(75)), "a".repeat(75));
        assert_eq!(
            encoded(&"a".repeat(77)),
            format!("{}=\r\naa", "a".repeat(75))
        );
        assert_eq!(encoded("ж"), "=D0=B6");
    }

    #[test]
    fn only_short_clean_ascii_travels_as_it_is() {
        assert!(is_plain("a\r\n\tb.\n"));
        for text in ["ж", "a \nb", "a\u{b}", "--=_x", &"a".repeat(77)] {
            assert!(!is_plain(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_is_decoded_again(text in "(?s)[a-c=_ \t\r\n.жы😀]{0,300}") {
            let sent = encoded(&text);
            prop_assert!(sent.split("\r\n").all(|line| line.len() <= 76 && !line.contains(['\r', '\n'])));
            prop_assert!(sent.is_ascii() && !sent.contains(BOUNDARY_START));
            prop_assert!(!sent.split("\r\n").any(|line| line.ends_with([' ', '\t'])));
            let mut decoded = Vec::new();
            let mut bytes = sent.replace("=\r\n", "").into_bytes().into_iter();
            while let Some(byte) = bytes.next() {
                let digits = (byte == b'=').then(|| [bytes.next().unwrap(), bytes.next().unwrap()]);
                decoded.push(digits.map_or(byte, |pair| {
                    u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap()
                }));
            }
            let wanted = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            prop_assert_eq!(String::from_utf8(decoded).unwrap(), wanted);
        }
    }
}
