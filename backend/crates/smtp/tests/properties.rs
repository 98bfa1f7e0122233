//! Properties of replies and DKIM signatures for any input.

use proptest::prelude::*;
use smtp::dkim::{BodyHash, DkimKey, Signer};
use smtp::reply::Reply;

/// Created with openssl; not used elsewhere.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIP9d/Ct0aroJmDVQOyJrx3J9C/Jc1IcF0q1VT7n6LzxR
-----END PRIVATE KEY-----
";

proptest! {
    #[test]
    fn replies_sent_in_one_packet_are_parsed_one_after_the_other(
        replies in prop::collection::vec((200u16..600, "[ -~]{0,60}"), 1..8)
    ) {
        let lines: Vec<_> = replies.iter().map(|(code, text)| format!("{code} {text}\r\n")).collect();
        let wire = lines.concat();
        let (mut rest, mut codes) = (wire.as_bytes(), Vec::new());
        while let Ok(Some((reply, length))) = Reply::parse(rest) {
            codes.push(reply.code);
            rest = rest.get(length..).unwrap();
        }
        prop_assert!(rest.is_empty());
        prop_assert_eq!(codes, replies.iter().map(|(code, _)| *code).collect::<Vec<_>>());
    }

    #[test]
    fn white_space_that_relays_may_change_does_not_change_the_body_hash(
        lines in prop::collection::vec(prop::collection::vec("[!-~]{1,9}", 0..5), 0..9),
        space in "[ \t]{1,4}", trailing in "[ \t]{0,3}", empty_lines in 0usize..4
    ) {
        let written = |space: &str, end: &str| {
            let lines: Vec<_> = lines.iter().map(|words| format!("{}{end}\r\n", words.join(space))).collect();
            lines.concat()
        };
        let plain = written(" ", "");
        let changed = format!("{}{}", written(&space, &trailing), "\r\n".repeat(empty_lines));
        prop_assert_eq!(BodyHash::of(plain.as_bytes()), BodyHash::of(changed.as_bytes()));
        let other = format!("{plain}x\r\n");
        prop_assert_ne!(BodyHash::of(plain.as_bytes()), BodyHash::of(other.as_bytes()));
    }

    #[test]
    fn a_signature_is_one_header_before_the_unchanged_mail(
        headers in prop::collection::vec("(From|To|Subject|X-Other): [!-~][ -~]{0,60}", 1..6), body in "([ -~]{0,40}\r\n){0,5}"
    ) {
        let signer = Signer::new("example.org", "s1", DkimKey::parse(KEY).unwrap());
        let mail = format!("{}\r\n\r\n{body}", headers.join("\r\n"));
        let signed = String::from_utf8(signer.signed(mail.as_bytes(), BodyHash::of).unwrap()).unwrap();
        let signature = signed.strip_suffix(&mail).unwrap();
        prop_assert!(signature.starts_with("DKIM-Signature: ") && signature.ends_with("\r\n"));
        let mut folded = signature.trim_end().split("\r\n").skip(1);
        prop_assert!(folded.all(|line| line.starts_with(' ') && line.len() <= 78));
    }
}
