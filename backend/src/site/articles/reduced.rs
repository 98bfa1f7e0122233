//! HTML of the elements that articles may have, before it is sanitised: hostile HTML makes a parser grow a tree that takes
//! minutes and gigabytes. Only a tokenizer is used here, which costs the same for every byte. Pure.

use std::borrow::Cow;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token};
use mime::html_tokens;

use crate::content::images::PREFIX;
use crate::web::pictures::is_name;

/// Elements and their attributes. All text of others stays, except of those that are `HIDDEN`.
pub(super) const ALLOWED: [(&str, &[&str]); 38] = [
    ("a", &["href", "title"]),
    ("b", &[]),
    ("blockquote", &[]),
    ("br", &[]),
    ("caption", &[]),
    ("code", &[]),
    ("dd", &[]),
    ("del", &[]),
    ("dl", &[]),
    ("dt", &[]),
    ("em", &[]),
    ("figcaption", &[]),
    ("figure", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("hr", &[]),
    ("i", &[]),
    ("img", &["src", "alt", "title", "width", "height"]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &[]),
    ("pre", &[]),
    ("s", &[]),
    ("strong", &[]),
    ("sub", &[]),
    ("sup", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan"]),
    ("thead", &[]),
    ("tr", &[]),
    ("u", &[]),
    ("ul", &[]),
];
const VOID: [&str; 3] = ["br", "hr", "img"];
/// The next of their kind ends them.
const ENDED_BY_THE_NEXT: [&str; 9] = ["dd", "dt", "li", "p", "tbody", "td", "th", "thead", "tr"];
pub(super) const WITHIN_A_LINE: [&str; 11] = [
    "a", "b", "code", "del", "em", "i", "s", "strong", "sub", "sup", "u",
];
const HIDDEN: [&str; 9] = [
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "textarea",
    "title",
];

/// Maximum number of nested elements; editors produce fewer.
const MAX_OPEN: usize = 30;
/// Elements of the tree. What formats text and is never ended is opened again in every element after it.
const MAX_ELEMENTS: usize = 50_000;
/// Size of the output in bytes: `&` becomes five.
pub(super) const MAX_CONTENT: usize = 512 * 1024;
/// Number of bytes of text after which a comment is inserted before the next character that a parser would append to
/// the text one by one, copying the text so far. A comment ends a text node, and the sanitizer removes it.
const LONGEST_TEXT: usize = 512;
const BREAK: &str = "<!---->";

/// Why HTML is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum HtmlRejection {
    #[error("this is too long")]
    TooLong,
    #[error("too many elements, or too many within each other")]
    TooComplex,
}

/// The same HTML of allowed elements alone, and not too many within each other. What is dangerous is for ammonia to find;
/// this only keeps hostile HTML from making it grow a tree that takes minutes and gigabytes.
pub(super) fn reduced(html: &str) -> Result<String, HtmlRejection> {
    let mut writer = HtmlWriter::default();
    for token in tokens(html) {
        match token {
            Token::StartTag(tag) => writer.start(&tag)?,
            Token::EndTag(tag) => writer.end(&utf8(&tag.name))?,
            Token::String(text) => writer.text(&utf8(&text))?,
            _ => {}
        }
    }
    Ok(writer.html)
}

#[derive(Default)]
struct HtmlWriter {
    html: String,
    elements: usize,
    open: Vec<&'static str>,
    hidden: bool,
    /// Start of the current text node.
    text_at: usize,
    /// Length of the text in bytes: all of it is kept.
    text_bytes: usize,
}

impl HtmlWriter {
    fn start(&mut self, tag: &StartTag<()>) -> Result<(), HtmlRejection> {
        let name = utf8(&tag.name);
        if HIDDEN.contains(&&*name) {
            self.hidden = true;
        }
        let Some(&(name, attributes)) = allowed(&name).filter(|_| !self.hidden) else {
            return Ok(());
        };
        let attribute = |wanted: &str| Some(utf8(tag.attributes.get(wanted.as_bytes())?));
        if name == "img" && !attribute("src").is_some_and(|src| is_own_picture(&src)) {
            return Ok(());
        }
        let formatting = self.open.iter();
        let formatting = formatting.filter(|open| WITHIN_A_LINE.contains(open));
        self.elements += 1 + formatting.count();
        if !VOID.contains(&name) && !ENDED_BY_THE_NEXT.contains(&name) {
            self.open.push(name);
        }
        self.within_bounds()?;
        self.html.push('<');
        self.html.push_str(name);
        for wanted in attributes {
            if let Some(value) = attribute(wanted) {
                self.html
                    .extend([" ", wanted, "=\"", &escaped(&value), "\""]);
            }
        }
        self.html.push('>');
        self.text_at = self.html.len();
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), HtmlRejection> {
        if HIDDEN.contains(&name) {
            self.hidden = false;
        }
        let Some(&(name, _)) = allowed(name).filter(|_| !self.hidden) else {
            return Ok(());
        };
        if !ENDED_BY_THE_NEXT.contains(&name) {
            let Some(last) = self.open.iter().rposition(|open| *open == name) else {
                return Ok(());
            };
            self.open.remove(last);
        }
        // A paragraph that is ended without having begun is one.
        self.elements += 1;
        self.html.extend(["</", name, ">"]);
        self.text_at = self.html.len();
        self.within_bounds()
    }

    fn text(&mut self, text: &str) -> Result<(), HtmlRejection> {
        if self.hidden {
            return Ok(());
        }
        let verbatim = self.open.contains(&"pre");
        for c in text.chars() {
            let alone = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '\n' if verbatim => "\n",
                '\n' => " ",
                c => {
                    self.html.push(c);
                    self.text_bytes += c.len_utf8();
                    continue;
                }
            };
            if self.html.len() - self.text_at > LONGEST_TEXT {
                self.html.push_str(BREAK);
                self.text_at = self.html.len();
            }
            self.html.push_str(alone);
            self.text_bytes += alone.len();
        }
        if self.text_bytes > MAX_CONTENT {
            return Err(HtmlRejection::TooLong);
        }
        Ok(())
    }

    fn within_bounds(&self) -> Result<(), HtmlRejection> {
        if self.elements > MAX_ELEMENTS || self.open.len() > MAX_OPEN {
            Err(HtmlRejection::TooComplex)
        } else {
            Ok(())
        }
    }
}

fn allowed(name: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    ALLOWED.iter().find(|(allowed, _)| *allowed == name)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

pub(super) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

pub(super) fn is_own_picture(url: &str) -> bool {
    url.strip_prefix(PREFIX).is_some_and(is_name)
}

pub(super) fn tokens(html: &str) -> impl Iterator<Item = Token<()>> {
    let mut emitter = DefaultEmitter::default();
    // Without a tree, the tokenizer must be told that the content of `<style>` is not HTML.
    emitter.naively_switch_states(true);
    html_tokens::tokens(html, emitter)
}
