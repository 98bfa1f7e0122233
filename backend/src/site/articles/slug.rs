//! An article's address from its title, in letters that every address bar shows. Pure.

const LONGEST: usize = 80;

/// `Весенние новости 2026` becomes `vesennie-novosti-2026`. Never empty and never only digits, which would be an id.
pub(super) fn of_title(title: &str) -> String {
    let slug = shortened(slug::slugify(title));
    if slug.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        slug
    } else {
        format!("article-{slug}").trim_end_matches('-').to_owned()
    }
}

/// The same for the second, third … article of that title.
pub(super) fn numbered(slug: &str, number: usize) -> String {
    if number < 2 {
        slug.to_owned()
    } else {
        format!("{slug}-{number}")
    }
}

/// To the last whole word that fits.
fn shortened(slug: String) -> String {
    if slug.len() <= LONGEST {
        return slug;
    }
    let beginning = slug.get(..LONGEST).unwrap_or(&slug);
    let whole = beginning
        .rsplit_once('-')
        .map_or(beginning, |(words, _)| words);
    whole.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_an_address_that_is_no_id() {
        for (title, slug) in [
            ("Весенние новости 2026", "vesennie-novosti-2026"),
            ("Ёж & Щука: «объезд»", "iozh-shchuka-ob-ezd"),
            ("  Hello,   World! ", "hello-world"),
            ("2026", "article-2026"),
            ("1-2", "article-1-2"),
            ("???", "article"),
            ("日本", "ri-ben"),
        ] {
            assert_eq!(of_title(title), slug, "{title}");
        }
    }

    #[test]
    fn a_long_title_is_cut_between_words() {
        let slug = of_title(&"слово ".repeat(60));
        assert!(slug.len() <= LONGEST && slug.ends_with("-slovo"), "{slug}");
        assert_eq!(of_title(&"я".repeat(200)).len(), LONGEST);
    }
}
