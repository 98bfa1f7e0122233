//! The article and the requests about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};
use validator::{Validate, ValidationError};

use crate::core::text_enum::text_enum;
use crate::web::field::{
    filled, nullable, nullable_trimmed, present, present_trimmed, sensible_year, several_lines,
    single_line, trimmed,
};

/// Of what is sent, in bytes of UTF-8.
const MAX_HTML: usize = 256 * 1024;

/// Who wrote an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Author {
    #[schema(example = 2, minimum = 1)]
    pub id: i64,
    #[schema(example = "Grace Hopper")]
    pub full_name: String,
}

/// An article of the blog.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Article {
    #[serde(flatten)]
    pub summary: ArticleSummary,
    /// Nothing in it acts on its reader: the server keeps text, headings, lists, links, tables, code and pictures of ours.
    #[schema(example = "<p>From today on, mailings wait for their time zone.</p>")]
    pub html: String,
}

/// An article as a list shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArticleSummary {
    #[schema(example = 4, minimum = 1)]
    pub id: i64,
    /// Its address on the blog. It follows the title until the article is published for the first time.
    #[schema(example = "spring-news")]
    pub slug: String,
    #[schema(example = "Spring news")]
    pub title: String,
    /// What introduces it: as its author wrote it, or how the text begins.
    #[schema(example = "From today on, mailings wait for their time zone.")]
    pub excerpt: String,
    #[schema(example = "/api/v1/images/q3vJ0Zp0o5bq1m0mQy3lYw8m0m4pWm2b3v9d8c7e6f5.webp")]
    pub image_url: Option<String>,
    /// How often readers have opened it; staff is not counted.
    #[schema(example = 41, minimum = 0)]
    pub views: i64,
    pub is_published: bool,
    /// From then on readers see it, if it is published.
    pub published_at: Option<DateTime<Utc>>,
    /// Only staff is told; `null` where the account is gone.
    pub author: Option<Author>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A new article: a draft.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateArticle {
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 200, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(example = "Spring news", min_length = 1, max_length = 200)]
    pub title: String,
    /// At most 256 KiB of UTF-8. What could act on a reader is left out; pictures are those of `POST /images`.
    #[serde(default)]
    #[validate(custom(function = "of_bearable_size"))]
    #[schema(example = "<p>From today on, mailings wait for their time zone.</p>")]
    pub html: String,
    /// Where there is none, or a blank one, the beginning of the text introduces the article.
    #[serde(default, deserialize_with = "trimmed")]
    #[validate(
        length(max = 500, code = "too_long"),
        custom(function = "several_lines")
    )]
    #[schema(example = "What is new this spring", max_length = 500)]
    pub excerpt: Option<String>,
    /// When it is to be shown, once it is published; the moment of publishing where there is none.
    #[serde(default)]
    #[validate(custom(function = "sensible_year"))]
    pub published_at: Option<DateTime<Utc>>,
}

/// Changes to an article; what is absent stays as it is.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateArticle {
    #[serde(deserialize_with = "present_trimmed")]
    #[validate(
        length(max = 200, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(
        example = "Spring news",
        min_length = 1,
        max_length = 200,
        nullable = false
    )]
    pub title: Option<String>,
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "of_bearable_size"))]
    #[schema(example = "<p>From today on …</p>", nullable = false)]
    pub html: Option<String>,
    /// `null` or a blank one: the beginning of the text.
    #[serde(deserialize_with = "nullable_trimmed")]
    #[validate(
        length(max = 500, code = "too_long"),
        custom(function = "several_lines")
    )]
    #[schema(example = "What is new", max_length = 500, value_type = Option<String>)]
    pub excerpt: Option<Option<String>>,
    /// `null` only for what is not published.
    #[serde(deserialize_with = "nullable")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub published_at: Option<Option<DateTime<Utc>>>,
}

/// Which articles to list.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum ArticleStatus {
    Draft,
    Published,
    All,
}

text_enum!(ArticleStatus);

/// Which articles to list; the newest come first.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArticleQuery {
    /// Part of the title or the excerpt, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "news")]
    pub q: Option<String>,
    /// What readers see when it is absent. Only managers may ask for anything; `published` is then also what waits for its
    /// date.
    #[param(inline)]
    pub status: Option<ArticleStatus>,
}

fn of_bearable_size(html: &str) -> Result<(), ValidationError> {
    if html.len() <= MAX_HTML {
        Ok(())
    } else {
        Err(ValidationError::new("too_long"))
    }
}
