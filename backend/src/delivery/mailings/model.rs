//! The mailing and its requests.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use validator::Validate;

use super::audience::model::Audience;
use super::local_time::LocalTime;
use super::recurrence::{Recurrence, Schedule};
use super::status::{MailingStatus, StateReason};
use crate::accounts::identity::UserRef;
use crate::core::db::schema::mailings;
use crate::core::text_enum::text_enum;
use crate::core::zone::Zone;
use crate::delivery::runs::model::Run;
use crate::web::field::{self, filled, nullable, present, sensible_year, single_line, trimmed};

/// A message, its audience and its schedule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Mailing {
    #[schema(example = 3, minimum = 1)]
    pub id: i64,
    #[schema(example = 1, minimum = 1)]
    pub owner_id: i64,
    pub owner: UserRef,
    #[schema(example = 5, minimum = 1)]
    pub message_id: i64,
    #[schema(example = "Spring news")]
    pub message_subject: String,
    /// The SMTP server that sends it; `null` for the installation's.
    #[schema(example = 4, minimum = 1)]
    pub smtp_server_id: Option<i64>,
    pub smtp_server: Option<SmtpServerRef>,
    /// The first send.
    pub starts_at: DateTime<Utc>,
    /// The first send in the local time of `time_zone`, as given or derived from `starts_at`; all later ones have
    /// this local time. On a day on which the clock skips it, `starts_at` is later by the gap.
    pub starts_at_local: LocalTime,
    /// Nothing is sent at or after this; `null` for no end.
    pub ends_at: Option<DateTime<Utc>>,
    /// The end in the local time of `time_zone`.
    pub ends_at_local: Option<LocalTime>,
    pub recurrence: Recurrence,
    #[schema(example = "Europe/Moscow")]
    pub time_zone: String,
    pub on_uncertain: OnUncertain,
    pub status: MailingStatus,
    pub state_reason: StateReason,
    #[schema(example = 2000, minimum = 0)]
    pub recipients_count: i32,
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_run_at: Option<DateTime<Utc>>,
    /// The open run, or else the newest that started.
    pub last_run: Option<Run>,
    /// When its owner paused it; `null` if it is not paused.
    pub paused_at: Option<DateTime<Utc>>,
    pub disabled: Option<Disabled>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// An SMTP server and its name.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Serialize, ToSchema)]
pub struct SmtpServerRef {
    #[schema(example = 4, minimum = 1)]
    pub id: i64,
    #[schema(example = "Our own")]
    pub name: String,
}

/// What to do with a mail that was sent but not confirmed by the mail server.
#[derive(
    Default,
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
pub enum OnUncertain {
    /// Send it again: every recipient gets it, some may get it twice.
    #[default]
    Retry,
    /// Leave it to the owner: no recipient gets it twice, some may not get it.
    Hold,
}

text_enum!(OnUncertain);

/// Who disabled a mailing, when and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Disabled {
    pub at: DateTime<Utc>,
    /// The manager; `null` if the account has been deleted.
    pub by: Option<UserRef>,
    #[schema(example = "Complaints from recipients")]
    pub reason: String,
}

/// A row of the table.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = mailings)]
pub struct MailingRow {
    pub id: i64,
    pub owner_id: i64,
    pub message_id: i64,
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = String)]
    pub recurrence: Recurrence,
    pub time_zone: String,
    #[diesel(deserialize_as = String)]
    pub status: MailingStatus,
    pub recipients_count: i32,
    pub schedule_set_at: DateTime<Utc>,
    pub next_occurrence: Option<i32>,
    pub next_run_at: Option<DateTime<Utc>>,
    pub last_run_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_by: Option<i64>,
    pub disabled_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub paused_at: Option<DateTime<Utc>>,
    #[diesel(deserialize_as = String)]
    pub on_uncertain: OnUncertain,
    pub put_off_reason: Option<String>,
    pub smtp_server_id: Option<i64>,
    pub starts_at_local: Option<NaiveDateTime>,
    pub ends_at_local: Option<NaiveDateTime>,
}

