//! Encodes a mail for DATA: CRLF line ends, dot-stuffing, a final dot. Pure.

/// Appends the body and its final dot.
///
/// Every bare CR and bare LF becomes CRLF: servers disagree on whether `LF . LF` ends a mail, and a text written by one
/// of our users must not be able to end the mail and start another (SMTP smuggling).
pub(super) fn append_body(flight: &mut Vec<u8>, body: &[u8]) {
    flight.reserve(body.len() + body.len() / 32 + 16);
    if is_ready(body) {
        flight.extend_from_slice(body);
        flight.extend_from_slice(b".\r\n");
        return;
    }
    let mut rest = body;
    while !rest.is_empty() {
        let (line, behind) = split_line(rest);
        if line.starts_with(b".") {
            flight.push(b'.');
        }
        flight.extend_from_slice(line);
        flight.extend_from_slice(b"\r\n");
        rest = behind;
    }
    flight.extend_from_slice(b".\r\n");
}

/// Whether every line ends with CRLF and none begins with a dot. Three passes over all bytes are faster than examining
/// every line.
fn is_ready(body: &[u8]) -> bool {
    let count = |byte| memchr::memchr_iter(byte, body).count();
    let begins_with_dot = body.starts_with(b".") || memchr::memmem::find(body, b"\n.").is_some();
    let ends = count(b'\n');
    !begins_with_dot
        && count(b'\r') == ends
        && memchr::memmem::find_iter(body, b"\r\n").count() == ends
        && (body.is_empty() || body.ends_with(b"\n"))
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    let (line, behind) = bytes.split_at(end);
    let behind = behind
        .strip_prefix(b"\r\n")
        .or_else(|| behind.get(1..))
        .unwrap_or_default();
    (line, behind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(body: &[u8]) -> Vec<u8> {
        let mut flight = Vec::new();
        append_body(&mut flight, body);
        flight
    }

    #[test]
    fn a_line_that_begins_with_a_dot_gets_another() {
        assert_eq!(sent(b".\r\na.\r\n..b\r\n"), b"..\r\na.\r\n...b\r\n.\r\n");
    }

    #[test]
    fn a_body_without_an_end_of_line_gets_one_and_an_empty_one_stays_empty() {
        assert_eq!(sent(b"a"), b"a\r\n.\r\n");
        assert_eq!(sent(b"a\r\n"), b"a\r\n.\r\n");
        assert_eq!(sent(b""), b".\r\n");
    }

    #[test]
    fn no_spelling_of_the_end_of_a_line_smuggles_a_second_mail() {
        for end in ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r.\r\n", "\r\n.\r"] {
            assert_eq!(
                sent(format!("a{end}MAIL FROM:<evil@example.org>").as_bytes()),
                b"a\r\n..\r\nMAIL FROM:<evil@example.org>\r\n.\r\n"
            );
        }
    }

    proptest! {
        #[test]
        fn the_only_line_that_is_a_dot_is_the_last(body in "[a.\r\n]{0,60}") {
            let sent = String::from_utf8(sent(body.as_bytes())).unwrap();
            let mut lines: Vec<_> = sent.split("\r\n").collect();
            prop_assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])));
            prop_assert_eq!((lines.pop(), lines.pop()), (Some(""), Some(".")));
            let unstuffed: Vec<_> = lines.iter().map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            prop_assert!(!lines.contains(&"."));
            let plain = body.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(unstuffed, plain.lines().collect::<Vec<_>>());
        }
    }
}
