//! Bounds on the cost of rendering a template. Fuel limits the number of instructions; this limits the bytes that
//! filters read and that are written. Pure.

use std::io;

use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, Template, Value};

/// Bytes that the filters of one part may read during rendering: a name and an address in each of 500 placeholders.
const MAX_FILTERED: usize = 256 * 1024;
/// The cost of a list item, in bytes.
const ITEM: usize = 32;
/// A rendered body may be four times as large as the largest body that is accepted.
const MAX_PART: usize = 4 * 1024 * 1024;

/// Maximum size of HTML converted to text for each recipient, where it cannot be converted once for all, in bytes.
pub(super) const MAX_HTML_READ: usize = 128 * 1024;
pub(super) const HTML_READ: &str = "Write a text as well: from HTML as long as this, with braces or private characters spelt \
    as references, it would have to be made for each recipient.";

/// Why a message cannot be rendered for a recipient.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("the template cannot be rendered: {0}")]
    Template(#[from] Error),
    /// It would end the header line, and possibly start another.
    #[error("the subject contains a line break or another control character")]
    ControlCharacter,
    #[error("the rendered message is too long")]
    TooLong,
}

/// Bytes read by filters since rendering of this part started.
#[derive(Default)]
struct Filtered(usize);

/// A filter whose arguments are counted, each byte `per_byte` times.
pub(super) struct Filter {
    pub(super) name: &'static str,
    pub(super) per_byte: usize,
    pub(super) function: Value,
}

/// What to do with a value that a filter cannot process, or not any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    Fail,
    LeaveUnchanged,
}

/// Adds a filter. Beyond the bound it does nothing.
pub(super) fn add_filter(environment: &mut Environment<'_>, filter: Filter, on_failure: OnFailure) {
    let Filter {
        name,
        per_byte,
        function,
    } = filter;
    environment.add_filter(name, move |state: &mut State, arguments: Rest<Value>| {
        let read: usize = arguments.iter().map(size).sum();
        let filtered = spend(state, read.saturating_mul(per_byte))
            .and_then(|()| function.call(state, &arguments));
        match filtered {
            Err(_) if on_failure == OnFailure::LeaveUnchanged => {
                let value = arguments.first().filter(|value| !value.is_undefined());
                Ok(value.cloned().unwrap_or_else(|| Value::from("")))
            }
            filtered => filtered,
        }
    });
}

/// The cost of a filter that splits a text into a list: each character may become an item.
pub(super) const SPLITS: usize = ITEM;

fn size(value: &Value) -> usize {
    match value.as_str() {
        Some(text) => text.len(),
        None => value.len().unwrap_or_default().saturating_mul(ITEM),
    }
}

fn spend(state: &mut State, bytes: usize) -> Result<(), Error> {
    let Filtered(spent) = state.get_or_insert_extension(Filtered::default());
    *spent = spent.saturating_add(bytes);
    if *spent <= MAX_FILTERED {
        return Ok(());
    }
    let what = "the filters up to here read too much text; use fewer filters or shorter texts";
    Err(Error::new(ErrorKind::OutOfFuel, what))
}

/// Renders a template, up to the maximum length of a mail.
pub(super) fn render(template: &Template<'_, '_>, values: Value) -> Result<String, RenderError> {
    let mut written = BoundedOutput::default();
    let filled = template.render_captured_to(values, &mut written);
    if written.is_cut {
        return Err(RenderError::TooLong);
    }
    filled?;
    String::from_utf8(written.bytes).map_err(|_never| RenderError::TooLong)
}

/// Output of at most `MAX_PART` bytes.
#[derive(Default)]
struct BoundedOutput {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl io::Write for BoundedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_PART {
            self.is_cut = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::render::{PlaceholderValues, Rendered, Template};

    fn rendered(source: &str, name: &str) -> Result<Rendered, String> {
        let person = PlaceholderValues {
            email: "ada@example.org",
            full_name: name,
            unsubscribe_url: "",
            view_url: "",
        };
        let template = Template::parse("Hi", "", source).map_err(|mistakes| {
            mistakes
                .into_iter()
                .map(|it| it.message)
                .collect::<String>()
        })?;
        template.render(&person).map_err(|mistake| mistake.message)
    }

    #[test]
    fn constants_run_through_filters_are_refused_however_they_are_spread() {
        let text = |bytes: usize| "a".repeat(bytes);
        let filters = " | upper | lower".repeat(10);
        for source in [
            format!("{{{{ '{}'{filters} }}}}", text(900_000)),
            format!("{{{{ '{}'{filters} }}}}", text(7_000)).repeat(100),
            format!("{{{{ '{}' | split('') | length }}}}", text(8_000)).repeat(100),
            format!("{{% if '{}' | title == 'x' %}}{{% endif %}}", text(7_000)).repeat(100),
            format!(
                "{{% if '{}' in '{}' %}}{{% endif %}}",
                text(400_000),
                text(400_000)
            ),
            format!("{{{{ {} }}}}", ["full_name"; 20].join(" ~ ")),
            format!("{{{{ {} }}}}", ["full_name"; 20].join(" + ")),
        ] {
            let refused = rendered(&source, "Ada").expect_err(&source[..60]);
            assert!(refused.len() < 200, "{refused}");
        }
    }

    #[test]
    fn beyond_the_bound_filters_leave_a_long_name_as_it_is() {
        let source = "{{ full_name | split('') | last }}".repeat(100);
        assert_eq!(rendered(&source, "Ada").unwrap().text, "");
        let name = "a".repeat(200);
        let text = rendered(&source, &name).unwrap().text;
        assert!(text.ends_with(&name), "{text}");
    }

    #[test]
    fn a_part_is_no_longer_than_a_mail_may_be() {
        let source = "{{ full_name ~ full_name ~ full_name ~ full_name }}".repeat(400);
        assert!(rendered(&source, "Ada").is_ok());
        let refused = rendered(&source, &"a".repeat(4_000)).unwrap_err();
        assert!(refused.contains("too long"), "{refused}");
    }

    #[test]
    fn long_html_whose_text_cannot_be_made_once_needs_a_text_of_its_own() {
        let html = |bytes: usize| format!("{{{{ email }}}}&#123;&#123; {}", "a ".repeat(bytes / 2));
        let parse = |html: &str, text: &str| Template::parse("Hi", html, text);
        assert!(parse(&html(100_000), "").is_ok());
        assert!(parse(&html(200_000), "Hi").is_ok());
        let refused = parse(&html(200_000), "").unwrap_err();
        assert_eq!(refused[0].field, "html");
        assert!(parse(&"a ".repeat(200_000), "").is_ok());
    }

    #[test]
    fn what_messages_do_with_names_is_far_below_the_bound() {
        let source = "{{ full_name | default('my friend', true) | title }} {{ email | split('@') | first }}\n";
        let name = "Ада Лавлейс ".repeat(8);
        let filled = rendered(&source.repeat(100), &name).unwrap();
        assert!(filled.text.starts_with("Ада Лавлейс"), "{}", filled.text);
        let first = rendered("{{ full_name | first | default('?') }}", "").unwrap();
        assert_eq!(first.text, "?");
    }
}
