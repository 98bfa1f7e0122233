//! Locates URLs in the attributes and style sheets of a template's HTML. Pure.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern::pattern;

/// `url(…)` and `@import "…"`; in an attribute, quotes may be references.
static IN_CSS: LazyLock<Regex> = LazyLock::new(|| {
    let quote = r#"(?:["']|&(?:quot|apos|#0*3[49]|#x0*2[27]);)"#;
    pattern(&format!(
        r#"(?i)url\(\s*{quote}?\s*([^"'()<>\\]*?)\s*{quote}?\s*\)|@import\s*{quote}([^"'<>\\;]*?){quote}"#
    ))
});

/// How an attribute contains URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlSyntax {
    /// It is one.
    Whole,
    /// A list of images with their sizes: `a.png 1x, b.png 2x`.
    Candidates,
    /// In declarations.
    Css,
}

impl UrlSyntax {
    /// That of an attribute; `None` for one without URLs.
    pub(super) fn of(attribute: &[u8]) -> Option<Self> {
        Some(match attribute {
            b"href" | b"src" | b"action" | b"formaction" | b"background" | b"poster" | b"cite"
            | b"data" | b"ping" | b"longdesc" | b"lowsrc" | b"dynsrc" | b"xlink:href" => {
                Self::Whole
            }
            b"srcset" | b"imagesrcset" => Self::Candidates,
            b"style" => Self::Css,
            _ => return None,
        })
    }

    /// The URLs in this part of the HTML, whose template tags are masked.
    pub(super) fn urls(self, masked: &str, range: Range<usize>) -> Vec<Range<usize>> {
        let start = range.start;
        let text = masked.get(range.clone()).unwrap_or_default();
        let shifted = |url: Range<usize>| url.start + start..url.end + start;
        match self {
            Self::Whole => vec![range],
            Self::Candidates => candidates(text).into_iter().map(shifted).collect(),
            Self::Css => {
                let urls = IN_CSS
                    .captures_iter(text)
                    .filter_map(|found| found.get(1).or_else(|| found.get(2)));
                urls.map(|url| shifted(url.range())).collect()
            }
        }
    }
}

/// Whether this beginning of a URL contains that of its query or fragment. `&#` begins a character reference.
pub(super) fn has_query(url: &str) -> bool {
    url.contains('?') || url.replace("&#", "").contains('#')
}

/// The URLs of a `srcset`: each ends at a space, or at the comma before the next one.
fn candidates(text: &str) -> Vec<Range<usize>> {
    let is_between = |c: char| c.is_ascii_whitespace() || c == ',';
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(rest) = text.get(at..)
        && let Some(begin) = rest.find(|c| !is_between(c))
    {
        let start = at + begin;
        let rest = text.get(start..).unwrap_or_default();
        let len = rest.find(|c: char| c.is_ascii_whitespace());
        let (url, behind) = rest.split_at(len.unwrap_or(rest.len()));
        let trimmed = url.trim_end_matches(',');
        found.push(start..start + trimmed.len());
        let ends_here = trimmed.len() < url.len();
        let size = if ends_here { Some(0) } else { behind.find(',') };
        at = start + url.len() + size.unwrap_or(behind.len());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(form: UrlSyntax, text: &str) -> Vec<&str> {
        let urls = form.urls(text, 0..text.len());
        urls.into_iter().map(|url| &text[url]).collect()
    }

    #[test]
    fn each_image_of_a_list_has_a_url() {
        for (text, urls) in [
            ("a.png", &["a.png"][..]),
            ("a.png 1x, b.png 2x", &["a.png", "b.png"]),
            (" a.png?x=1,2  480w ,b.png 1.5x,", &["a.png?x=1,2", "b.png"]),
            ("a.png, b.png", &["a.png", "b.png"]),
            ("", &[]),
            (" , ", &[]),
        ] {
            assert_eq!(found(UrlSyntax::Candidates, text), urls, "{text}");
        }
    }

    #[test]
    fn urls_of_declarations_are_found_with_and_without_quotes() {
        for (text, urls) in [
            ("background:url(a.png)", &["a.png"][..]),
            (
                "background: URL( \"a.png?x=1&amp;y\" ) no-repeat",
                &["a.png?x=1&amp;y"],
            ),
            (
                "a:url(&quot;a.png&quot;);b:url('b.png')",
                &["a.png", "b.png"],
            ),
            ("@import 'a.css'; @import url(b.css);", &["a.css", "b.css"]),
            ("background:red", &[]),
            ("background:url(", &[]),
        ] {
            assert_eq!(found(UrlSyntax::Css, text), urls, "{text}");
        }
    }
}
