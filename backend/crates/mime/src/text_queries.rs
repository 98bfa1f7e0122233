//! Plain text as it is mailed: placeholders in the query of a link are percent-encoded, as in HTML. Pure.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::markup::masked;
use super::pattern::pattern;
use super::placeholders::tags;
use super::understood::{applied, encoded, in_text, tags_in};

/// A link as detected by mail programs.
static LINK: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(?i)https?://[^\s<>"]+"#));

/// A text as it is mailed: corrected, with the values in queries encoded. Left unchanged if its tags cannot be
/// parsed.
pub(super) fn as_mailed(source: &str) -> Cow<'_, str> {
    let text = in_text(source).text;
    match tags(&text) {
        Ok(tags) if !tags.is_empty() => encoded_in_queries(&text, &tags).map_or(text, Cow::Owned),
        _ => text,
    }
}

/// The text with its values in queries encoded; `None` if there are none.
fn encoded_in_queries(text: &str, tags: &[Range<usize>]) -> Option<String> {
    let masked = masked(text, tags);
    let links: Vec<_> = LINK.find_iter(&masked).map(|link| link.range()).collect();
    let in_query = |tag: &Range<usize>, link: &Range<usize>| {
        let before = masked.get(link.start..tag.start);
        before.is_some_and(|before| before.contains(['?', '#']))
    };
    let edits: Vec<_> = tags_in(tags, &links)
        .filter(|(tag, link)| in_query(tag, link))
        .filter_map(|(tag, _)| {
            let encoded = encoded(text.get(tag.clone())?)?;
            Some((tag, encoded))
        })
        .collect();
    (!edits.is_empty()).then(|| applied(text, &edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_query_of_a_link_is_encoded() {
        for (written, mailed) in [
            (
                "ж https://a.example/?n={{ full_name }}&e={{ email }} {{ full_name }}",
                "ж https://a.example/?n={{ full_name | urlencode }}&e={{ email | urlencode }} {{ full_name }}",
            ),
            (
                "(HTTP://a.example/#{{ email | upper }})",
                "(HTTP://a.example/#{{ (email | upper) | urlencode }})",
            ),
            (
                "https://a.example/?e={{ email | urlencode }}",
                "https://a.example/?e={{ email | urlencode }}",
            ),
            (
                "https://a.example/?{% if email %}e={{ email }}{% endif %}",
                "https://a.example/?{% if email %}e={{ email | urlencode }}{% endif %}",
            ),
            (
                "https://a.example/{{ email }}",
                "https://a.example/{{ email }}",
            ),
            ("http://{{ view_url }}", "{{ view_url }}"),
            (
                "Who? {{ full_name }}: {{ view_url }}",
                "Who? {{ full_name }}: {{ view_url }}",
            ),
        ] {
            assert_eq!(as_mailed(written), mailed);
        }
    }
}
