//! The outcome of an attempt, and the result that is recorded for it.

use chrono::{DateTime, Utc};
use smtp::disposition::{Disposition, Outcome, Reason};
use smtp::failure::Failure;
use smtp::reply::{Reply, Stage};
use tokio::time::{Duration, Instant};

use super::job::Job;
use super::retry::{self, RetryTerms};
use crate::delivery::deliveries::claims::Claimed;
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::AttemptResult;

/// When an attempt ended and how long it took.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptTimes {
    pub(super) at: DateTime<Utc>,
    pub(super) took: Duration,
    /// When transmission of the body started, by the database's clock.
    pub(super) body_at: Option<DateTime<Utc>>,
}

/// When an attempt started.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptStart {
    pub(super) at: Instant,
    /// When transmission of the body started, by the database's clock.
    pub(super) body_at: Option<DateTime<Utc>>,
}

impl AttemptStart {
    pub(super) fn now() -> Self {
        Self {
            at: Instant::now(),
            body_at: None,
        }
    }
}

/// How an attempt ended.
pub(super) enum AttemptOutcome {
    Accepted(Reply),
    Failed(Failure),
    /// The mail could not be composed; the error.
    NotComposed(String),
}

impl AttemptOutcome {
    pub(super) fn disposition(&self) -> Option<Disposition> {
        match self {
            Self::Accepted(_) => None,
            Self::Failed(failure) => Some(failure.disposition()),
            Self::NotComposed(_) => Some(Disposition {
                outcome: Outcome::Rejected,
                reason: Reason::Unsendable,
            }),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Accepted(_) => Stage::Dot,
            Self::Failed(failure) => failure.stage,
            Self::NotComposed(_) => Stage::Compose,
        }
    }

    /// The row of the attempt, with the new state of its delivery.
    pub(super) fn recorded(
        self,
        job: &Job,
        delivery: &Claimed,
        times: AttemptTimes,
    ) -> AttemptResult {
        let AttemptTimes { at, took, body_at } = times;
        let disposition = self.disposition();
        let stage = self.stage();
        let (outcome, next) = match disposition {
            None => (Outcome::Accepted, retry::ACCEPTED),
            Some(disposition) => {
                let terms = RetryTerms {
                    tries: delivery.tries.saturating_add(1),
                    until: job.retries_end_at(),
                    holds_uncertain: job.holds_uncertain(),
                };
                let next = retry::after(disposition, &terms, at, rand::random());
                (disposition.outcome, next)
            }
        };
        let (reply, detail) = match self {
            Self::Accepted(reply) => (Some(reply), String::new()),
            Self::Failed(failure) => (failure.reply, failure.detail),
            Self::NotComposed(error) => (None, error),
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
