//! Parts of an HTML mail intended only for the preview in a list of mails: hidden elements, and runs of invisible
//! filler characters. Pure.

use std::borrow::Cow;

use html5gum::StartTag;

use super::style::{StyleSheet, Visibility};

/// Shorter runs may be meaningful: they join letters, or prevent a line break.
const MIN_INVISIBLE: usize = 2;
const MIN_SPACES: usize = 12;

/// The visibility of an element according to its attributes and the style sheets before it.
pub(super) fn visibility(tag: &StartTag<()>, sheet: &StyleSheet) -> Visibility {
    let attribute = |name: &[u8]| {
        tag.attributes
            .get(name)
            .map(|value| String::from_utf8_lossy(value))
    };
    let element = String::from_utf8_lossy(&tag.name);
    let (id, class) = (attribute(b"id"), attribute(b"class"));
    let (id, class) = (id.unwrap_or_default(), class.unwrap_or_default());
    let own = attribute(b"style").map_or_else(Visibility::default, |style| Visibility::of(&style));
    sheet.visibility(&element, &id, &class).overridden_by(own)
}

/// Whether an element is hidden.
pub(super) fn is_concealed(tag: &StartTag<()>, visibility: Visibility) -> bool {
    tag.attributes.contains_key(&b"hidden"[..]) || visibility.is_hidden()
}

/// Whether a `<style>` element applies when a mail is read.
pub(super) fn is_for_screens(style: &StartTag<()>) -> bool {
    let Some(media) = style.attributes.get(&b"media"[..]) else {
        return true;
    };
    let media = String::from_utf8_lossy(media).to_ascii_lowercase();
    matches!(media.trim(), "" | "all" | "screen")
}

/// An element whose text is too small to be read. Its pictures can be seen, and elements in it may set another size.
#[derive(Debug)]
pub(super) struct Tiny {
    name: Vec<u8>,
    /// The number of open elements of the same name in it.
    depth: usize,
    /// An element in it with another size, and the number of open elements of its name in it.
    readable: Option<(Vec<u8>, usize)>,
}

impl Tiny {
    pub(super) fn of(tag: &StartTag<()>) -> Self {
        Self {
            name: tag.name.to_vec(),
            depth: 0,
            readable: None,
        }
    }

    /// An element begins in it.
    pub(super) fn start(&mut self, tag: &StartTag<()>, visibility: Visibility) {
        self.depth += usize::from(*tag.name == *self.name);
        match &mut self.readable {
            Some((name, depth)) => *depth += usize::from(*tag.name == **name),
            None if may_resize(tag, visibility) => self.readable = Some((tag.name.to_vec(), 0)),
            None => {}
        }
    }

    /// An element ends; `None` if it is this one.
    pub(super) fn end(mut self, ended: &str) -> Option<Self> {
        let ended = ended.as_bytes();
        self.readable = match self.readable {
            Some((name, 0)) if name == ended => None,
            Some((name, depth)) if name == ended => Some((name, depth - 1)),
            other => other,
        };
        if self.name == ended {
            self.depth = self.depth.checked_sub(1)?;
        }
        Some(self)
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.readable.is_none()
    }
}

/// Whether an element may have a font size of its own. Rules for its class or id may not be known; without a document
/// type, a table does not inherit it.
fn may_resize(tag: &StartTag<()>, visibility: Visibility) -> bool {
    let has = |name: &[u8]| tag.attributes.contains_key(name);
    let sets = matches!(&**tag.name, b"table" | b"font") || has(b"class") || has(b"id");
    !visibility.is_tiny().unwrap_or(!sets)
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
    use crate::plain_text::of_html;

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
            "<div style='opacity:0'>Our news</div><div style='opacity:0.9;font-size:13px'>Hello</div>"
                .to_owned(),
        ] {
            assert_eq!(of_html(&html).trim(), "Hello", "{html}");
        }
    }

    #[test]
    fn a_preheader_hidden_by_a_class_or_its_size_stays_out_of_the_text() {
        for html in [
            "<style>.preheader{display:none}</style><p class='x preheader'>Our news</p>Hello",
            "<style>#top,p.y{max-height:0}</style><p id=top>Our</p><p class=y>news</p><p>Hello",
            "<style>.a{font-size:0}</style><span class=a>Our news</span>Hello",
            "<style media=print>.a{display:none}</style><p class=a>Hello</p>",
            "<style>@media (max-width:9px){.a{display:none}}</style><p class=a>Hello</p>",
            "<style>.a{display:none}</style><p class=a style='display:block'>Hello</p>",
            "<span style='font-size:0'>Our <b>news</b> <span>today</span></span>Hello",
            "<div style='font-size:1px;color:#fff;line-height:1px'>Our news</div><p>Hello",
            "<div style='max-height:0'>Our news</div>Hello",
            "<div style='mso-hide:all;font-size:0'><p style='font-size:9px'>Our</p></div>Hello",
            "<a style='mso-hide:all'>Hello</a>",
            "<table><tr><td style='font-size:0px'>Our<div style='font-size:13px'>Hello</div></td></tr></table>",
            "<td style='font-size:0'>Our<table><tr><td>Hello</td></tr></table>news</td>",
            "<div style='font-size:0'>Our<p class=text>Hello</p>news</div>",
            "<div style='font-size:0'>Our<img alt=Hello></div>",
        ] {
            assert_eq!(of_html(html).trim(), "Hello", "{html}");
        }
        let open = "<div style='font-size:0'>Hello<p>you";
        assert_eq!(of_html(open), "Hello\n\nyou");
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
