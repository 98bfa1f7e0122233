//! Every spelling of a mailbox has one canonical form, and ambiguous spellings are rejected.

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Result<String, InvalidEmail> {
    EmailAddress::parse(text).map(|address| address.to_string())
}

#[test]
fn every_spelling_of_a_domain_is_the_same_text() {
    for (text, kept) in [
        ("ann@example.org", "ann@example.org"),
        (" Ann@EXAMPLE.Org ", "Ann@example.org"),
        ("ann@example。org", "ann@example.org"),
        ("ann@example．org", "ann@example.org"),
        ("ann@example｡org", "ann@example.org"),
        ("ann@ｅｘａｍｐｌｅ.org", "ann@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@bu\u{308}cher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("info@Почта.РФ", "info@xn--80a1acny.xn--p1ai"),
        ("ann@faß.de", "ann@xn--fa-hia.de"),
        ("ann@İ.example", "ann@xn--i-9bb.example"),
        ("a..b.@example.org", "a..b.@example.org"),
        ("admin@localhost", "admin@localhost"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(kept), "{text}");
    }
}

#[test]
fn an_address_with_something_invisible_in_it_is_refused() {
    for hidden in [
        '\u{200B}',
        '\u{AD}',
        '\u{200C}',
        '\u{200D}',
        '\u{2060}',
        '\u{FEFF}',
        '\u{180B}',
        '\u{180E}',
        '\u{34F}',
        '\u{FE0F}',
        '\u{202E}',
        '\u{2066}',
        '\u{2064}',
        '\u{E0101}',
        '\u{3164}',
        '\u{200E}',
        '\u{61C}',
        '\u{2028}',
    ] {
        for text in [
            format!("a{hidden}nn@example.org"),
            format!("ann{hidden}@example.org"),
            format!("ann@exam{hidden}ple.org"),
            format!("ann@example{hidden}.org"),
            format!("ann@{hidden}example.org"),
            format!("ann@b{hidden}ücher.example"),
        ] {
            assert_eq!(
                parsed(&text),
                Err(InvalidEmail::InvisibleCharacter),
                "{text:?}"
            );
        }
    }
    // A joiner that the word requires.
    assert!(parsed("ann@نامه\u{200C}ای.example").is_ok());
}

#[test]
fn what_no_mail_can_be_sent_to_is_refused() {
    for text in [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@.org",
        "ann@example..org",
        "ann@example.org.",
        "ann@-example.org",
        "ann@example-.org",
        "ann@exa_mple.org",
        "ann@exa mple.org",
        "ann@example.org\r\nBcc: x@example.org",
        "a nn@example.org",
        "\"ann\"@example.org",
        "ann@bob@example.org",
        "<ann@example.org>",
        "Ann <ann@example.org>",
        "ann@example.org,bob@example.org",
        "ann@[192.0.2.1]",
        "ann@[IPv6:2001:db8::1]",
        "ann@192.0.2.1",
        "ann@xn--a.example",
        "ann@xn--example-.org",
        "ann@a\u{FFFD}.org",
        "анна@example.org",
    ] {
        assert_eq!(parsed(text), Err(InvalidEmail::Malformed), "{text:?}");
    }
}

#[test]
fn an_address_is_as_long_as_an_envelope_can_carry() {
    let domain = |length: usize| {
        let labels = format!("{}.{}.{}.", "b".repeat(63), "c".repeat(63), "d".repeat(57));
        format!("{labels}{}", "e".repeat(length - labels.len()))
    };
    let user = "a".repeat(64);
    assert!(parsed(&format!("{user}@{}", domain(189))).is_ok());
    for text in [
        format!("{user}@{}", domain(190)),
        // Two bytes longer when quoted.
        format!("{}.@{}", "a".repeat(63), domain(189)),
        format!("a{user}@example.org"),
        format!("ann@{}", "ü".repeat(600)),
    ] {
        assert_eq!(parsed(&text), Err(InvalidEmail::TooLong), "{text}");
    }
    assert!(parsed(&format!("ann@{}.org", "ü".repeat(60))).is_err());
}

#[test]
fn addresses_that_differ_in_case_are_one_and_keep_theirs() {
    let (upper, lower) = (
        EmailAddress::parse("ANN@Example.org").unwrap(),
        EmailAddress::parse("ann@example.org").unwrap(),
    );
    assert_eq!(upper, lower);
    assert_eq!(
        (upper.key(), upper.as_str()),
        (lower.key(), "ANN@example.org")
    );
    for (typed, other) in [
        ("ANİ@example.org", "ani@example.org"),
        ("\u{212A}ate@example.org", "kate@example.org"),
        ("ＡＮＮ@example.org", "ann@example.org"),
        ("weiß@example.org", "weiss@example.org"),
    ] {
        assert_ne!(EmailAddress::key_of(typed), other, "{typed}");
    }
}

#[test]
fn a_user_with_dots_out_of_place_is_quoted_for_the_server() {
    let address = EmailAddress::parse("ann.@example.org").unwrap();
    assert_eq!(address.to_smtp(), "\"ann.\"@example.org");
}

#[test]
fn what_was_stored_is_read_as_it_was_mailed() {
    let recovered = |text| EmailAddress::recover(text).map(|address| address.to_string());
    for text in [
        "ann@exam\u{200B}ple.org",
        "ann@exam\u{AD}ple.org",
        "ann@Example.org",
    ] {
        assert_eq!(recovered(text).as_deref(), Some("ann@example.org"));
    }
    for text in ["nobody", "ann@[192.0.2.1]", "анна@example.org"] {
        assert_eq!(recovered(text), None, "{text}");
    }
}

#[test]
fn a_mistake_is_known_by_its_sentence() {
    for mistake in InvalidEmail::ALL {
        assert_eq!(InvalidEmail::saying(&mistake.to_string()), Some(mistake));
    }
}

proptest! {
    #[test]
    fn what_is_kept_is_ascii_and_read_again_the_same(text in "[a-zA-Z.+]{1,20}@(\\PC|[a-zA-ZÀ-ž.]){1,30}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            prop_assert!(address.as_str().is_ascii() && address.to_smtp().len() <= MAX_LENGTH);
            let again = EmailAddress::parse(address.as_str()).unwrap();
            prop_assert_eq!(again.as_str(), address.as_str());
            prop_assert_eq!(again.key(), address.as_str().to_lowercase());
        }
    }
}
