//! The newest articles as RSS 2.0. Pure.

use rss::{Channel, Guid, Item};

use super::model::ArticleSummary;

/// The feed of these articles; links begin with the site's address.
pub(super) fn of(articles: &[ArticleSummary], site: &str) -> String {
    let items = articles.iter().map(|article| item(article, site));
    let channel = Channel {
        title: "Dispatch".to_owned(),
        link: format!("{site}/blog"),
        description: "Dispatch".to_owned(),
        items: items.collect(),
        ..Channel::default()
    };
    channel.to_string()
}

fn item(article: &ArticleSummary, site: &str) -> Item {
    let link = format!("{site}/blog/{}", article.slug);
    Item {
        title: Some(allowed(&article.title)),
        description: Some(allowed(&article.excerpt)),
        pub_date: article.published_at.map(|at| at.to_rfc2822()),
        guid: Some(Guid {
            value: link.clone(),
            permalink: true,
        }),
        link: Some(link),
        ..Item::default()
    }
}

/// Without the characters that XML 1.0 does not have (2.2), not even escaped.
fn allowed(text: &str) -> String {
    let unknown =
        |c: char| (c.is_control() && !"\t\n\r".contains(c)) || "\u{fffe}\u{ffff}".contains(c);
    text.replace(unknown, "")
}
