//! Guesses what an author meant by an unknown placeholder. Pure.

use super::placeholders::FILTERS;

/// Names that differ in length by more than this are not compared.
const MAX_DIFFERENCE: usize = 5;

/// Names used by other programs and by people for our placeholders: in lower case, without separators.
const SYNONYMS: [(&str, &[&str]); 4] = [
    (
        "full_name",
        &[
            "name",
            "firstname",
            "fname",
            "lastname",
            "lname",
            "fullname",
            "username",
            "displayname",
            "recipientname",
            "contactname",
            "contactfirstname",
            "subscribername",
            "имя",
            "полноеимя",
            "имяполучателя",
            "фио",
        ],
    ),
    (
        "email",
        &[
            "email",
            "emailaddress",
            "emailaddr",
            "mail",
            "mailaddress",
            "recipientemail",
            "contactemail",
            "subscriberemail",
            "useremail",
            "почта",
            "адрес",
            "емейл",
            "эл.почта",
        ],
    ),
    (
        "unsubscribe_url",
        &[
            "unsubscribeurl",
            "unsubscribe",
            "unsubscribelink",
            "unsub",
            "unsuburl",
            "unsublink",
            "optout",
            "optouturl",
            "optoutlink",
            "отписаться",
            "отписка",
            "ссылкаотписки",
        ],
    ),
    (
        "view_url",
        &[
            "viewurl",
            "view",
            "viewlink",
            "viewinbrowser",
            "viewonline",
            "browser",
            "browserurl",
            "browserlink",
            "webversion",
            "weblink",
            "webview",
            "onlineversion",
            "archive",
            "archiveurl",
            "вебверсия",
            "вбраузере",
        ],
    ),
];
/// Minimum similarity (0 to 1) of a name and a misspelling.
const ALIKE: f64 = 0.75;
/// As above, where the context does not suggest a placeholder.
const MUCH_ALIKE: f64 = 0.85;
/// For filters, whose names are short.
const FILTERS_ALIKE: f64 = 0.5;

/// The placeholder meant by this name in double braces, if any.
pub(super) fn placeholder(name: &str) -> Option<&'static str> {
    known(name, ALIKE)
}

/// The placeholder meant by this word in other brackets, if any.
pub(super) fn foreign_placeholder(word: &str) -> Option<&'static str> {
    known(word, MUCH_ALIKE)
}

/// The filter meant by this name, if any.
pub(super) fn filter(name: &str) -> Option<&'static str> {
    let known = FILTERS.iter().map(|known| (*known, *known));
    closest(&plain(name), known, FILTERS_ALIKE)
}

/// `contact.name` is looked up as a whole, and by its last and first parts.
fn known(name: &str, alike: f64) -> Option<&'static str> {
    let ends = ['.', ':', '='];
    let parts = [
        Some(name),
        name.rsplit(ends).next(),
        name.split(ends).next(),
    ];
    let names = || {
        SYNONYMS.iter().flat_map(|(placeholder, names)| {
            let own = std::iter::once(*placeholder);
            own.chain(names.iter().copied())
                .map(|name| (name, *placeholder))
        })
    };
    parts
        .into_iter()
        .flatten()
        .find_map(|part| closest(&plain(part), names(), alike))
}

/// The value of the most similar name. Much longer names are skipped without being measured.
fn closest(
    name: &str,
    known: impl Iterator<Item = (&'static str, &'static str)>,
    alike: f64,
) -> Option<&'static str> {
    let length = name.chars().count();
    let rated = known.filter_map(|(known, stands_for)| {
        let known = plain(known);
        let near = known.chars().count().abs_diff(length) <= MAX_DIFFERENCE;
        near.then(|| {
            let rating = strsim::normalized_damerau_levenshtein(name, &known);
            (rating, stands_for)
        })
    });
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(rating, _)| *rating >= alike)
        .map(|(_, stands_for)| stands_for)
}

/// Removes separators, which vary between spellings.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        for (written, meant) in [
            ("first_name", Some("full_name")),
            ("FNAME", Some("full_name")),
            ("contact.first-name", Some("full_name")),
            ("email.domain", Some("email")),
            ("fulname", Some("full_name")),
            ("naem", Some("full_name")),
            ("full name", Some("full_name")),
            ("Имя", Some("full_name")),
            ("e-mail", Some("email")),
            ("emial", Some("email")),
            ("unsubscribe_link", Some("unsubscribe_url")),
            ("unsubcribe_url", Some("unsubscribe_url")),
            ("UNSUB", Some("unsubscribe_url")),
            ("view_in_browser", Some("view_url")),
            ("color", None),
            ("price", None),
            ("order_id", None),
            ("x", None),
        ] {
            assert_eq!(placeholder(written), meant, "{written}");
        }
        assert_eq!(foreign_placeholder("game"), None);
        assert_eq!(foreign_placeholder("first name"), Some("full_name"));
        assert_eq!(filter("uper"), Some("upper"));
        assert_eq!(filter("titlecase"), Some("title"));
        assert_eq!(filter("zzz"), None);
    }
}
