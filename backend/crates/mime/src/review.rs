//! Reviews a message when it is saved: reports each error with its position and what was probably meant. A message
//! without errors can be rendered for every recipient. Pure.

mod brackets;
mod branches;
mod foreign;
mod lexing;
mod links;
mod raw_finding;
mod references;
mod tag;

use self::raw_finding::RawFinding;
use super::finding::{Finding, FindingKind, Review};
use super::markup::Markup;
use super::placeholder_values::{PlaceholderValues, SAMPLES};
use super::render::{Mistake, Template};
use super::text_position::TextPosition;
use super::understood::{self, Edited};

/// Maximum number of findings reported.
const MAX_FINDINGS: usize = 20;
/// Length of the longest recipient name.
const MAX_NAME: usize = 200;

/// Reviews a message; an empty body is an absent one.
pub fn review(subject: &str, html: &str, text: &str) -> Review {
    let mut review = Review::default();
    for (field, source) in [("subject", subject), ("html", html), ("text", text)] {
        Reviewer::new(field, source).review(&mut review);
    }
    if review.mistakes.is_empty() {
        match Template::parse(subject, html, text) {
            Ok(template) => filled_in(&template, &mut review),
            Err(mistakes) => {
                let sources = [("subject", subject), ("html", html), ("text", text)];
                let located = mistakes.into_iter().map(|mistake| {
                    let of_field = sources.iter().find(|(field, _)| *field == mistake.field);
                    let source = of_field.map_or("", |(_, source)| source);
                    Reviewer::new(mistake.field, source).located(mistake)
                });
                review.mistakes = located.collect();
            }
        }
    }
    review.mistakes.truncate(MAX_FINDINGS);
    review.warnings.truncate(MAX_FINDINGS);
    review
}

/// Finds errors that appear only in rendering: for recipients without a name, and with the longest one.
fn filled_in(template: &Template, review: &mut Review) {
    if SAMPLES
        .iter()
        .any(|person| !template.has_subject_for(person))
    {
        review.warnings.push(Finding::empty_subject());
    }
    let (email, link) = (
        format!("{}@example.org", "e".repeat(242)),
        "l".repeat(1_000),
    );
    let longest = ["'", "𐐀", "ΐ"].map(|letter| letter.repeat(MAX_NAME));
    let too_long = longest.iter().find_map(|full_name| {
        let person = PlaceholderValues {
            email: &email,
            full_name,
            unsubscribe_url: &link,
            view_url: &link,
        };
        template.render(&person).err()
    });
    review.mistakes.extend(too_long.map(|mistake| Finding {
        kind: FindingKind::TooLong,
        found: format!("For a name of {MAX_NAME} letters: {}", mistake.message),
        ..Finding::from(mistake)
    }));
}

/// Reviews one field.
struct Reviewer<'s> {
    field: &'static str,
    source: &'s str,
    meant: Edited<'s>,
}

impl<'s> Reviewer<'s> {
    fn new(field: &'static str, source: &'s str) -> Self {
        let meant = match field {
            "html" => understood::in_html(source),
            _ => understood::in_text(source),
        };
        Self {
            field,
            source,
            meant,
        }
    }

    fn review(&self, review: &mut Review) {
        let source = &*self.meant.text;
        let lexed = lexing::lexed(source);
        let ranges: Vec<_> = lexed.tags.iter().map(|tag| tag.range.clone()).collect();
        let markup = match self.field {
            "html" => Markup::of(source, &ranges),
            _ => Markup::default(),
        };
        let mut mistakes: Vec<RawFinding> = lexed.tags.iter().filter_map(tag::mistake).collect();
        mistakes.extend(lexed.tags.iter().filter_map(brackets::quoted));
        // What opens in the tags that were read may be closed by those that were not.
        if lexed.mistake.is_none() {
            mistakes.extend(tag::unbalanced(&lexed.tags));
        }
        mistakes.extend(lexed.mistake);
        mistakes.extend(links::dead(source, &lexed.tags, &markup, self.field));
        let skeleton = foreign::Skeleton::of(source, &ranges, &markup.elements);
        let attributes = foreign::Skeleton::of_attributes(source, &ranges, &markup.attributes());
        mistakes.extend(skeleton.broken());
        mistakes.extend(attributes.torn());
        if self.field == "subject" {
            mistakes.extend(lexed.tags.iter().filter_map(tag::control_character));
        }
        if mistakes.is_empty() {
            mistakes.extend(lexed.tags.iter().filter_map(tag::unreadable));
        }
        mistakes.sort_by_key(|found| found.at.start);
        mistakes.dedup_by_key(|found| found.at.start);
        let mut warnings = match self.field {
            "html" => foreign::Skeleton::as_read(source, &ranges, &markup.elements).foreign(),
            _ => foreign::Skeleton::with_links(source, &ranges).foreign(),
        };
        warnings.extend(attributes.foreign());
        warnings.extend(foreign::elements(source, &markup.elements));
        warnings.sort_by_key(|found| found.at.start);
        warnings.dedup_by_key(|found| found.at.start);
        let finding = |found: RawFinding| self.finding(found);
        review
            .mistakes
            .extend(mistakes.into_iter().take(MAX_FINDINGS).map(finding));
        review
            .warnings
            .extend(warnings.into_iter().take(MAX_FINDINGS).map(finding));
    }

    /// An error that appeared only in rendering, with the position of the tag that fails on its own.
    fn located(&self, mistake: Mistake) -> Finding {
        let lexed = lexing::lexed(&self.meant.text);
        let failing = lexed.tags.iter().find(|tag| tag::fails(tag));
        match failing {
            Some(tag) => self.finding(RawFinding::new(
                FindingKind::Invalid,
                tag.range.clone(),
                format!("{} ({})", tag.source, mistake.message),
            )),
            None => mistake.into(),
        }
    }

    fn finding(&self, found: RawFinding) -> Finding {
        Finding {
            field: self.field,
            kind: found.kind,
            place: Some(TextPosition::of(
                self.source,
                self.meant.original(found.at.start),
            )),
            found: found.text,
            suggestion: found.suggestion,
        }
    }
}

#[cfg(test)]
mod tests;
