//! What an article may contain, and how it begins. Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use html5gum::Token;

pub(super) use super::reduced::HtmlRejection;
use super::reduced::{ALLOWED, MAX_CONTENT, WITHIN_A_LINE, is_own_picture, reduced, tokens, utf8};
use crate::core::text::{nfc, with_paired_directions};

/// Most HTML is stable after one more pass; invalid nesting of a few elements takes another.
const PASSES: usize = 4;
/// Characters.
const BEGINNING: usize = 200;

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    let attributes = ALLOWED.map(|(tag, names)| (tag, names.iter().copied().collect()));
    builder
        .tags(ALLOWED.iter().map(|(tag, _)| *tag).collect())
        .tag_attributes(HashMap::from_iter(attributes))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer"))
        .attribute_filter(|tag, name, value| match (tag, name) {
            ("img", "src") => is_own_picture(value).then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    builder
});

/// The article without anything that could act on its reader: no script, no style, no frame, nothing loaded from elsewhere.
/// Takes a while: not for a server's own thread.
pub(super) fn clean(html: &str) -> Result<String, HtmlRejection> {
    let mut clean = sanitised(html)?;
    // Reject HTML that a browser would parse into a different document: the result could be anything.
    for _ in 0..PASSES {
        let again = sanitised(&clean)?;
        if again == clean {
            return Ok(clean);
        }
        clean = again;
    }
    Err(HtmlRejection::TooComplex)
}

/// The sanitizer runs last: its output is not changed afterwards.
fn sanitised(html: &str) -> Result<String, HtmlRejection> {
    let sanitised = SANITIZER.clean(&reduced(html)?).to_string();
    if sanitised.len() > MAX_CONTENT {
        return Err(HtmlRejection::TooLong);
    }
    Ok(sanitised)
}

/// How the text begins, on one line. Headings above it say what the title says; they stand for it where there is nothing else.
pub(super) fn beginning(html: &str) -> String {
    let (mut above, mut text) = (String::new(), String::new());
    let (mut in_heading, mut begun) = (false, false);
    for token in tokens(html) {
        let place = if in_heading && !begun {
            &mut above
        } else {
            &mut text
        };
        match token {
            Token::String(part) => {
                let part = utf8(&part);
                begun |= !in_heading && !part.trim().is_empty();
                place.push_str(&part);
            }
            Token::StartTag(tag) => {
                let name = utf8(&tag.name);
                if !WITHIN_A_LINE.contains(&&*name) {
                    place.push(' ');
                }
                in_heading |= is_heading(&name);
            }
            Token::EndTag(tag) if is_heading(&utf8(&tag.name)) => {
                in_heading = false;
                above.push(' ');
            }
            _ => {}
        }
    }
    let line = one_line(if begun { &text } else { &above });
    let line = nfc(&line).into_owned();
    with_paired_directions(match line.char_indices().nth(BEGINNING) {
        None => line,
        Some((end, _)) => {
            let beginning = line.get(..end).unwrap_or_default();
            let words = beginning
                .rsplit_once(' ')
                .map_or(beginning, |(words, _)| words);
            format!("{words}…")
        }
    })
}

