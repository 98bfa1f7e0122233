//! The numbers.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use smtp::disposition::Outcome;
use utoipa::ToSchema;

use crate::accounts::identity::UserRef;

/// Attempts, and how many of them the mail server took responsibility for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptTotals {
    #[schema(example = 2000, minimum = 0)]
    pub total: i64,
    #[schema(example = 1900, minimum = 0)]
    pub ok: i64,
    #[schema(example = 100, minimum = 0)]
    pub failed: i64,
}

impl AttemptTotals {
    /// Counts attempts that ended so.
    pub fn add(&mut self, outcome: Outcome, count: i64) {
        self.total += count;
        if outcome == Outcome::Accepted {
            self.ok += count;
        } else {
            self.failed += count;
        }
    }
}

/// How many attempts ended so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutcomeCount {
    pub outcome: Outcome,
    #[schema(example = 100, minimum = 0)]
    pub count: i64,
}

/// The attempts of one day of the period's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Day {
    pub day: NaiveDate,
    #[schema(example = 2000, minimum = 0)]
    pub total: i64,
    #[schema(example = 1900, minimum = 0)]
    pub ok: i64,
    #[schema(example = 100, minimum = 0)]
    pub failed: i64,
}

impl Day {
    /// The columns of a file of days.
    pub const COLUMNS: [&str; 4] = ["day", "total", "ok", "failed"];

    /// Its row in the file.
    pub fn cells(self) -> [String; 4] {
        [
            self.day.to_string(),
            self.total.to_string(),
            self.ok.to_string(),
            self.failed.to_string(),
        ]
    }
}

/// The attempts of a period. It reaches over whole quarters of an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sent {
    /// Not before this moment.
    pub from: DateTime<Utc>,
    /// Before this moment.
    pub to: DateTime<Utc>,
    /// Where the days begin and end at midnight.
    #[schema(example = "Europe/Moscow")]
    pub time_zone: String,
    pub attempts: AttemptTotals,
    /// Accepted by the mail server.
    #[schema(example = 1900, minimum = 0)]
    pub messages_sent: i64,
    /// All outcomes, also those that nothing ended with.
    pub outcomes: Vec<OutcomeCount>,
    /// Every day, also those without attempts.
    pub by_day: Vec<Day>,
}

/// How many there are now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailingTotals {
    #[schema(example = 12, minimum = 0)]
    pub total: i64,
    #[schema(example = 1, minimum = 0)]
    pub running: i64,
}

/// What there is now, and the attempts of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stats {
    pub mailings: MailingTotals,
    #[schema(example = 2000, minimum = 0)]
    pub recipients: i64,
    /// Different addresses: several owners may keep the same one.
    #[schema(example = 1980, minimum = 0)]
    pub unique_recipients: i64,
    #[serde(flatten)]
    pub sent: Sent,
}

/// The same of one mailing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailingStats {
    /// Runs with attempts in the period.
    #[schema(example = 4, minimum = 0)]
    pub runs: i64,
    /// Recipients of the mailing now.
    #[schema(example = 2000, minimum = 0)]
    pub recipients: i64,
    #[serde(flatten)]
    pub sent: Sent,
}

/// What one mailing has done in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MailingLine {
    #[schema(example = 3, minimum = 1)]
    pub mailing_id: i64,
    /// Of its newest run in the period.
    #[schema(example = "News of the week")]
    pub subject: String,
    pub owner: UserRef,
    /// It is gone; what it sent still counts.
    pub deleted: bool,
    /// Runs with attempts in the period.
    #[schema(example = 4, minimum = 1)]
    pub runs: i64,
    /// Recipients of the mailing now; of its newest run when it is gone.
    #[schema(example = 2000, minimum = 0)]
    pub recipients: i64,
    pub attempts: AttemptTotals,
    /// Accepted by the mail server.
    #[schema(example = 1900, minimum = 0)]
    pub messages_sent: i64,
}

impl MailingLine {
    /// The columns of a file of mailings.
    pub const COLUMNS: [&str; 9] = [
        "mailing_id",
        "subject",
        "owner",
        "runs",
        "recipients",
        "total",
        "ok",
        "failed",
        "messages_sent",
    ];

    /// Its row in the file.
    pub fn cells(self) -> [String; 9] {
        [
            self.mailing_id.to_string(),
            self.subject,
            self.owner.email,
            self.runs.to_string(),
            self.recipients.to_string(),
            self.attempts.total.to_string(),
            self.attempts.ok.to_string(),
            self.attempts.failed.to_string(),
            self.messages_sent.to_string(),
        ]
    }
}

/// How long attempts take whose recipients are in one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Domain {
    #[schema(example = "example.org")]
    pub domain: String,
    #[schema(example = 310, minimum = 1)]
    pub attempts: i64,
    #[schema(example = 4, minimum = 0)]
    pub failed: i64,
    /// On average.
    #[schema(example = 840, minimum = 0)]
    pub duration_ms: i64,
}

/// The slowest domains among the newest attempts of a period, at most 10 000 of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct Domains {
    pub items: Vec<Domain>,
}
