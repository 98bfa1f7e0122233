//! Parts of an HTML mail intended only for the preview in a list of mails: hidden elements, and runs of invisible
//! filler characters. Pure.

use std::borrow::Cow;

use html5gum::StartTag;

/// Shorter runs may be meaningful: they join letters, or prevent a line break.
const MIN_INVISIBLE: usize = 2;
const MIN_SPACES: usize = 12;

/// Whether an element is hidden by its own attributes.
pub(super) fn is_concealed(tag: &StartTag<()>) -> bool {
    if tag.attributes.contains_key(&b"hidden"[..]) {
        return true;
    }
    let Some(style) = tag.attributes.get(&b"style"[..]) else {
        return false;
    };
    let style = String::from_utf8_lossy(style).to_ascii_lowercase();
    let rules = || style.split(';').filter_map(|rule| rule.split_once(':'));
    let has = |name: &str, fits: fn(&str) -> bool| {
        rules().any(|(property, value)| {
            let value = value.trim();
            let value = value.strip_suffix("!important").unwrap_or(value).trim();
            property.trim() == name && fits(value)
        })
    };
    let is_nothing = |value: &str| {
        let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
        number.trim().parse() == Ok(0.0)
    };
    has("display", |value| value == "none")
        || has("visibility", |value| value == "hidden")
        || has("opacity", is_nothing)
        || (has("max-height", is_nothing) && has("overflow", |value| value == "hidden"))
}

/// Whether the element is void: no content and no end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Replaces each run of invisible characters with one space.
pub(super) fn without_filler(text: &str) -> Cow<'_, str> {
    let fills = |c: char| is_invisible(c) || is_space(c);
    if !text.contains(|c| is_invisible(c) || c == '\u{a0}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(fills) {
        let (before, behind) = rest.split_at(start);
        let end = behind.find(|c| !fills(c)).unwrap_or(behind.len());
        let (chain, behind) = behind.split_at(end);
        let invisible = chain.chars().filter(|c| is_invisible(*c)).count();
        let hard_spaces = chain.chars().filter(|c| !c.is_ascii_whitespace()).count();
        out.push_str(before);
        if invisible >= MIN_INVISIBLE || hard_spaces >= MIN_SPACES {
            out.push(' ');
        } else {
            out.push_str(chain);
        }
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'
            ..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
        || matches!(
            c,
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
        )
}

#[cfg(test)]
mod tests {
    use crate::mail::plain_text::of_html;

    #[test]
    fn a_preheader_and_its_filler_stay_out_of_the_text() {
        let filler = "&#847;&zwnj;&nbsp;".repeat(80);
        for html in [
            format!("<div style=\"display:none\">Our news {filler}</div><p>Hello</p>"),
            format!(
                "<DIV STYLE='color: red; Display : None !important'>Our <div>news</div></DIV>{filler}<p>Hello</p>"
            ),
            format!(
                "<span style='max-height:0px;overflow:hidden'>Our news</span><p>Hello{filler}</p>"
            ),
            "<p hidden>Our news</p><p>Hello</p><img style='display:none' alt=x>".to_owned(),
            format!("{}<p>Hello</p>", "&nbsp;".repeat(100)),
            format!("{}<p>Hello</p>", "&#8199;&#65279;&#847; ".repeat(100)),
            "<div style='opacity:0'>Our news</div><div style='opacity:0.9;font-size:0'>Hello</div>"
                .to_owned(),
        ] {
            assert_eq!(of_html(&html).trim(), "Hello", "{html}");
        }
    }

    #[test]
    fn what_joins_letters_stays_and_nothing_is_lost_behind_an_open_element() {
        for text in [
            "می\u{200c}خواهم",
            "👩\u{200d}🚀 x",
            "10\u{a0}000\u{a0}₽",
            "co\u{ad}op",
        ] {
            assert_eq!(of_html(&format!("<p>{text}</p>")), text);
        }
        let open = "<p style='display:none'>Our news<p>Hello<p>you";
        assert_eq!(of_html(open), "Our news\n\nHello\n\nyou");
    }
}
