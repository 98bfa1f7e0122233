//! The delivery as the API shows it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::attempts::model::RecipientRef;
use crate::http::page::default_limit;
use crate::named::named;

named! {
    /// Where a delivery stands.
    pub enum DeliveryStatus {
        /// Not tried yet.
        Pending = "pending",
        /// To be tried again.
        Deferred = "deferred",
        /// The mail server took it.
        Accepted = "accepted",
        /// The mail server refused it for good.
        Rejected = "rejected",
        /// It was sent, but the server's answer never came.
        Uncertain = "uncertain",
        /// Its time was over before the server took it.
        Expired = "expired",
        /// Not to be sent any more.
        Skipped = "skipped",
    }
}

named! {
    /// Why a delivery was left out.
    pub enum SkipReason {
        RecipientDeleted = "recipient_deleted",
        /// The address wants no mail of this owner.
        Suppressed = "suppressed",
        /// The run was cancelled.
        Cancelled = "cancelled",
    }
}

/// One recipient's mail of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Delivery {
    pub recipient: RecipientRef,
    pub status: DeliveryStatus,
    /// How often it was tried.
    #[schema(example = 1, minimum = 0)]
    pub attempts: i16,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Of one that was skipped.
    pub skip_reason: Option<SkipReason>,
}

/// Which deliveries of a run to list, in the order of sending.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    pub status: Option<DeliveryStatus>,
    /// Part of the address or the name, in any case.
    #[validate(length(max = 200, code = "too_long"))]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// `next_cursor` of the stretch before.
    #[validate(length(max = 100, code = "too_long"))]
    #[param(max_length = 100)]
    pub cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[validate(range(min = 1, max = 200, code = "out_of_range"))]
    #[param(default = 50, minimum = 1, maximum = 200)]
    pub limit: u32,
}
