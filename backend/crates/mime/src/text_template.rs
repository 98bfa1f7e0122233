//! The plain text of an HTML template, converted once for all recipients: itself a template. Pure.

use std::ops::Range;

use super::placeholders::has_tags;
use super::plain_text::{PRIVATE, of_html};

/// Converts an HTML template to a text template with the same tags; `None` if text can only be extracted from the
/// rendered page.
pub(super) fn of_template(html: &str, tags: &[Range<usize>]) -> Option<String> {
    if html.contains(|c| PRIVATE.contains(&c)) || spells_private(html) {
        return None;
    }
    let mut shielded = String::with_capacity(html.len());
    let mut end = 0;
    for (tag, mark) in tags.iter().zip(PRIVATE) {
        shielded.push_str(between_tags(html.get(end..tag.start)?)?);
        shielded.push(mark);
        end = tag.end;
    }
    shielded.push_str(between_tags(html.get(end..)?)?);
    let text = of_html(&shielded);
    // Entities may have decoded to braces that were not tags in the HTML.
    between_tags(&text)?;
    let mut template = String::with_capacity(text.len());
    for c in text.chars() {
        let tag = PRIVATE
            .contains(&c)
            .then(|| u32::from(c) - u32::from(*PRIVATE.start()));
        match tag {
            None => template.push(c),
            Some(index) => {
                template.push_str(html.get(tags.get(usize::try_from(index).ok()?)?.clone())?);
            }
        }
    }
    Some(template)
}

/// Whether the HTML contains a numeric reference to a private use character, which would be mistaken for a tag.
fn spells_private(html: &str) -> bool {
    html.split("&#").skip(1).any(|behind| {
        let (digits, radix) = match behind.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (behind, 10),
        };
        let digits = digits.chars().map_while(|c| c.to_digit(radix));
        let number = digits.fold(0_u32, |number, digit| {
            number.saturating_mul(radix).saturating_add(digit)
        });
        char::from_u32(number).is_some_and(|c| PRIVATE.contains(&c))
    })
}

/// The text, unless it contains something that a template would parse as a tag, such as in a raw block.
pub(super) fn between_tags(text: &str) -> Option<&str> {
    (!has_tags(text)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placeholders::tags;

    #[test]
    fn the_tags_of_a_template_survive() {
        let html = "<p>Dear {{ full_name  | default(\"<b>my</b>  friend\", true) }},</p>{% if email %}<table><tr><td>{{ email }}\
                    </td></tr></table>{% endif %}<a href='https://example.org/?e={{ email }}'>here</a>";
        assert_eq!(
            of_template(html, &tags(html).unwrap()).unwrap(),
            "Dear {{ full_name  | default(\"<b>my</b>  friend\", true) }},\n\n{% if email %}\n\n{{ email }}\n\n\
             {% endif %}here (https://example.org/?e={{ email }})"
        );
    }

    #[test]
    fn braces_that_only_look_like_a_tag_are_left_to_the_rendered_page() {
        for html in [
            "{{ email }}&#123;&#123; email }}",
            "{% raw %}{{ x }}{% endraw %}{{ email }}",
            "{{ email }}\u{F0001}",
            "{{ email }}&#xF0000;",
            "{{ email }}&#X000f0000 ",
            "{{ email }}<a href='a:&#983040;'>x</a>",
        ] {
            assert_eq!(of_template(html, &tags(html).unwrap()), None, "{html}");
        }
    }
}
