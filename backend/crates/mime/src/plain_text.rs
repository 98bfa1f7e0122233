//! Converts HTML to plain text, for mail programs that do not show HTML and for excerpts in lists.
//!
//! Uses a tokenizer without a tree: for hostile HTML (elements nested 100 000 deep, formatting never closed) a tree costs
//! minutes and gigabytes, while the cost of tokens is linear.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token};

use super::concealed::{Tiny, is_concealed, is_for_screens, is_void, visibility, without_filler};
use super::style::{StyleSheet, Visibility};
use crate::html_tokens::tokens;

/// Characters that stand for template tags while a template is converted; not used otherwise.
pub(super) const PRIVATE: RangeInclusive<char> = '\u{F0000}'..='\u{FFFFD}';

/// The text of an HTML page or fragment, without parts intended only for previews: hidden elements, and the filler
/// after them. If a hidden element is not closed, everything is shown rather than nothing after it.
pub fn of_html(html: &str) -> String {
    let writer = written(html, Concealed::LeftOut);
    if writer.concealed.is_some() || writer.tiny.is_some() {
        return written(html, Concealed::Shown).text;
    }
    writer.text
}

/// How to treat hidden elements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Concealed {
    LeftOut,
    Shown,
}

fn written(html: &str, concealed: Concealed) -> TextWriter {
    let mut emitter = DefaultEmitter::default();
    // There is no tree builder to switch the tokenizer to raw text after `<style>`.
    emitter.naively_switch_states(true);
    let mut writer = TextWriter::default();
    for token in tokens(html, emitter) {
        match token {
            Token::StartTag(tag) if concealed != Concealed::Shown && writer.conceals(&tag) => {}
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) if writer.ends_concealed(&utf8(&tag.name)) => {}
            Token::EndTag(tag) => writer.end(&utf8(&tag.name)),
            Token::String(text) => writer.text(&utf8(&text)),
            _ => {}
        }
    }
    writer
}

/// Writes text as it would be laid out: white space collapsed, blocks apart, links followed by their address.
#[derive(Default)]
struct TextWriter {
    text: String,
    /// Line breaks due before the next word: 1 after a line, 2 after a paragraph.
    breaks: usize,
    space: bool,
    /// Inside an element whose text is not shown.
    hidden: bool,
    /// Inside a hidden element, with this number of nested elements of the same name.
    concealed: Option<(String, usize)>,
    /// Inside an element whose text is too small to be read.
    tiny: Option<Tiny>,
    /// The style sheets so far, and the text of the open one.
    styles: StyleSheet,
    css: Option<String>,
    /// Number of open `<pre>` elements.
    verbatim: usize,
    /// The number of the last item of each open list; `None` for unordered lists.
    lists: Vec<Option<u32>>,
    /// The address of the open link and where its text begins.
    link: Option<(String, usize)>,
}

impl TextWriter {
    /// Whether this tag opens a hidden element, or is inside one.
    fn conceals(&mut self, tag: &StartTag<()>) -> bool {
        let name = utf8(&tag.name);
        if let Some((concealed, depth)) = &mut self.concealed {
            *depth += usize::from(*concealed == name);
            return true;
        }
        let visibility = visibility(tag, &self.styles);
        if is_concealed(tag, visibility) {
            if !is_void(&name) {
                self.concealed = Some((name.into_owned(), 0));
            }
            return true;
        }
        if !is_void(&name) {
            self.resizes(tag, visibility);
        }
        false
    }

    /// Whether text can be read in the element of this tag.
    fn resizes(&mut self, tag: &StartTag<()>, visibility: Visibility) {
        match &mut self.tiny {
            Some(tiny) => tiny.start(tag, visibility),
            None if visibility.is_tiny() == Some(true) => self.tiny = Some(Tiny::of(tag)),
            None => {}
        }
    }

    /// Whether this end tag is inside a hidden element, or closes it.
    fn ends_concealed(&mut self, name: &str) -> bool {
        match &mut self.concealed {
            None => {
                self.tiny = self.tiny.take().and_then(|tiny| tiny.end(name));
                return false;
            }
            Some((concealed, 0)) if concealed == name => self.concealed = None,
            Some((concealed, depth)) if concealed == name => *depth -= 1,
            Some(_) => {}
        }
        true
    }

