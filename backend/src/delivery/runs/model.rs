//! The run, its trigger and its counts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use super::status::{PauseReason, RunStatus};
use crate::accounts::identity::UserRef;
use crate::core::db::schema::runs;
use crate::core::text_enum::text_enum;

/// What started a run.
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
pub enum Trigger {
    Schedule,
    Manual,
    Cli,
}

text_enum!(Trigger);

/// One sending of a mailing to its recipients.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Run {
    #[schema(example = 7, minimum = 1)]
    pub id: i64,
    pub owner: UserRef,
    #[schema(example = 3, minimum = 1)]
    pub mailing_id: i64,
    pub scheduled_for: DateTime<Utc>,
    pub trigger: Trigger,
    pub status: RunStatus,
    /// Why the run is paused; `null` if it is not.
    pub pause_reason: Option<PauseReason>,
    /// Only for open runs: the number of sessions in use, because the mail server refuses further connections. One
    /// more is tried every few minutes.
    #[schema(example = 5, minimum = 1)]
    pub session_limit: Option<i32>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub counts: Counts,
}

/// The number of deliveries of a run in each status. `pending` includes those not prepared yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema, QueryableByName)]
pub struct Counts {
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub total: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub pending: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub accepted: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub rejected: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub deferred: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub uncertain: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub expired: i64,
    #[diesel(sql_type = BigInt)]
    #[schema(minimum = 0)]
    pub skipped: i64,
}

/// A row of the table, without the snapshot of the message.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub struct RunRow {
    pub id: i64,
    pub mailing_id: i64,
    pub scheduled_for: DateTime<Utc>,
    #[diesel(deserialize_as = String)]
    pub trigger: Trigger,
    #[diesel(deserialize_as = String)]
    pub status: RunStatus,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
}

/// Until when the mails of a run may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBounds {
    /// No mail is sent at or after this time; `None` for no end.
    pub deadline_at: Option<DateTime<Utc>>,
    /// No mail is retried at or after this time.
    pub retries_end_at: DateTime<Utc>,
}
