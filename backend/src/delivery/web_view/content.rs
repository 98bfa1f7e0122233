//! A letter made again from what it was made from: the same in every letter, links included. Pure.

use mime::links::Link;
use mime::render::{PlaceholderValues, Rendered, Template};

use super::store::MailSource;

/// What its reader got; `None` for a mail that could not be made, and so never left. Bounded as every template is.
pub fn written(source: &MailSource, link: impl Fn(Link) -> String) -> Option<Rendered> {
    let template = Template::parse(&source.subject, &source.html, &source.text).ok()?;
    let person = PlaceholderValues {
        email: &source.email,
        full_name: source.full_name.trim(),
        unsubscribe_url: &link(Link::Unsubscribe),
        view_url: &link(Link::View),
    };
    template.render(&person).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(html: &str, full_name: &str) -> MailSource {
        MailSource {
            owner_id: 1,
            subject: "News for {{ full_name }}".to_owned(),
            html: html.to_owned(),
            text: String::new(),
            email: "ada@example.org".to_owned(),
            full_name: full_name.to_owned(),
        }
    }

    fn link(link: Link) -> String {
        link.with("https://example.org", "token")
    }

    #[test]
    fn a_letter_has_its_readers_name_and_links() {
        let html =
            "<p>{{ email }} <a href='{{ view_url }}'>a</a> <a href='{{ unsubscribe_url }}'>b</a>";
        let letter = written(&source(html, " Ada "), link).unwrap();
        assert_eq!(letter.subject, "News for Ada");
        assert_eq!(
            letter.html,
            "<p>ada@example.org <a href='https://example.org/letter#token'>a</a> \
             <a href='https://example.org/unsubscribe#token'>b</a>"
        );
        assert!(
            letter.text.starts_with("ada@example.org a"),
            "{}",
            letter.text
        );
    }

    #[test]
    fn what_could_not_be_mailed_is_no_letter() {
        assert!(written(&source("{{ nothing }}", "Ada"), link).is_none());
        assert!(written(&source("<p>Hi", "two\nlines"), link).is_none());
    }
}
