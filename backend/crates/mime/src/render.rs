//! Renders a message for one recipient. Pure.

use std::borrow::Cow;

use minijinja::{Environment, context};

pub use super::bounds::RenderError;
use super::bounds::{self, MAX_HTML_READ};
use super::compiled_template::CompiledTemplate;
use super::links::Link;
pub use super::placeholder_values::PlaceholderValues;
use super::placeholder_values::{SAMPLES, values};
use super::placeholders::{
    LINKS, NAMES, environment, explain, has_tags, lenient_environment, tags,
};
use super::plain_text;
use super::text_queries;
use super::text_template;
use super::transfer::BodyKind;
use super::understood;

const MAX_SUBJECT: usize = 2_000;
/// Replaces a subject that is empty after rendering, as mail programs display it.
pub const NO_SUBJECT: &str = "(no subject)";

/// A message rendered for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    /// Empty for a message in plain text only.
    pub html: String,
    pub text: String,
}

/// What is wrong with a template, by field: `subject`, `html` or `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub field: &'static str,
    pub message: String,
}

/// A message that can be rendered any number of times.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    pub(super) subject: TemplatePart,
    pub(super) html: TemplatePart,
    /// `None`: made from the rendered HTML, because the template's own could not be turned into text.
    pub(super) text: Option<TemplatePart>,
    links: Vec<Link>,
}

/// A part of a message: subject, HTML or text.
#[derive(Debug)]
pub(super) enum TemplatePart {
    /// The same for all recipients.
    Fixed(String),
    /// Rendered from the template of this name, or from its compiled form where possible.
    Filled(&'static str, Option<CompiledTemplate>),
}

impl Template {
    /// Parses a message. An empty body is an absent one; an absent text is made from the HTML.
    pub fn parse(subject: &str, html: &str, text: &str) -> Result<Self, Vec<Mistake>> {
        let html = &*as_mailed(html);
        let text = &*text_queries::as_mailed(text);
        let subject = &*understood::in_text(subject).text;
        let mut template = Self {
            environment: lenient_environment(),
            subject: TemplatePart::Fixed(String::new()),
            html: TemplatePart::Fixed(String::new()),
            text: None,
            links: Vec::new(),
        };
        let mut mistakes = Vec::new();
        let mut add = |template: &mut Self, field, source| match template.add(field, source) {
            Ok(part) => part,
            Err(message) => {
                mistakes.push(Mistake { field, message });
                TemplatePart::Fixed(String::new())
            }
        };
        template.subject = add(&mut template, "subject", subject);
        template.html = add(&mut template, "html", html);
        if !text.is_empty() || html.is_empty() {
            template.text = Some(add(&mut template, "text", text));
        } else if mistakes.is_empty() {
            template.text = template.text_from(html);
            if template.text.is_none() && html.len() > MAX_HTML_READ {
                let (field, message) = ("html", bounds::HTML_READ.to_owned());
                mistakes.push(Mistake { field, message });
            }
        }
        for person in &SAMPLES {
            if mistakes.is_empty() {
                mistakes.extend(
                    template
                        .fill_subject(person)
                        .map_err(mistake_in("subject"))
                        .err(),
                );
            }
        }
        if mistakes.is_empty() {
            Ok(template)
        } else {
            Err(mistakes)
        }
    }

    /// Renders the message with these values.
    pub fn render(&self, person: &PlaceholderValues<'_>) -> Result<Rendered, Mistake> {
        let subject = self.fill_subject(person).map_err(mistake_in("subject"))?;
        let html = self.fill(&self.html, person).map_err(mistake_in("html"))?;
        let text = match &self.text {
            Some(part) => self.fill(part, person).map_err(mistake_in("text"))?,
            None => Cow::Owned(plain_text::of_html(&html)),
        };
        let (html, text) = (html.into_owned(), text.into_owned());
        Ok(Rendered {
            subject,
            html,
            text,
        })
    }

    /// Whether some part contains this link.
    pub(super) fn shows(&self, link: Link) -> bool {
        self.links.contains(&link)
    }

