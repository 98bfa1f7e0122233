//! The query parameters of the list of mailings.

use serde::Deserialize;
use strum::EnumString;
use utoipa::IntoParams;
use validator::Validate;

use super::status::MailingStatus;
use crate::web::list::{Sort, SortKey};

/// Which mailings to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailingQuery {
    #[serde(default)]
    #[param(schema_with = Sort::<MailingSortKey>::schema)]
    pub sort: Sort<MailingSortKey>,
    pub status: Option<MailingStatus>,
    /// Part of the message's subject, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "news")]
    pub q: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
}

/// What mailings can be sorted by. By `next_run_at`, mailings without a next run are last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum MailingSortKey {
    #[default]
    CreatedAt,
    StartsAt,
    NextRunAt,
}

impl SortKey for MailingSortKey {
    const VALUES: &'static [&'static str] = &[
        "created_at",
        "-created_at",
        "starts_at",
        "-starts_at",
        "next_run_at",
        "-next_run_at",
    ];
}
