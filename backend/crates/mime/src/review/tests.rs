//! Errors and warnings, their positions, and suggestions.

mod foreign;

use super::*;

/// Kind, line, column and suggestion of each finding in this text.
fn mistakes(field: &str, source: &str) -> Vec<(&'static str, usize, usize, Option<String>)> {
    shown(reviewed(field, source).mistakes, field)
}

fn warnings(field: &str, source: &str) -> Vec<(&'static str, usize, usize, Option<String>)> {
    shown(reviewed(field, source).warnings, field)
}

fn reviewed(field: &str, source: &str) -> Review {
    match field {
        "subject" => review(source, "", "x"),
        "html" => review("x", source, ""),
        _ => review("x", "", source),
    }
}

fn shown(found: Vec<Finding>, field: &str) -> Vec<(&'static str, usize, usize, Option<String>)> {
    found
        .into_iter()
        .map(|finding| {
            assert_eq!(finding.field, field);
            let place = finding
                .place
                .unwrap_or_else(|| panic!("a place: {finding:?}"));
            (
                finding.kind.as_str(),
                place.line,
                place.column,
                finding.suggestion,
            )
        })
        .collect()
}

#[test]
fn what_is_closed_behind_an_unreadable_tag_is_not_called_open() {
    let many = "{% if full_name %}x{% endif %}".repeat(300);
    for (source, kinds) in [
        (
            format!("{{% if email %}}{many}{{% endif %}}"),
            vec!["too_long"],
        ),
        (
            "{% if email %}{{ full_name ; }}{% endif %}".to_owned(),
            vec!["unexpected_character"],
        ),
    ] {
        let found = mistakes("html", &source);
        let found: Vec<_> = found.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(found, kinds, "{source}");
    }
}

#[test]
fn a_mistake_names_its_place_and_what_was_meant() {
    for (source, kind, column, suggestion) in [
        (
            "Hi {{ first_name }}",
            "unknown_placeholder",
            7,
            Some("full_name"),
        ),
        (
            "{{ naem | upper }}",
            "unknown_placeholder",
            4,
            Some("full_name"),
        ),
        (
            "{{ contact.name }}",
            "unknown_placeholder",
            4,
            Some("full_name"),
        ),
        (
            "{{ full name }}",
            "unknown_placeholder",
            4,
            Some("full_name"),
        ),
        ("{{ price }}", "unknown_placeholder", 4, None),
        ("{{ email | uper }}", "unknown_filter", 12, Some("upper")),
        ("{{ email | safe }}", "unknown_filter", 12, None),
        ("{% full_name %}", "unknown_statement", 1, Some("full_name")),
        ("{% for x in email %}", "unknown_statement", 1, None),
        ("{% raw %}{% endraw", "not_closed", 1, None),
        (
            "{{ email.domain }}",
            "unknown_placeholder",
            4,
            Some("email"),
        ),
        ("{{ email * 3 }}", "not_available", 10, None),
        ("{{ email() }}", "not_available", 9, None),
        ("{{ email | upper(1) }}", "not_available", 18, None),
        ("{{ email ; }}", "unexpected_character", 10, Some("email")),
        ("a {{ full_name }", "not_closed", 3, Some("full_name")),
        ("a {{ full_name", "not_closed", 3, Some("full_name")),
        ("{{ 'a }}", "not_closed", 1, None),
        ("{{{ full_name }}}", "too_many_braces", 1, Some("full_name")),
        ("{ { full_name } }", "too_many_braces", 1, Some("full_name")),
        ("{% if email %}", "not_closed", 1, None),
        ("a{% endif %}", "not_opened", 2, None),
        ("{{ }}", "invalid", 1, None),
        ("{% if %}x{% endif %}", "invalid", 1, None),
        ("a {{ full_name | split | first }}", "invalid", 3, None),
        ("{{ email email }}", "invalid", 1, None),
        ("{{ (email }}", "not_closed", 1, Some("email")),
    ] {
        for field in ["subject", "html", "text"] {
            let found = mistakes(field, source);
            let (found_kind, line, found_column, meant) =
                found.first().unwrap_or_else(|| panic!("{field}: {source}"));
            assert_eq!(
                (*found_kind, *line, *found_column, meant.as_deref()),
                (kind, 1, column, suggestion),
                "{field}: {source}"
            );
        }
    }
    let found = mistakes("html", "<p>\r\nжук {{ emial }}\n{{ uper }}");
    assert_eq!(
        found,
        [
            ("unknown_placeholder", 2, 8, Some("email".to_owned())),
            ("unknown_placeholder", 3, 4, None)
        ]
    );
    let said = reviewed("text", "{{ first_name }}").mistakes[0].message();
    assert_eq!(
        said,
        "Line 1, column 4: There is no {{ first_name }}; did you mean {{ full_name }}?"
    );
}

#[test]
fn what_cannot_be_seen_in_a_placeholder_is_named() {
    for invisible in [
        "\u{200b}", "\u{ad}", "\u{feff}", "\u{2060}", "\u{200d}", "\u{a0}",
    ] {
        for source in [
            format!("{{{{ full{invisible}_name }}}}"),
            format!("{{{{{invisible}full_name }}}}"),
            format!("{{{{ full_name {invisible}}}}}"),
        ] {
            let found = reviewed("text", &source).mistakes;
            assert_eq!(found[0].kind, FindingKind::InvisibleCharacter, "{source:?}");
            assert!(found[0].found.starts_with("U+"), "{found:?}");
        }
    }
    for source in [
        "{\u{200b}{ full_name }}",
        "{{ full_name }\u{200b}}",
        "{\u{feff}{full_name}\u{feff}}",
    ] {
        let found = reviewed("text", source).mistakes;
        assert!(!found.is_empty(), "{source:?}");
        assert_eq!(
            found[0].suggestion.as_deref(),
            Some("full_name"),
            "{source:?}"
        );
    }
}

