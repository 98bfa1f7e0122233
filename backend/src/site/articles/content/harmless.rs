//! Whatever the input, sanitized HTML contains nothing active.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// The URL as a browser parses it: surrounding white space, tabs and line breaks are removed (URL standard, 4.4).
fn scheme(address: &str) -> Option<String> {
    let address = address.trim_matches(|c: char| c <= ' ');
    let address = address.replace(['\t', '\n', '\r'], "");
    let (scheme, _) = address.split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    named.then(|| scheme.to_ascii_lowercase())
}

fn assert_harmless(html: &str) -> Result<(), TestCaseError> {
    let Ok(clean) = clean(html) else {
        return Ok(());
    };
    let again = SANITIZER.clean(&clean).to_string();
    prop_assert_eq!(&again, &clean, "{}", html);
    for token in tokens(&clean) {
        let Token::StartTag(tag) = token else {
            continue;
        };
        prop_assert!(
            ALLOWED.iter().any(|(name, _)| *name == utf8(&tag.name)),
            "{}",
            clean
        );
        for (name, value) in &tag.attributes {
            let (name, value) = (utf8(name), utf8(value));
            prop_assert!(!name.starts_with("on") && name != "style", "{}", clean);
            let scheme = scheme(&value).filter(|_| ["href", "src"].contains(&&*name));
            let known = ["http", "https", "mailto"];
            prop_assert!(
                scheme.is_none_or(|it| known.contains(&it.as_str())),
                "{}",
                clean
            );
        }
    }
    Ok(())
}

#[test]
fn no_spelling_of_an_address_makes_it_act() {
    for part in [
        "&#xF0003;",
        "&#xF0000;",
        "\u{F0003}",
        "\u{E000}",
        "&#10;",
        "&NewLine;",
        "&Tab;",
        "\n",
        "\t",
        "\r",
        "&#0;",
        "\0",
        "&#x1;",
        "\u{1}",
        "\u{ad}",
        "\u{200b}",
        "&#x200B;",
        "\u{fffe}",
        "<!---->",
        "&amp;",
        "&",
    ] {
        for address in [
            format!("java{part}script:alert(1)"),
            format!("{part}javascript:alert(1)"),
            format!("javascript{part}:alert(1)"),
            format!("{part}data:text/html,x"),
            format!("vb{part}script:x"),
        ] {
            let html = format!("<p><a href=\"{address}\" title='{part}'>{part}</a>");
            assert_harmless(&html).unwrap();
            assert_harmless(&html.replace('"', "")).unwrap();
        }
    }
}

#[test]
fn a_character_of_private_use_is_text_like_any_other() {
    let html = "<p>\u{F0000}\u{F0001}script\u{F0002}\u{F0003}\u{E000}</p>";
    assert_eq!(clean(html).unwrap(), html);
    assert_eq!(
        clean("<p>&#xF0001;b&#xF0002;</p>").unwrap(),
        "<p>\u{F0001}b\u{F0002}</p>"
    );
}

proptest! {
    #[test]
    fn what_is_kept_is_what_a_sanitiser_would_keep_of_it(
        parts in prop::collection::vec(select(PARTS.to_vec()), 0..40),
    ) {
        assert_harmless(&parts.concat())?;
    }
}

const PARTS: [&str; 62] = [
    "<a href=\"",
    "<a href='",
    "<a href=",
    "<a title=\"",
    "<img src=\"/api/v1/images/a.webp\" alt=\"",
    "<img src=x ",
    "\">",
    "'>",
    ">",
    "\"",
    "'",
    "java",
    "script",
    ":",
    "javascript:",
    "data:",
    "https://example.org/",
    "&#xF0003;",
    "&#xF0000;",
    "\u{F0001}",
    "\u{F0003}",
    "&#10;",
    "&colon;",
    "&Tab;",
    "&lt;",
    "&gt;",
    "&amp;",
    "&quot;",
    "&",
    "<",
    "\n",
    "\t",
    " ",
    "a",
    "</a>",
    "<b>",
    "</b>",
    "<p>",
    "</p>",
    "<pre>",
    "\n\n",
    "</pre>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<caption>",
    "<ul>",
    "<li>",
    "</ul>",
    "<svg>",
    "<math>",
    "<mtext>",
    "<style>",
    "</style>",
    "<script>",
    "</script>",
    "<title>",
    "<textarea>",
    "<!--",
    "-->",
    "<h1>",
];
