//! A run being sent: the state that the sender's threads share.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use smtp::reply::Stage;
use smtp::verdict::{Cause, Failure, Outcome};

use super::egress_queue::EgressQueue;
use super::signing_composer::SigningComposer;
use crate::delivery::deliveries::claims::{ClaimableRun, Lease, Terms};
use crate::delivery::deliveries::results::Place;
use crate::delivery::runs::refusals::Refusals;

/// Refusals of the content in a row after which the next will be refused too.
const CONTENT_REFUSALS: u32 = 10;
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
    pub(super) prepared: Result<SigningComposer, String>,
    stopped: AtomicBool,
    /// Microseconds since 1970; the greatest there is for "no end".
    deadline_us: AtomicI64,
    retries_end_us: AtomicI64,
    holds_uncertain: AtomicBool,
    content_refusals: AtomicU32,
    deferrals: AtomicU32,
    planned: u64,
    /// Refusals of recipients, and the number of deliveries with another final outcome.
    refusals: Mutex<Refusals>,
    decided: AtomicU64,
}

/// Why a run rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// The mail server does not want this message or sender: until somebody resumes it.
    ContentRejected,
    /// It refuses most recipients, so the cause lies with the sender: paused until resumed.
    RecipientsRefused,
    /// The mail server puts everything off: for a while.
    ServerDefers,
}

impl Rest {
    /// As `runs.pause_reason` has it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ContentRejected => "content_rejected",
            Self::RecipientsRefused => "recipients_refused",
            Self::ServerDefers => "mail_server_defers",
        }
    }
}

impl Job {
    pub(super) fn new(
        run: &ClaimableRun,
        queue: Arc<EgressQueue>,
        prepared: Result<SigningComposer, String>,
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
            content_refusals: AtomicU32::new(0),
            deferrals: AtomicU32::new(0),
            planned: u64::try_from(run.planned).unwrap_or_default(),
            refusals: Mutex::default(),
            decided: AtomicU64::new(0),
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

    /// Counts a failed attempt and returns the reason to pause the run, if any.
    pub(super) fn judge(&self, failure: &Failure) -> Option<Rest> {
        let verdict = failure.verdict();
        match verdict.cause {
            Cause::RecipientPermanent | Cause::RecipientRefused => {
                return self.count_refused(failure);
            }
            _ if matches!(verdict.outcome, Outcome::Rejected | Outcome::Uncertain) => {
                self.decided.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        match verdict.cause {
            Cause::SenderOrContent => {
                let refused = self.content_refusals.fetch_add(1, Ordering::Relaxed) + 1;
                // Who does not want the sender says so to everybody.
                (failure.stage == Stage::Mail || refused >= CONTENT_REFUSALS)
                    .then_some(Rest::ContentRejected)
            }
            Cause::Transient => {
                let deferred = self.deferrals.fetch_add(1, Ordering::Relaxed) + 1;
                (deferred >= DEFERRALS).then_some(Rest::ServerDefers)
            }
            _ => None,
        }
    }

    fn count_refused(&self, failure: &Failure) -> Option<Rest> {
        let reply = failure.reply.as_ref()?;
        let code = i16::try_from(reply.code).unwrap_or_default();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.add(code, reply.enhanced.as_deref(), 1);
        let others = self.decided.load(Ordering::Relaxed);
        refusals
            .stop(others, self.planned)
            .then_some(Rest::RecipientsRefused)
    }

    /// A mail was accepted.
    pub(super) fn went_well(&self) {
        self.content_refusals.store(0, Ordering::Relaxed);
        self.deferrals.store(0, Ordering::Relaxed);
        self.decided.fetch_add(1, Ordering::Relaxed);
    }
}