#[test]
fn markup_in_a_placeholder_is_named() {
    for source in [
        "{{<b>full_name</b>}}",
        "{{ <span style=\"color: red\">full_name</span> }}",
        "{<b>{ full_name }</b>}",
        "{{ full_<i>name</i> }}",
        "{{&nbsp;full_name&nbsp;}}",
        "{<span>{</span>full_name<span>}</span>}",
    ] {
        let found = reviewed("html", source).mistakes;
        assert_eq!(
            (found[0].kind, found[0].suggestion.as_deref()),
            (FindingKind::MarkupInside, Some("full_name")),
            "{source}"
        );
    }
}

#[test]
fn a_dead_link_is_refused_in_every_attribute_and_style() {
    for html in [
        "<img srcset='{{ view_url }} 1x, https://x/{{ view_url }} 2x'>",
        "<video poster='https://x/{{ view_url }}'>",
        "<td background='x{{ view_url }}'>",
        "<object data='x{{ view_url }}'>",
        "<p style='background:url(https://x/{{ view_url }})'>",
        "<p style='background:url(&quot;x{{ view_url }}&quot;)'>",
        "<p style='background:url(\"%7B%7Bview_link%7D%7D\")'>",
        "<style>p{background:url('x{{ view_url }}')}</style>",
        "<style>@import \"x{{ view_url }}\";</style>",
    ] {
        let found = mistakes("html", html);
        assert_eq!(found.len(), 1, "{html}: {found:?}");
    }
    for html in [
        "<img srcset='{{ view_url }} 1x, https://x/?to={{ view_url }} 2x'>",
        "<video poster='{{ view_url }}'>",
        "<p style='background:url({{ view_url }})'>",
        "<p style='background:url(%7B%7Bview_url%7D%7D)'>",
        "<style>p{background:url(https://x/?e={{ email }})}</style>",
    ] {
        assert_eq!(mistakes("html", html), [], "{html}");
    }
}

#[test]
fn a_link_that_would_lead_nowhere_is_refused() {
    for href in [
        "https://example.org/{{ unsubscribe_url }}",
        "mailto:{{ unsubscribe_url }}",
        "x-webdoc://A-1/{{ unsubscribe_url }}",
        "{{ unsubscribe_url }}?utm_source=x",
        "{{ view_url }}/",
        "{{ view_url | lower }}",
        "%7B%7B%20unsubscribe_link%20%7D%7D",
        "https://a.example/{% if email %}{{ unsubscribe_url }}{% endif %}",
        "{% if email %}https://a.example/{% endif %}{{ unsubscribe_url }}",
        "{{ unsubscribe_url }}{% if email %}?x=1{% endif %}",
        "{% if email %}{{ view_url }}{% else %}x/{{ view_url }}{% endif %}",
        "{% if email %}{% if full_name %}x{% endif %}{% endif %}{{ view_url }}",
        "?{{ unsubscribe_url }}",
        "#{{ unsubscribe_url }}",
        "page?to={{ unsubscribe_url }}",
        "http:&#47;&#47;{{ unsubscribe_url }}",
        "https://www.{{ unsubscribe_url }}",
        "http:///{{ unsubscribe_url }}",
        "&#8203;{{ unsubscribe_url }}",
        "{{ unsubscribe_url }} {{ view_url }}",
    ] {
        assert!(
            !mistakes("html", &format!("<a href=\"{href}\">x</a>")).is_empty(),
            "{href}"
        );
    }
    for text in [
        "x{{ unsubscribe_url }}",
        "{{ unsubscribe_url }}/x",
        "{{ unsubscribe_url }}?utm_source=x",
        "{{ view_url }}.html",
        "{{ view_url }}{{ email }}",
        "{{ email }}{{ view_url }}",
        "https://a.example/{{ view_url }}",
        "https://x/%7B%7Bunsubscribe_url%7D%7D",
        "https://x/{% if email %}{{ unsubscribe_url }}{% endif %}",
        "{{ view_url }}{% if email %}/x{% endif %}",
        "{{ view_url }}{% if email %}{{ email }}{% endif %}",
    ] {
        assert!(!mistakes("text", text).is_empty(), "{text}");
    }
    for href in [
        "{{ unsubscribe_url }}",
        " {{ unsubscribe_url }} ",
        "http://{{ unsubscribe_url }}",
        "%7B%7Bunsubscribe_url%7D%7D",
        "https://a.example/?to={{ unsubscribe_url }}&x=1",
        "{% if email %}{{ view_url }}{% else %}https://example.org/{% endif %}",
        "{% if email %}{{ view_url }}{% elif full_name %}{{ unsubscribe_url }}{% endif %}",
        "https://a.example/{% if email %}?to={{ view_url }}{% endif %}",
        "{{ email }}?to={{ view_url }}",
    ] {
        assert_eq!(
            mistakes("html", &format!("<a href=\"{href}\">x</a>")),
            [],
            "{href}"
        );
    }
    assert_eq!(
        mistakes(
            "text",
            "No more: {{ unsubscribe_url }}. ({{ view_url }})? {% if email %}{{ view_url }}{% endif %}!"
        ),
        []
    );
}
