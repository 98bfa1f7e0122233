//! Replies as servers write them, complete, split and malformed.

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