impl MailingRow {
    /// The schedule.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            starts_at: self.starts_at,
            local_start: self.starts_at_local,
            ends_at: self.ends_at,
            recurrence: self.recurrence,
            time_zone: self.zone(),
        }
    }

    /// A zone that is no longer in the time zone data counts as UTC.
    pub fn zone(&self) -> Zone {
        self.time_zone.parse().unwrap_or(Zone::utc())
    }

    /// The end in local time: as given, or derived from the given instant.
    pub fn local_end(&self) -> Option<NaiveDateTime> {
        let of_instant = |end: DateTime<Utc>| end.with_timezone(&self.zone()).naive_local();
        self.ends_at_local.or(self.ends_at.map(of_instant))
    }
}

/// A new mailing. If its window is already open, it starts immediately.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateMailing {
    #[schema(example = 5, minimum = 1)]
    pub message_id: i64,
    /// The first send, as an instant. This or `starts_at_local` is required unless `start_now` is true; a start more
    /// than a day in the past is rejected.
    #[serde(default, deserialize_with = "present")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(nullable = false)]
    pub starts_at: Option<DateTime<Utc>>,
    /// The first send in the local time of `time_zone`; all later ones have this local time. If the clock skips it on
    /// some day, that send is later by the gap; if it occurs twice, the first time is used.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub starts_at_local: Option<LocalTime>,
    /// Starts now, overriding a `starts_at` in the past; later sends are computed from now.
    #[serde(default)]
    #[schema(default = false)]
    pub start_now: bool,
    /// Nothing is sent at or after this; absent or `null` for no end.
    #[serde(default)]
    #[validate(custom(function = "sensible_year"))]
    pub ends_at: Option<DateTime<Utc>>,
    /// The end in the local time of `time_zone`, instead of `ends_at`.
    #[serde(default)]
    pub ends_at_local: Option<LocalTime>,
    pub recurrence: Recurrence,
    #[validate(custom(function = "field::time_zone"))]
    #[schema(example = "Europe/Moscow", max_length = 64)]
    pub time_zone: String,
    #[serde(default)]
    #[schema(default = "retry")]
    pub on_uncertain: OnUncertain,
    /// One of your SMTP servers to send through; `null` for the installation's.
    #[serde(default)]
    #[schema(example = 4, minimum = 1)]
    pub smtp_server_id: Option<i64>,
    #[validate(nested)]
    pub recipients: Audience,
}

/// Changes to a mailing; absent fields are not changed. An open run keeps its message and recipients.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpdateMailing {
    #[serde(deserialize_with = "present")]
    #[schema(example = 5, minimum = 1, nullable = false)]
    pub message_id: Option<i64>,
    /// The first send, as an instant.
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(nullable = false)]
    pub starts_at: Option<DateTime<Utc>>,
    /// The first send in the local time of the zone, instead of `starts_at`.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub starts_at_local: Option<LocalTime>,
    /// `null` removes the end.
    #[serde(deserialize_with = "nullable")]
    #[validate(custom(function = "sensible_year"))]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub ends_at: Option<Option<DateTime<Utc>>>,
    /// The end in the local time of the zone, instead of `ends_at`; `null` removes it.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<LocalTime>)]
    pub ends_at_local: Option<Option<LocalTime>>,
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub recurrence: Option<Recurrence>,
    /// Times given in local time keep it in the new zone; instants do not change.
    #[serde(deserialize_with = "present")]
    #[validate(custom(function = "field::time_zone"))]
    #[schema(example = "Europe/Moscow", max_length = 64, nullable = false)]
    pub time_zone: Option<String>,
    /// Also applies to the open run.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub on_uncertain: Option<OnUncertain>,
    /// Also applies to the open run; `null` for the installation's.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, example = 4, minimum = 1)]
    pub smtp_server_id: Option<Option<i64>>,
    #[serde(deserialize_with = "present")]
    #[validate(nested)]
    #[schema(nullable = false)]
    pub recipients: Option<Audience>,
}

/// Why a manager disables a mailing; visible to its owner.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableMailing {
    #[serde(deserialize_with = "trimmed")]
    #[validate(
        length(max = 500, code = "too_long"),
        custom(function = "filled"),
        custom(function = "single_line")
    )]
    #[schema(
        example = "Complaints from recipients",
        min_length = 1,
        max_length = 500
    )]
    pub reason: String,
}
