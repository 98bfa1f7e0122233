//! What a message looks like once it is filled in, and which messages are refused.

use proptest::prelude::*;

use super::*;

const ANNA: PlaceholderValues<'_> = PlaceholderValues {
    email: "anna@example.org",
    full_name: "Анна <b>&",
    unsubscribe_url: "https://example.org/unsubscribe#a-b_c",
    view_url: "https://example.org/letter#a-b_c",
};

fn rendered(subject: &str, html: &str, text: &str) -> Rendered {
    Template::parse(subject, html, text)
        .unwrap()
        .render(&ANNA)
        .unwrap()
}

fn blamed(subject: &str, html: &str, text: &str) -> Vec<&'static str> {
    let mistakes = Template::parse(subject, html, text).unwrap_err();
    mistakes.into_iter().map(|mistake| mistake.field).collect()
}

#[test]
fn a_name_is_escaped_in_html_only() {
    let message = rendered(
        "Hi {{ full_name }}",
        "<p>{{ full_name }}</p>",
        "{{ full_name }}\n",
    );
    assert_eq!(message.subject, "Hi Анна <b>&");
    assert_eq!(message.html, "<p>Анна &lt;b&gt;&amp;</p>");
    assert_eq!(message.text, "Анна <b>&\n");
}

#[test]
fn a_link_is_written_as_it_is_wherever_it_stands() {
    let hostile = PlaceholderValues {
        unsubscribe_url: "https://example.org/'\"><b>&",
        view_url: "https://example.org/'\"><b>&",
        ..ANNA
    };
    for (name, url) in [
        ("unsubscribe_url", ANNA.unsubscribe_url),
        ("view_url", ANNA.view_url),
    ] {
        let tag = format!("{{{{ {name} }}}}");
        let message = rendered(&tag, &format!("<a href=\"{tag}\">here</a>"), &tag);
        assert_eq!((&*message.subject, &*message.text), (url, url));
        assert_eq!(message.html, format!("<a href=\"{url}\">here</a>"));
        let template = Template::parse("x", &format!("<a href='{tag}'>"), "").unwrap();
        let html = template.render(&hostile).unwrap().html;
        assert!(
            html.matches(['\'', '"', '<', '>']).count() == 4,
            "only the template's own: {html}"
        );
    }
}

#[test]
fn only_a_message_that_shows_the_link_asks_for_it() {
    for (html, text, shows) in [
        ("<p>Hi {{ full_name }}", "", [false, false]),
        ("<p>{{ unsubscribe_url }}", "", [true, false]),
        (
            "<p>Hi",
            "{% if unsubscribe_url %}{{ view_url }}{% endif %}",
            [true, true],
        ),
        ("<p>{{ view_url | lower }}", "", [false, true]),
        ("<p>unsubscribe_url view_url", "", [false, false]),
    ] {
        let template = Template::parse("x", html, text).unwrap();
        let shown = [Link::Unsubscribe, Link::View].map(|link| template.shows(link));
        assert_eq!(shown, shows, "{html}{text}");
    }
}

#[test]
fn every_filter_that_is_offered_works() {
    for filter in crate::placeholders::FILTERS {
        let source = format!("{{{{ full_name | default('friend', true) | {filter} }}}}");
        assert_ne!(rendered("x", "", &source).text, "", "{filter}");
    }
    let greeting = "{{ full_name | split | first | default('friend', true) }}";
    let template = Template::parse("x", "", greeting).unwrap();
    assert_eq!(template.render(&ANNA).unwrap().text, "Анна");
    let nameless = PlaceholderValues {
        full_name: "",
        ..ANNA
    };
    assert_eq!(template.render(&nameless).unwrap().text, "friend");
}

#[test]
fn a_mistake_is_found_when_the_message_is_saved() {
    for wrong in [
        "{{ naem }}",
        "{{ email",
        "{{ }}",
        "{% if email %}",
        "{{ email.x }}",
        "{{ email | nope }}",
        "{{ email() }}",
    ] {
        assert_eq!(blamed(wrong, "x", ""), ["subject"], "{wrong}");
        assert_eq!(blamed("x", wrong, ""), ["html"], "{wrong}");
        assert_eq!(
            blamed("{{ a }}", "x", wrong),
            ["subject", "text"],
            "{wrong}"
        );
    }
    assert_eq!(
        blamed("{{ 'a\\nBcc: b@example.org' }}", "", "x"),
        ["subject"]
    );
    assert_eq!(blamed("x", "", &"{% if email %}".repeat(400)), ["text"]);
    let chain = format!(
        "{{% if email == 'a' %}}{}{{% endif %}}",
        "{% elif email == 'b' %}".repeat(490)
    );
    assert!(Template::parse("x", "", &chain).is_ok());
}

#[test]
fn text_is_made_from_the_template_where_it_can_be_and_from_the_page_where_not() {
    let once = Template::parse("x", "<p>Dear {{ full_name }},</p><p>bye</p>", "").unwrap();
    assert!(matches!(once.text, Some(TemplatePart::Filled(..))));
    assert_eq!(once.render(&ANNA).unwrap().text, "Dear Анна <b>&,\n\nbye");
    let each = Template::parse("x", "<p>&#123;&#123; {{ full_name }}</p>", "").unwrap();
    assert!(each.text.is_none());
    assert_eq!(each.render(&ANNA).unwrap().text, "{{ Анна <b>&");
    let fixed = Template::parse("x", "<p>same</p>", "").unwrap();
    assert!(matches!(fixed.text, Some(TemplatePart::Fixed(text)) if text == "same"));
}

#[test]
fn what_is_filled_in_for_many_is_bounded() {
    let names = "{{ full_name }}".repeat(500);
    let long = "ё".repeat(200);
    let person = PlaceholderValues {
        full_name: &long,
        ..ANNA
    };
    let template = Template::parse("x", &format!("{names}{}", "x".repeat(1_000_000)), "").unwrap();
    assert!(template.render(&person).unwrap().html.len() < 1_300_000);
    let template = Template::parse(&"{{ full_name }}".repeat(13), "", "x").unwrap();
    assert_eq!(template.render(&person).unwrap_err().field, "subject");
}

proptest! {
    #[test]
    fn no_name_gives_the_subject_a_second_line(full_name: String) {
        let template = Template::parse("Hi {{ full_name }}!", "", "x").unwrap();
        let subject = template.fill_subject(&PlaceholderValues { full_name: &full_name, ..ANNA });
        prop_assert_eq!(subject.is_ok(), !full_name.chars().any(char::is_control));
    }

    #[test]
    fn no_source_panics(source in "[{}%#|()'\"a-f .\\-n]{0,60}") {
        let _ = Template::parse(&source, &source, "");
    }
}
