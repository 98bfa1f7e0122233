//! A run being sent: what the sender's threads share of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use chrono::{DateTime, Utc};

use super::egress_queue::EgressQueue;
use crate::deliveries::claims::{ClaimableRun, Lease, Terms};
use crate::deliveries::results::Place;
use crate::mail::compose::Prepared;
use crate::mail::reply::Stage;
use crate::mail::verdict::{Cause, Verdict};

/// Refusals of the content in a row after which the next will be refused too.
const REFUSALS: u32 = 10;
/// Deferrals in a row, not for the recipients' sake, after which the run rests.
const DEFERRALS: u32 = 20;

/// A run being sent: what its mails are made from, and on what terms they may leave.
pub(super) struct Job {
    pub(super) run_id: i64,
    pub(super) mailing_id: i64,
    pub(super) owner_id: i64,
    /// Through which its mails leave.
    pub(super) queue: Arc<EgressQueue>,
    /// Or why no mail can be made of the message.
    pub(super) prepared: Result<Prepared, String>,
    stopped: AtomicBool,
    /// Microseconds since 1970; the greatest there is for "no end".
    deadline_us: AtomicI64,
    retries_end_us: AtomicI64,
    holds_uncertain: AtomicBool,
    refusals: AtomicU32,
    deferrals: AtomicU32,
}

/// Why a run rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The mail server does not want this message or sender: until somebody resumes it.
    ContentRejected,
    /// The mail server puts everything off: for a while.
    ServerDefers,
}

impl Rest {
    /// As `runs.pause_reason` has it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ContentRejected => "content_rejected",
            Self::ServerDefers => "mail_server_defers",
        }
    }
}

impl Job {
    pub(super) fn new(
        run: &ClaimableRun,
        queue: Arc<EgressQueue>,
        prepared: Result<Prepared, String>,
    ) -> Self {
        let job = Self {
            run_id: run.id,
            mailing_id: run.mailing_id,
            owner_id: run.owner_id,
            queue,
            prepared,
            stopped: AtomicBool::new(false),
            deadline_us: AtomicI64::new(i64::MAX),
            retries_end_us: AtomicI64::new(0),
            holds_uncertain: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
            deferrals: AtomicU32::new(0),
        };
        job.keep(&run.terms);
        job
    }

    /// Where results of a chunk of it belong.
    pub(super) fn place(&self, lease: &Lease) -> Place {
        Place {
            run_id: self.run_id,
            chunk_no: lease.chunk_no,
            mailing_id: self.mailing_id,
            owner_id: self.owner_id,
        }
    }

    /// Whether a body may leave at `now`.
    pub(super) fn may_send(&self, now: DateTime<Utc>) -> bool {
        !self.is_stopped() && now.timestamp_micros() < self.deadline_us.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// On these terms from now on.
    pub(super) fn keep(&self, terms: &Terms) {
        let deadline_us = terms
            .deadline_at
            .map_or(i64::MAX, |at| at.timestamp_micros());
        self.deadline_us.store(deadline_us, Ordering::Relaxed);
        self.retries_end_us
            .store(terms.retries_end_at.timestamp_micros(), Ordering::Relaxed);
        self.holds_uncertain
            .store(terms.holds_uncertain, Ordering::Relaxed);
    }

    /// Held, cancelled or finished elsewhere: no further body. For good: should it go on, it is taken up anew.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// From then on nothing is tried again.
    pub(super) fn retries_end_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.retries_end_us.load(Ordering::Relaxed))
            .unwrap_or_default()
    }

    pub(super) fn holds_uncertain(&self) -> bool {
        self.holds_uncertain.load(Ordering::Relaxed)
    }

    /// What an attempt says about the run as a whole: a reason to rest, once there is one.
    pub(super) fn judge(&self, verdict: Verdict, stage: Stage) -> Option<Rest> {
        match verdict.cause {
            Cause::SenderOrContent => {
                let refused = self.refusals.fetch_add(1, Ordering::Relaxed) + 1;
                // Who does not want the sender says so to everybody.
                (stage == Stage::Mail || refused >= REFUSALS).then_some(Rest::ContentRejected)
            }
            Cause::Transient => {
                let deferred = self.deferrals.fetch_add(1, Ordering::Relaxed) + 1;
                (deferred >= DEFERRALS).then_some(Rest::ServerDefers)
            }
            _ => None,
        }
    }

    /// A mail was accepted.
    pub(super) fn went_well(&self) {
        self.refusals.store(0, Ordering::Relaxed);
        self.deferrals.store(0, Ordering::Relaxed);
    }
}
