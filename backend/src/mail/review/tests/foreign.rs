//! What is doubted, what is no mistake, and what holds of every source.

use proptest::prelude::*;

use super::{mistakes, warnings};
use crate::mail::render::{Person, SAMPLES, Template};
use crate::mail::review::{MAX_FINDINGS, review};

#[test]
fn what_other_programs_write_is_doubted() {
    for (source, suggestion) in [
        ("{ full_name }", Some("full_name")),
        ("{first_name}", Some("full_name")),
        ("${email}", Some("email")),
        ("[full_name]", Some("full_name")),
        ("[[email]]", Some("email")),
        ("*|FNAME|*", Some("full_name")),
        ("*|MC:SUBJECT|*", None),
        ("%name%", Some("full_name")),
        ("%%emailaddr%%", Some("email")),
        ("%unsubscribe_url%", Some("unsubscribe_url")),
        ("<%= email %>", Some("email")),
        ("«Имя»", Some("full_name")),
        ("__name__", Some("full_name")),
    ] {
        let found = warnings("text", &format!("жук {source} x"));
        let suggestion = suggestion.map(ToOwned::to_owned);
        assert_eq!(found, [("foreign_syntax", 1, 5, suggestion)], "{source}");
        assert_eq!(mistakes("text", source), [], "{source}");
    }
    for source in [
        "{ color: red }",
        "[1]",
        "100% of 5%",
        "a{b}",
        "{#a{color:red}",
        "[x] done",
        "# Title #",
        "{{ full_name }}",
    ] {
        assert_eq!(warnings("html", source), [], "{source}");
        assert_eq!(mistakes("html", source), [], "{source}");
    }
}

#[test]
fn comments_are_no_part_of_the_language() {
    for source in [
        "@media print {#a{color:red}#b{}}",
        "{# {{ full_name }}",
        "{#",
        "#} {# x #}",
    ] {
        assert_eq!(mistakes("html", source), [], "{source}");
    }
}

#[test]
fn hostile_sources_take_no_longer_for_their_length() {
    for piece in [
        "{",
        "{{",
        "[a",
        "%7B",
        "<a href='",
        "{%",
        "*|",
        "\u{200b}{",
        "{{ x",
        "http://{{",
        "{<b>",
    ] {
        let source = piece.repeat(200_000 / piece.len());
        let began = std::time::Instant::now();
        let found = review("x", &source, &source);
        assert!(found.mistakes.len() <= MAX_FINDINGS && found.warnings.len() <= MAX_FINDINGS);
        assert!(
            began.elapsed().as_secs() < 10,
            "{piece}: {:?}",
            began.elapsed()
        );
    }
}

proptest! {
    #[test]
    fn a_text_without_tags_is_mailed_as_it_is(text in "([^{]|\\{#|#\\}|\\{a|\\[name\\]){0,60}") {
        prop_assume!(!text.contains("{{") && !text.contains("{%") && !text.trim().is_empty());
        prop_assert_eq!(mistakes("text", &text), []);
        let template = Template::parse("x", "", &text).unwrap();
        let person = SAMPLES[0];
        prop_assert_eq!(template.render(&person).unwrap().text, text);
    }

    #[test]
    fn what_is_accepted_can_be_filled_in_for_everybody(
        source in "(a|'|\\{\\{ |\\}\\}|email|full_name|unsubscribe_url|\\||\\| |upper|split|first|last|length|default\\('x', true\\)|urlencode|trim|\\[0\\]|\\{% if |%\\}|\\{% else %\\}|\\{% endif %\\}| == |'q'| ~ | in | if | else |\\(|\\)| and | not ){0,14}",
        full_name in "\\PC{0,200}", local in "[a-z]{1,60}",
    ) {
        let html = format!("<a href=\"https://example.org/?x={source}\">{source}</a>");
        let found = review("s", &html, &source);
        prop_assume!(found.mistakes.is_empty());
        let email = format!("{local}@example.org");
        let person = Person { email: &email, full_name: &full_name, unsubscribe_url: "https://a.example/#b", view_url: "https://a.example/#c" };
        prop_assert!(Template::parse("s", &html, &source).unwrap().render(&person).is_ok());
    }
}
