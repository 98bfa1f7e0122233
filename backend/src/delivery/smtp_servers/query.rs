//! How mail servers are listed.

use serde::Deserialize;
use strum::EnumString;
use utoipa::IntoParams;
use validator::Validate;

use crate::web::list::{Sort, SortKey};

/// Which of one's mail servers to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SmtpServerQuery {
    #[serde(default)]
    #[param(schema_with = Sort::<SmtpServerSortKey>::schema)]
    pub sort: Sort<SmtpServerSortKey>,
    /// Part of the name, the host or the sender's address, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "own")]
    pub q: Option<String>,
}

/// What SMTP servers can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum SmtpServerSortKey {
    #[default]
    CreatedAt,
    Name,
}

impl SortKey for SmtpServerSortKey {
    const VALUES: &'static [&'static str] = &["created_at", "-created_at", "name", "-name"];
}
