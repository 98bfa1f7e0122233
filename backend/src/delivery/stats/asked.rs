//! Which numbers are asked for.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::web::field::{self, sensible_year};
use crate::web::page::{Paging, default_per_page, first_page};

/// Of when.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PeriodQuery {
    /// Not before this moment, rounded down to a quarter of an hour; unless given, since the mailing first sent something.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this moment, rounded up to a quarter of an hour; unless given, until now. At most 366 days after `from`.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
    /// Whose midnight parts the days; unless given, the caller's.
    #[validate(custom(function = "field::time_zone"))]
    #[param(example = "Europe/Moscow", max_length = 50)]
    pub time_zone: Option<String>,
}

/// Of when and of whom.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// Not before this moment, rounded down to a quarter of an hour; unless given, the last thirty days.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this moment, rounded up to a quarter of an hour; unless given, until now. At most 366 days after `from`.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
    /// Whose midnight parts the days; unless given, the caller's.
    #[validate(custom(function = "field::time_zone"))]
    #[param(example = "Europe/Moscow", max_length = 50)]
    pub time_zone: Option<String>,
    /// For managers: whose; everybody's when it is absent. Others see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
}

impl From<StatsQuery> for PeriodQuery {
    fn from(query: StatsQuery) -> Self {
        Self {
            from: query.from,
            to: query.to,
            time_zone: query.time_zone,
        }
    }
}

/// Which mailings to list: those that sent something in the period.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailingLineQuery {
    /// Not before this moment, rounded down to a quarter of an hour; unless given, the last thirty days.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this moment, rounded up to a quarter of an hour; unless given, until now. At most 366 days after `from`.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
    /// Whose midnight the last thirty days begin with; unless given, the caller's.
    #[validate(custom(function = "field::time_zone"))]
    #[param(example = "Europe/Moscow", max_length = 50)]
    pub time_zone: Option<String>,
    /// For managers: whose; everybody's when it is absent. Others see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
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
    pub sort: MailingLineSort,
}

impl MailingLineQuery {
    /// The page asked for.
    pub fn paging(&self) -> Paging {
        Paging {
            page: self.page,
            per_page: self.per_page,
        }
    }
}

impl From<MailingLineQuery> for PeriodQuery {
    fn from(query: MailingLineQuery) -> Self {
        Self {
            from: query.from,
            to: query.to,
            time_zone: query.time_zone,
        }
    }
}

/// The order of the list; a minus means descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum MailingLineSort {
    #[serde(rename = "attempts")]
    FewestAttempts,
    #[default]
    #[serde(rename = "-attempts")]
    MostAttempts,
    #[serde(rename = "failed")]
    FewestFailed,
    #[serde(rename = "-failed")]
    MostFailed,
    #[serde(rename = "messages_sent")]
    FewestSent,
    #[serde(rename = "-messages_sent")]
    MostSent,
    #[serde(rename = "runs")]
    FewestRuns,
    #[serde(rename = "-runs")]
    MostRuns,
}