fn is_heading(tag: &str) -> bool {
    matches!(tag, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// Text without line breaks and the white space around it.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod harmless;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::content::images::PREFIX;

    #[test]
    fn what_articles_are_made_of_is_kept() {
        let picture = format!("{PREFIX}a-B_9.webp");
        let html = format!(
            "<h2>Title</h2><p>Some <strong>bold</strong>, <em>soft</em> &amp; <code>if a &lt; b</code><br>next</p>\
             <ul><li><p>one</p></li><li>two</li></ul><pre>a\n  b</pre><blockquote>said</blockquote>\
             <table><tbody><tr><th colspan=\"2\">h</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>\
             <figure><img src=\"{picture}\" alt=\"A &quot;cat&quot;\"><figcaption>Cat</figcaption></figure>"
        );
        assert_eq!(clean(&html).unwrap(), html);
    }

    #[test]
    fn nothing_is_kept_that_acts_or_loads_something() {
        for (html, kept) in [
            ("a<script>alert(1)</script>b", "ab"),
            (
                "<style>p { color: red }</style><p style='color: red' onclick=x class=y id=z>a</p>",
                "<p>a</p>",
            ),
            (
                "<iframe src=/x>a</iframe><object data=x>b</object><svg onload=x><circle/></svg>",
                "b",
            ),
            (
                "<img src=x onerror=alert(1)><img src='https://example.org/a.png'><img src='/api/v1/images/../avatars/a.webp'>",
                "",
            ),
            (
                "<form action=/x><input name=a><button>b</button></form>",
                "b",
            ),
            (
                "<a href='javascript:alert(1)'>a</a>",
                "<a rel=\"noopener noreferrer\">a</a>",
            ),
            (
                "<a href='https://example.org/?a=1&b=2' target=_top>a</a>",
                "<a href=\"https://example.org/?a=1&amp;b=2\" rel=\"noopener noreferrer\">a</a>",
            ),
            (
                "<p>a<!-- b --></p><!doctype html><html><body onload=x>c",
                "<p>a</p>c",
            ),
            (
                "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
                "<table></table>",
            ),
        ] {
            assert_eq!(clean(html).unwrap(), kept, "{html}");
        }
    }

    #[test]
    fn hostile_html_is_refused_or_cleaned_at_once() {
        let most = 256 * 1024;
        let repeated = |part: &str| part.repeat(most / part.len());
        let never_ended = "<b><i><u><s><em><strong><code>".repeat(4) + &repeated("<p>");
        // Where text ends is seen otherwise by a tokenizer alone than by a parser.
        let disguised =
            "<select><title></select><style><!--</style>".to_owned() + &repeated("<div>");
        for (hostile, refusal) in [
            (repeated("<blockquote>"), Some(HtmlRejection::TooComplex)),
            (repeated("<b>"), Some(HtmlRejection::TooComplex)),
            (
                repeated("<a href=1><table>"),
                Some(HtmlRejection::TooComplex),
            ),
            (repeated("<p>"), Some(HtmlRejection::TooComplex)),
            (repeated("</p>"), Some(HtmlRejection::TooComplex)),
            (never_ended, Some(HtmlRejection::TooComplex)),
            (repeated("<svg>"), None),
            (repeated("<g>"), None),
            (disguised, None),
            (repeated("&"), Some(HtmlRejection::TooLong)),
            (repeated("<pre>\n"), Some(HtmlRejection::TooComplex)),
            (
                "<pre>".to_owned() + &repeated("\n&<"),
                Some(HtmlRejection::TooLong),
            ),
            (repeated("a</li>"), None),
        ] {
            let begun = Instant::now();
            assert_eq!(clean(&hostile).err(), refusal, "{hostile:.30}");
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(10), "{hostile:.30} {took:?}");
        }
    }

    #[test]
    fn an_article_begins_with_its_text() {
        let html = "<p>Dear <b>rea</b>der of <a href=\"https://example.org\">ours</a></p><h2>Two</h2><ul><li>one</li><li>two</li></ul>";
        assert_eq!(beginning(html), "Dear reader of ours Two one two");
        let long = beginning(&format!("<p>{}</p>", "слово ".repeat(100)));
        assert!(long.ends_with("слово…") && long.chars().count() <= BEGINNING + 1);
        assert_eq!(beginning(&"я".repeat(1000)).chars().count(), BEGINNING + 1);
    }

    #[test]
    fn headings_above_the_text_are_not_its_beginning() {
        for (html, begins) in [
            (
                "<h1>Spring <em>news</em></h1> <h2>At a glance</h2><p>Dear reader</p>",
                "Dear reader",
            ),
            (
                "<figure><img src=\"a\"></figure><h2>News</h2>Dear<h3>reader</h3>",
                "Dear reader",
            ),
            (
                "<h2>Nothing</h2><h3>but headings</h3><p> </p>",
                "Nothing but headings",
            ),
            ("", ""),
        ] {
            assert_eq!(beginning(html), begins, "{html}");
        }
    }
}
