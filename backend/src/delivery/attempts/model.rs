//! The attempt and the filters of the log.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use smtp::disposition::Outcome;
use smtp::reply::Stage;
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use crate::accounts::identity::UserRef;
use crate::web::field::sensible_year;
use crate::web::page::default_limit;

/// One try to hand a delivery to the mail server, and what the server answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    pub at: DateTime<Utc>,
    pub owner: UserRef,
    #[schema(example = 3, minimum = 1)]
    pub mailing_id: i64,
    #[schema(example = 7, minimum = 1)]
    pub run_id: i64,
    pub recipient: RecipientRef,
    /// Counts from 1 for each delivery.
    #[schema(example = 1, minimum = 1)]
    pub attempt_no: i16,
    /// Whether the server took responsibility for the mail.
    pub ok: bool,
    pub outcome: Outcome,
    /// How far the conversation had come.
    pub stage: Stage,
    #[schema(example = 250)]
    pub smtp_code: Option<i16>,
    /// RFC 3463
    #[schema(example = "2.0.0")]
    pub enhanced_code: Option<String>,
    /// The server's answer, at most 1 kB, without control characters.
    #[schema(example = "2.0.0 Ok: queued as 4Fq1")]
    pub response: String,
    #[schema(example = 41, minimum = 0)]
    pub duration_ms: i32,
}

/// Whom a delivery went to; the address is the one it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecipientRef {
    #[schema(example = 17, minimum = 1)]
    pub id: i64,
    #[schema(example = "ada@example.org")]
    pub email: String,
}

/// Which attempts to list; the newest come first.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttemptQuery {
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub mailing_id: Option<i64>,
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub run_id: Option<i64>,
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub recipient_id: Option<i64>,
    pub outcome: Option<Outcome>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
    /// Not before this moment.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
    /// `next_cursor` of the page before.
    #[validate(length(max = 500, code = "too_long"))]
    #[param(max_length = 500)]
    pub cursor: Option<String>,
    #[serde(default = "default_limit")]
    #[validate(range(min = 1, max = 200, code = "out_of_range"))]
    #[param(default = 50, minimum = 1, maximum = 200)]
    pub limit: u32,
}

impl AttemptQuery {
    /// Whether a filter leaves only attempts of one owner.
    pub fn is_about_one_owner(&self) -> bool {
        self.mailing_id.is_some() || self.run_id.is_some() || self.recipient_id.is_some()
    }
}

/// The same filters, for all that pass them.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AttemptFilters {
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub mailing_id: Option<i64>,
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub run_id: Option<i64>,
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub recipient_id: Option<i64>,
    pub outcome: Option<Outcome>,
    /// For managers: the owner; by default all owners. Other users see only their own.
    #[validate(range(min = 1, code = "out_of_range"))]
    #[param(minimum = 1)]
    pub owner_id: Option<i64>,
    /// Not before this moment.
    #[validate(custom(function = "sensible_year"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    #[validate(custom(function = "sensible_year"))]
    pub to: Option<DateTime<Utc>>,
}

impl AttemptFilters {
    /// So many of them at once.
    pub fn with_limit(self, limit: u32) -> AttemptQuery {
        AttemptQuery {
            mailing_id: self.mailing_id,
            run_id: self.run_id,
            recipient_id: self.recipient_id,
            outcome: self.outcome,
            owner_id: self.owner_id,
            from: self.from,
            to: self.to,
            cursor: None,
            limit,
        }
    }
}

/// The place of an attempt in the log.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AttemptCursor(pub DateTime<Utc>, pub i64, pub i64, pub i16);

impl Attempt {
    /// The columns of a file of attempts.
    pub const COLUMNS: [&str; 14] = [
        "at",
        "owner",
        "mailing_id",
        "run_id",
        "recipient_id",
        "recipient",
        "attempt_no",
        "ok",
        "outcome",
        "stage",
        "smtp_code",
        "enhanced_code",
        "response",
        "duration_ms",
    ];

    /// Its row in the file.
    pub fn cells(self) -> [String; 14] {
        [
            self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            self.owner.email,
            self.mailing_id.to_string(),
            self.run_id.to_string(),
            self.recipient.id.to_string(),
            self.recipient.email,
            self.attempt_no.to_string(),
            self.ok.to_string(),
            self.outcome.as_str().to_owned(),
            self.stage.as_str().to_owned(),
            self.smtp_code
                .map_or_else(String::new, |code| code.to_string()),
            self.enhanced_code.unwrap_or_default(),
            self.response,
            self.duration_ms.to_string(),
        ]
    }

    /// Where it stands.
    pub fn place(&self) -> AttemptCursor {
        AttemptCursor(self.at, self.run_id, self.recipient.id, self.attempt_no)
    }
}
