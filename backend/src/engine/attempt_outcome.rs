//! How an attempt ended, and what the log and the ledger say of it.

use chrono::{DateTime, Utc};
use smtp::reply::{Reply, Stage};
use smtp::verdict::{Cause, Failure, Outcome, Verdict};
use tokio::time::{Duration, Instant};

use super::job::Job;
use super::retry::{self, Terms};
use crate::delivery::deliveries::claims::Claimed;
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::AttemptResult;

/// When an attempt ended and how long it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) at: DateTime<Utc>,
    pub(super) took: Duration,
    /// When transmission of the body started, by the database's clock.
    pub(super) body_at: Option<DateTime<Utc>>,
}

/// When an attempt started, and when its body did, by the database's clock.
pub(super) type Began = (Instant, Option<DateTime<Utc>>);

/// How an attempt ended.
pub(super) enum AttemptOutcome {
    Accepted(Reply),
    Failed(Failure),
    Unmakeable(String),
}

impl AttemptOutcome {
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Accepted(_) => None,
            Self::Failed(failure) => Some(failure.verdict()),
            Self::Unmakeable(_) => Some(Verdict {
                outcome: Outcome::Rejected,
                cause: Cause::Unsendable,
            }),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Accepted(_) => Stage::Dot,
            Self::Failed(failure) => failure.stage,
            Self::Unmakeable(_) => Stage::Compose,
        }
    }

    /// The attempt's row, and where its delivery stands from now on.
    pub(super) fn recorded(self, job: &Job, delivery: &Claimed, times: Times) -> AttemptResult {
        let Times { at, took, body_at } = times;
        let verdict = self.verdict();
        let stage = self.stage();
        let (outcome, next) = match verdict {
            None => (Outcome::Accepted, retry::DONE),
            Some(verdict) => {
                let terms = Terms {
                    tries: delivery.tries.saturating_add(1),
                    until: job.retries_end_at(),
                    holds_uncertain: job.holds_uncertain(),
                };
                let next = retry::after(verdict, &terms, at, rand::random());
                (verdict.outcome, next)
            }
        };
        let (reply, detail) = match self {
            Self::Accepted(reply) => (Some(reply), String::new()),
            Self::Failed(failure) => (failure.reply, failure.detail),
            Self::Unmakeable(error) => (None, error),
        };
        let (smtp_code, enhanced_code, response) = match reply {
            Some(reply) => (i16::try_from(reply.code).ok(), reply.enhanced, reply.text),
            None => (None, None, detail),
        };
        let after: DeliveryStatus = next.status;
        AttemptResult {
            recipient_id: delivery.recipient_id,
            attempt_no: delivery.attempts.saturating_add(1),
            at,
            outcome,
            stage,
            smtp_code,
            enhanced_code,
            response,
            duration_ms: i32::try_from(took.as_millis()).unwrap_or(i32::MAX),
            before: delivery.status,
            after,
            next_attempt_at: next.at,
            body_at,
        }
    }
}
