//! Splits HTML into tokens with a stack of bounded depth. Pure.
//!
//! The tokenizer of `html5gum` calls itself for each attribute in double quotes until the tag ends: a few hundred of them
//! would overflow the stack of a thread, which aborts the process. An error of its reader ends these calls, and the
//! tokenizer continues where it was.

use html5gum::{Emitter, Readable, Reader, StringReader, Tokenizer};

/// The tokens of this HTML; as many attributes as its length allows.
pub fn tokens<E: Emitter>(html: &str, emitter: E) -> impl Iterator<Item = E::Token> {
    let reader = Interrupting {
        reader: html.to_reader(),
        was_interrupted: false,
    };
    Tokenizer::new_with_emitter(reader, emitter).filter_map(Result::ok)
}

/// Interrupts the tokenizer in each quoted attribute value.
struct Interrupting<'h> {
    reader: StringReader<'h>,
    /// The last read was refused; the next one is not.
    was_interrupted: bool,
}

/// The tokenizer is to be called again.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

impl Reader for Interrupting<'_> {
    type Error = Interrupted;

    fn read_byte(&mut self) -> Result<Option<u8>, Interrupted> {
        self.reader.read_byte().map_err(|never| match never {})
    }

    fn try_read_string(&mut self, text: &[u8], case_sensitive: bool) -> Result<bool, Interrupted> {
        let found = self.reader.try_read_string(text, case_sensitive);
        found.map_err(|never| match never {})
    }

    fn read_until<'b>(
        &'b mut self,
        needle: &[u8],
        char_buf: &'b mut [u8; 4],
    ) -> Result<Option<&'b [u8]>, Interrupted> {
        self.was_interrupted = is_quoted_value(needle) && !self.was_interrupted;
        if self.was_interrupted {
            return Err(Interrupted);
        }
        let read = self.reader.read_until(needle, char_buf);
        read.map_err(|never| match never {})
    }
}

/// Whether the tokenizer reads a quoted attribute value if it looks for these. It must not be interrupted in another
/// state: it may have taken a character that would be lost.
fn is_quoted_value(needle: &[u8]) -> bool {
    let has = |byte| needle.contains(&byte);
    has(b'&') && (has(b'"') || has(b'\'')) && !has(b'<')
}

#[cfg(test)]
mod tests {
    use html5gum::emitters::default::DefaultEmitter;
    use html5gum::{StartTag, Token};
    use proptest::prelude::*;

    use super::*;

    fn emitter() -> DefaultEmitter {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        emitter
    }

    #[test]
    fn a_tag_may_have_any_number_of_attributes() {
        for (attribute, is_closed) in [
            ("a=\"b\" ", true),
            ("a=\"b\" ", false),
            ("a=\"\"", true),
            ("a='b' ", true),
            ("a=\"&amp;\" ", true),
            ("a = \"b\" / ", true),
            ("a=\"b\" a='b' a=b a ", true),
        ] {
            let end = if is_closed { ">" } else { "" };
            let html = format!("<p {}{end}", attribute.repeat(50_000));
            let tags = tokens(&html, emitter())
                .filter(|token| matches!(token, Token::StartTag(StartTag { .. })))
                .count();
            assert_eq!(tags, usize::from(is_closed), "{attribute}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_read_otherwise(html in "(<|>|/|=|\"|'|&|&amp;|a|b c|ж|\r|\n|\0|<p |<a b=\"|<style>|</style>|<!--|-->){0,40}") {
            let known: Vec<_> = Tokenizer::new_with_emitter(&html, emitter()).flatten().collect();
            let found: Vec<_> = tokens(&html, emitter()).collect();
            prop_assert_eq!(format!("{known:?}"), format!("{found:?}"));
        }
    }
}