    fn start(&mut self, tag: &StartTag<()>) {
        match &*utf8(&tag.name) {
            "style" => {
                self.hidden = true;
                self.css = is_for_screens(tag).then(String::new);
            }
            "script" | "title" | "textarea" => self.hidden = true,
            "br" => self.line_break(),
            "hr" => {
                self.block(2);
                self.word("---");
                self.block(2);
            }
            "ul" => self.list(None),
            "ol" => self.list(Some(0)),
            "li" => self.item(),
            "pre" => {
                self.block(2);
                self.verbatim += 1;
            }
            "a" => self.link = attribute(tag, "href").map(|href| (href, self.text.len())),
            "img" => self.words(&attribute(tag, "alt").unwrap_or_default()),
            "td" | "th" => self.space = true,
            name => self.block(gap(name)),
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "script" | "style" | "title" | "textarea" => {
                self.hidden = false;
                if let Some(css) = self.css.take() {
                    self.styles.read(&css);
                }
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.block(if self.lists.is_empty() { 2 } else { 1 });
            }
            "pre" => {
                self.verbatim = self.verbatim.saturating_sub(1);
                self.block(2);
            }
            "a" => self.end_link(),
            name => self.block(gap(name)),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(css) = &mut self.css {
            css.push_str(text);
        }
        let is_tiny = self.tiny.as_ref().is_some_and(Tiny::is_unreadable);
        if !is_tiny && self.concealed.is_none() {
            self.words(text);
        }
    }

    fn words(&mut self, text: &str) {
        if self.hidden {
            return;
        }
        if self.verbatim > 0 {
            let mut lines = text.split('\n');
            self.word(lines.next().unwrap_or_default());
            for line in lines {
                self.line_break();
                self.word(line);
            }
            return;
        }
        let is_space = |c: char| c.is_ascii_whitespace();
        for (index, word) in without_filler(text).split(is_space).enumerate() {
            self.space |= index > 0;
            self.word(word);
        }
    }

    /// A word, after the white space that is due before it.
    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            for _ in 0..self.breaks {
                self.text.push('\n');
            }
            if self.space && self.breaks == 0 {
                self.text.push(' ');
            }
        }
        (self.breaks, self.space) = (0, false);
        self.text.push_str(word);
    }

    fn block(&mut self, breaks: usize) {
        self.breaks = self.breaks.max(breaks);
    }

    fn line_break(&mut self) {
        self.breaks += 1;
    }

    fn list(&mut self, numbered: Option<u32>) {
        self.block(if self.lists.is_empty() { 2 } else { 1 });
        self.lists.push(numbered);
    }

    fn item(&mut self) {
        self.block(1);
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}.")
            }
            _ => "*".to_owned(),
        };
        self.word(&marker);
        self.space = true;
    }

    fn end_link(&mut self) {
        let Some((href, start)) = self.link.take() else {
            return;
        };
        let shown = self.text.get(start..).unwrap_or_default().trim();
        let address = href.strip_prefix("mailto:").unwrap_or(&href);
        let says_more = address.contains(':')
            || address.contains('@')
            || address.contains(|c| PRIVATE.contains(&c));
        if says_more && !shown.is_empty() && shown != address && !self.hidden {
            for part in [" (", address, ")"] {
                self.text.push_str(part);
            }
        }
    }
}

/// The number of line breaks around an element.
fn gap(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "table" | "dl"
        | "figure" => 2,
        "div" | "tr" | "li" | "dt" | "dd" | "section" | "article" | "header" | "footer"
        | "main" | "nav" | "aside" | "address" | "center" | "form" | "caption" | "figcaption" => 1,
        _ => 0,
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = utf8(tag.attributes.get(name.as_bytes())?);
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    (!value.is_empty()).then_some(value)
}

fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_well_as_text() {
        let html = "<!DOCTYPE html><html><head><title>No</title><style>p { color: red }</style></head><body>
            <h1>Hello,&nbsp;Ada</h1><p>Some <b>bold</b>er\n text &amp; <a href=\"https://example.org/?a=1\">a link</a>.<br>Next</p>
            <table><tr><td>One</td><td>two</td></tr><tr><td>three</td></tr></table>
            <ol><li>First<li>Second<ul><li>inner</ul></ol><script>if (1 < 2) {}</script>
            <img src=x alt='A  cat'> <a href='mailto:ada@example.org'>ada@example.org</a><pre>a\n  b</pre><hr>end";
        assert_eq!(
            of_html(html),
            "Hello,\u{a0}Ada\n\nSome bolder text & a link (https://example.org/?a=1).\nNext\n\nOne two\nthree\n\n\
             1. First\n2. Second\n* inner\n\nA cat ada@example.org\n\na\n  b\n\n---\n\nend"
        );
    }
}
