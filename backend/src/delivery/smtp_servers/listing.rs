//! How mail servers are listed.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::web::page::{Paging, default_per_page, first_page};

/// Which of one's mail servers to list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SmtpServerQuery {
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
    pub sort: SmtpServerSort,
    /// Part of the name, the host or the sender's address, in any case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200, example = "own")]
    pub q: Option<String>,
}

impl SmtpServerQuery {
    /// The page asked for.
    pub fn paging(&self) -> Paging {
        Paging {
            page: self.page,
            per_page: self.per_page,
        }
    }
}

/// The order of a list; a minus means descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum SmtpServerSort {
    #[serde(rename = "created_at")]
    Oldest,
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
}
