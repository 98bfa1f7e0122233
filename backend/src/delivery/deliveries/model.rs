//! The delivery as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use smtp::reply::Stage;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::core::text_enum::text_enum;
use crate::delivery::attempts::model::RecipientRef;
use crate::web::field::single_line;
use crate::web::page::default_limit;

/// The status of a delivery.
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
pub enum DeliveryStatus {
    /// Not attempted yet.
    Pending,
    /// To be retried.
    Deferred,
    /// Accepted by the mail server.
    Accepted,
    /// Permanently rejected by the mail server.
    Rejected,
    /// Sent, but the server did not confirm it.
    Uncertain,
    /// Not accepted before the end of the run.
    Expired,
    /// Not sent, and not to be sent.
    Skipped,
}

text_enum!(DeliveryStatus);

/// Why a delivery was skipped.
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
pub enum SkipReason {
    RecipientDeleted,
    /// The address is suppressed.
    Suppressed,
    /// The run was cancelled.
    Cancelled,
}

text_enum!(SkipReason);

/// The mail of a run to one recipient.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    pub recipient: RecipientRef,
    pub status: DeliveryStatus,
    /// Number of attempts.
    #[schema(example = 1, minimum = 0)]
    pub attempts: i16,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Only for skipped deliveries.
    pub skip_reason: Option<SkipReason>,
}

/// The status of a failed delivery: it is not retried.
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
pub enum FailedStatus {
    Rejected,
    Expired,
    Uncertain,
}

text_enum!(FailedStatus);

/// Why deliveries of a run have failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Failures {
    /// The largest groups first, at most 50.
    pub items: Vec<FailureGroup>,
}

/// Failed deliveries whose last attempt ended in the same way. Those never tried have no stage and no response.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failure)]
pub struct FailureGroup {
    pub status: FailedStatus,
    pub stage: Option<Stage>,
    #[schema(example = 550)]
    pub smtp_code: Option<i16>,
    /// RFC 3463
    #[schema(example = "5.1.1")]
    pub enhanced_code: Option<String>,
    /// One of the mail server's answers.
    #[schema(example = "5.1.1 no such user")]
    pub response: String,
    #[schema(example = 12, minimum = 1)]
    pub count: i64,
}

/// Which failed deliveries of a run to retry: those that match all given fields; by default all of them.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryDeliveries {
    /// To these recipients.
    #[validate(length(min = 1, max = 10_000, code = "out_of_range"))]
    #[schema(min_items = 1, max_items = 10_000)]
    pub recipient_ids: Option<Vec<i64>>,
    pub status: Option<FailedStatus>,
    /// The code of the mail server's last response.
    #[validate(range(min = 200, max = 599, code = "out_of_range"))]
    #[schema(example = 550, minimum = 200, maximum = 599)]
    pub smtp_code: Option<i16>,
    #[validate(length(max = 20, code = "too_long"), custom(function = "single_line"))]
    #[schema(example = "5.1.1", max_length = 20)]
    pub enhanced_code: Option<String>,
}

/// Which deliveries of a run to list, in the order of sending.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    pub status: Option<DeliveryStatus>,
    /// Part of the address or the name, ignoring case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// `next_cursor` of the page before.
    #[validate(length(max = 100, code = "too_long"))]
    #[param(max_length = 100)]
    pub cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[validate(range(min = 1, max = 200, code = "out_of_range"))]
    #[param(default = 50, minimum = 1, maximum = 200)]
    pub limit: u32,
}
