//! The query parameters of statistics.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use strum::EnumString;
use utoipa::IntoParams;
use validator::Validate;

use crate::web::field::{self, sensible_year};
use crate::web::list::{Sort, SortKey};

/// The period of statistics.
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
    /// IANA time zone of the days; the caller's if absent.
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
    /// IANA time zone of the days; the caller's if absent.
    #[validate(custom(function = "field::time_zone"))]
    #[param(example = "Europe/Moscow", max_length = 50)]
    pub time_zone: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
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

/// Which mailings to list: those with attempts in the period.
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
    /// IANA time zone of the days; the caller's if absent.
    #[validate(custom(function = "field::time_zone"))]
    #[param(example = "Europe/Moscow", max_length = 50)]
    pub time_zone: Option<String>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
    #[serde(default)]
    #[param(schema_with = Sort::<MailingLineSortKey>::schema)]
    pub sort: Sort<MailingLineSortKey>,
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

/// What the mailings can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum MailingLineSortKey {
    #[default]
    Attempts,
    Failed,
    MessagesSent,
    Runs,
}

impl SortKey for MailingLineSortKey {
    const VALUES: &'static [&'static str] = &[
        "attempts",
        "-attempts",
        "failed",
        "-failed",
        "messages_sent",
        "-messages_sent",
        "runs",
        "-runs",
    ];
}
