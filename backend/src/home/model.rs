//! What the public page shows.

use serde::Serialize;
use utoipa::ToSchema;

use crate::articles::model::ArticleSummary;

/// The service in numbers, and something to read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Home {
    #[serde(flatten)]
    pub totals: Totals,
    /// Up to three, others each time.
    #[schema(max_items = 3)]
    pub articles: Vec<ArticleSummary>,
}

/// Of everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    #[schema(example = 120, minimum = 0)]
    pub mailings_total: i64,
    /// Those that are running now: within their time, not disabled, of nobody who is blocked.
    #[schema(example = 7, minimum = 0)]
    pub mailings_active: i64,
    /// Different addresses, whoever writes to them and in whatever case.
    #[schema(example = 54_000, minimum = 0)]
    pub unique_recipients: i64,
}