    /// Renders the subject, which must be a single line.
    pub(super) fn fill_subject(
        &self,
        person: &PlaceholderValues<'_>,
    ) -> Result<String, RenderError> {
        let filled = self.fill(&self.subject, person)?;
        let subject = match filled.trim() {
            "" => NO_SUBJECT,
            subject => subject,
        };
        match () {
            () if subject.chars().any(char::is_control) => Err(RenderError::ControlCharacter),
            () if subject.len() > MAX_SUBJECT => Err(RenderError::TooLong),
            () => Ok(subject.to_owned()),
        }
    }

    /// Whether the rendered subject is not empty for this recipient.
    pub fn has_subject_for(&self, person: &PlaceholderValues<'_>) -> bool {
        let filled = self.fill(&self.subject, person);
        filled.is_ok_and(|subject| !subject.trim().is_empty())
    }

    pub(super) fn fill<'a>(
        &'a self,
        part: &'a TemplatePart,
        person: &PlaceholderValues<'_>,
    ) -> Result<Cow<'a, str>, RenderError> {
        let name = match part {
            TemplatePart::Fixed(text) => return Ok(Cow::Borrowed(text)),
            TemplatePart::Filled(name, _) => name,
        };
        let template = self.environment.get_template(name)?;
        let values = if self.links.is_empty() {
            context! { email => person.email, full_name => person.full_name }
        } else {
            values(person)
        };
        bounds::render(&template, values).map(Cow::Owned)
    }

    /// Adds a template under the name of its field. The error is a sentence.
    fn add(&mut self, field: &'static str, source: &str) -> Result<TemplatePart, String> {
        let tags = tags(source)?;
        if tags.is_empty() && !has_tags(source) {
            return Ok(TemplatePart::Fixed(source.to_owned()));
        }
        let mut strict = environment();
        for environment in [&mut strict, &mut self.environment] {
            environment
                .add_template_owned(field, source.to_owned())
                .map_err(|error| explain(&error))?;
        }
        let template = strict
            .get_template(field)
            .map_err(|error| explain(&error))?;
        let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
        let shown = LINKS
            .into_iter()
            .filter(|link| unknown.iter().any(|name| name == link.placeholder()));
        self.links.extend(shown);
        unknown.retain(|name| !NAMES.contains(&name.as_str()));
        unknown.sort();
        if let Some(name) = unknown.first() {
            return Err(format!(
                "There is no placeholder “{name}”; there are {}.",
                NAMES.join(", ")
            ));
        }
        let frame = match field {
            "html" => CompiledTemplate::of(BodyKind::Html, source, &tags),
            "text" => CompiledTemplate::of(BodyKind::Plain, source, &tags),
            _ => None,
        };
        for person in &SAMPLES {
            bounds::render(&template, values(person))
                .map_err(|error| mistake_in(field)(error).message)?;
        }
        Ok(TemplatePart::Filled(field, frame))
    }

    /// Makes a missing text from the HTML, once for all mails; `None` if it can only be made from the rendered HTML.
    fn text_from(&mut self, html: &str) -> Option<TemplatePart> {
        if let TemplatePart::Fixed(html) = &self.html {
            return Some(TemplatePart::Fixed(plain_text::of_html(html)));
        }
        let text = text_template::of_template(html, &tags(html).ok()?)?;
        self.add("text", &text).ok()
    }
}

/// HTML as it is mailed, with values in queries encoded. Left unchanged if its tags cannot be parsed.
fn as_mailed(html: &str) -> Cow<'_, str> {
    let meant = understood::in_html(html).text;
    let Ok(tags) = tags(&meant) else {
        return meant;
    };
    match understood::as_mailed(&meant, &tags) {
        Cow::Owned(mailed) => Cow::Owned(mailed),
        Cow::Borrowed(_) => meant,
    }
}

fn mistake_in(field: &'static str) -> impl FnOnce(RenderError) -> Mistake {
    move |error| {
        let message = match error {
            RenderError::Template(error) => explain(&error),
            other => other.to_string(),
        };
        Mistake { field, message }
    }
}

#[cfg(test)]
mod tests;
