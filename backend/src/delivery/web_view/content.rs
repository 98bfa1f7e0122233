//! Renders a sent mail again, identical to the original. Pure.

use mime::links::Link;
use mime::render::{PlaceholderValues, Rendered, Template};

use super::store::MailSource;

/// The mail as it was sent; `None` if it could not be rendered, and so was never sent. Limits are those of all templates.
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
    fn a_mail_has_the_name_and_links_of_its_reader() {
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
    fn a_mail_that_could_not_be_rendered_is_not_shown() {
        assert!(written(&source("{{ nothing }}", "Ada"), link).is_none());
        assert!(written(&source("<p>Hi", "two\nlines"), link).is_none());
    }
}
