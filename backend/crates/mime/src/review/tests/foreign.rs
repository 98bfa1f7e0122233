//! Warnings, texts without findings, and properties of all sources.

use proptest::prelude::*;

use super::{mistakes, warnings};
use crate::placeholder_values::{PlaceholderValues, SAMPLES};
use crate::render::Template;
use crate::review::{MAX_FINDINGS, review};

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
        ("{$name|default('friend')}", Some("full_name")),
        ("[[firstname|friend]]", Some("full_name")),
        ("[firstname,fallback=friend]", Some("full_name")),
        ("｛｛ full_name ｝｝", Some("full_name")),
        ("<%- name %>", Some("full_name")),
        ("<?= $name ?>", Some("full_name")),
        ("*|DATE:d/m/y|*", None),
        ("{!Contact.FirstName}", Some("full_name")),
        ("{*full_name*}", Some("full_name")),
        ("{:full_name}", Some("full_name")),
        ("{full_name:friend}", Some("full_name")),
        ("{contactfield=firstname}", Some("full_name")),
        ("{if email}", Some("email")),
        ("[-full_name-]", Some("full_name")),
        ("[contact:firstname]", Some("full_name")),
        ("[[FIRST NAME OR \"Friend\"]]", Some("full_name")),
        ("$[FNAME]$", Some("full_name")),
        ("[if email]", Some("email")),
        ("((full_name))", Some("full_name")),
        ("||full_name||", Some("full_name")),
        ("#recipient:name#", Some("full_name")),
        ("%FIRSTNAME|friend%", Some("full_name")),
        ("%(full_name)s", Some("full_name")),
        ("$full_name", Some("full_name")),
        ("$email$", Some("email")),
        ("<full_name>", Some("full_name")),
        ("❴full_name❵", Some("full_name")),
        ("‹full_name›", Some("full_name")),
        ("https://x/%7Bunsubscribe_url%7D", Some("unsubscribe_url")),
    ] {
        let found = warnings("text", &format!("жук {source} x"));
        let suggestion = suggestion.map(ToOwned::to_owned);
        let column = 5 + source.find("%7B").unwrap_or(0);
        assert_eq!(
            found,
            [("foreign_syntax", 1, column, suggestion)],
            "{source}"
        );
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
        "{ name: x }",
        "(email) (name)",
        "#name #email",
        "@name @email",
        "| Name | Email |",
        "%20name%20 50% name 10%",
        "<b>name</b> <address>x</address> <svg><view></view></svg>",
        "<script type='application/ld+json'>{\"name\":\"x\"}</script>",
        "<!--[if mso]>x<![endif]-->",
    ] {
        assert_eq!(warnings("html", source), [], "{source}");
        assert_eq!(mistakes("html", source), [], "{source}");
    }
}

#[test]
fn what_html_spells_as_references_is_doubted_as_it_is_read() {
    for written in [
        "&#123;&#123; full_name &#125;&#125;",
        "&#x7B;&#x7b;full_name&#x7D;&#x7d;",
        "&lbrace;&lcub; full_name &rbrace;&rcub;",
        "{&#8203;{ full_name }&zwnj;}",
        "&lt;%= name %&gt;",
        "&lt;&lt;name&gt;&gt;",
        "&#91;name&#93;",
    ] {
        let found = warnings("html", &format!("<p>жук {written} x</p>"));
        assert_eq!(found.len(), 1, "{written}: {found:?}");
        assert_eq!(found[0].3.as_deref(), Some("full_name"), "{written}");
        assert_eq!(mistakes("html", written), [], "{written}");
    }
    let found = review("x", "<p>&#123;name&#125;!</p>", "").warnings;
    assert_eq!(found[0].found, "&#123;name&#125;");
}

#[test]
fn what_stands_in_an_address_is_read_too() {
    for address in [
        "*|UNSUB|*",
        "[unsubscribe]",
        "{unsubscribe_url}",
        "%unsubscribe_url%",
        "&#91;unsubscribe&#93;",
        "%7Bunsubscribe_url%7D",
        "%257B%20unsubscribe_url%20%257D",
        "%5Bunsubscribe%5D",
        "*%7CUNSUB%7C*",
    ] {
        let html = format!("<p title='x'><a href=\"{address}\">x</a> <a href='#'>y</a>");
        let found = warnings("html", &html);
        let column = html.find(address).unwrap() + 1;
        let meant = Some("unsubscribe_url".to_owned());
        assert_eq!(found, [("foreign_syntax", 1, column, meant)], "{address}");
    }
    for address in [
        "{ {unsubscribe_url} }",
        "{\u{200b}{ unsubscribe_url }}",
        "&#123;&#123;unsubscribe_url&#125;&#125;",
        "&lbrace;{ unsubscribe_url }&rbrace;",
    ] {
        let found = mistakes("html", &format!("<a href=\"{address}\">x</a>"));
        assert_eq!(found[0].3.as_deref(), Some("unsubscribe_url"), "{address}");
    }
    for address in [
        "https://a.example/%20name%20?a[0]=%C3%A9#name",
        "https://a.example/?e={{ email }}&n={{ full_name }}",
    ] {
        let html = format!("<a href=\"{address}\">x</a>");
        assert_eq!(mistakes("html", &html), [], "{address}");
        assert_eq!(warnings("html", &html), [], "{address}");
    }
}

#[test]
fn placeholders_are_looked_for_wherever_a_mail_shows_text_or_has_addresses() {
    for html in [
        "<img srcset='a.png 1x, [unsubscribe_url] 2x'>",
        "<video poster='{unsubscribe_url}'>",
        "<p style=\"background:url('{unsubscribe_url}')\">",
        "<style>p{background:url([unsubscribe_url])}</style>",
        "<td background='%5Bunsubscribe_url%5D'>",
        "<a title='{unsubscribe_url}'>x</a>",
        "<img alt='[unsubscribe_url]'>",
        "<unsubscribe>x</unsubscribe>",
        "<p>Hi <unsubscribe_url></p>",
        "<p>Hi &lt;unsubscribe_url&gt;</p>",
    ] {
        let found = warnings("html", html);
        assert_eq!(found.len(), 1, "{html}: {found:?}");
        assert_eq!(found[0].3.as_deref(), Some("unsubscribe_url"), "{html}");
        assert_eq!(mistakes("html", html), [], "{html}");
    }
    for html in [
        "\\{\\{ full_name \\}\\}",
        "{{ \"full_name\" }}",
        "{{ 'First Name' }}",
        "<a title='{\u{200b}{ full_name }}'>x</a>",
    ] {
        let found = mistakes("html", html);
        assert_eq!(found.len(), 1, "{html}: {found:?}");
        assert_eq!(found[0].3.as_deref(), Some("full_name"), "{html}");
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
        "&#123;",
        "«a|",
        "<a href='{a|'>",
        "%25",
        "<p style='url('>",
        "<style>a{",
        "<img srcset='a,'>",
        "<na>",
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
        let person = PlaceholderValues { email: &email, full_name: &full_name, unsubscribe_url: "https://a.example/#b", view_url: "https://a.example/#c" };
        prop_assert!(Template::parse("s", &html, &source).unwrap().render(&person).is_ok());
    }
}
