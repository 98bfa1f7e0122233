//! The query parameters of the list of mailings.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::status::MailingStatus;
use crate::web::page::{Paging, default_per_page, first_page};

/// Which mailings to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailingQuery {
    /// Counts from 1.
    #[serde(default = "first_page")]
    #[validate(range(min = 1, max = 1_000_000, code = "out_of_range"))]
    #[param(default = 1, minimum = 1, maximum = 1_000_000)]
    pub page: u32,
    #[serde(default = "default_per_page")]
    #[validate(range(min = 1, max = 100, code = "out_of_range"))]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub per_page: u32,
    #[serde(default)]
    #[param(inline)]
    pub sort: MailingSort,
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

impl MailingQuery {
    /// The requested page.
    pub fn paging(&self) -> Paging {
        Paging {
            page: self.page,
            per_page: self.per_page,
        }
    }
}

/// The order of a list; a minus means descending. By `next_run_at`, mailings without a next run are last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum MailingSort {
    #[serde(rename = "created_at")]
    Oldest,
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "starts_at")]
    FirstStart,
    #[serde(rename = "-starts_at")]
    LastStart,
    #[serde(rename = "next_run_at")]
    NextRun,
    #[serde(rename = "-next_run_at")]
    LastNextRun,
}
