//! A run being sent: the state that the sender's threads share about it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use smtp::disposition::{Outcome, Reason};
use smtp::failure::Failure;
use smtp::reply::Stage;
use tracing::Span;

use super::signing_composer::SigningComposer;
use crate::delivery::deliveries::claims::{ClaimableRun, Lease, RunTerms};
use crate::delivery::deliveries::results::ChunkKey;
use crate::delivery::runs::refusals::Refusals;
use crate::delivery::smtp_server_health::model::SmtpServerKey;

/// Consecutive refusals of the content after which the run is paused.
const MAX_CONTENT_REFUSALS: u32 = 10;
/// Consecutive deferrals not related to a recipient after which the run is paused.
const MAX_DEFERRALS: u32 = 20;

/// A run being sent: its encoded message, its terms, and counters of refusals.
pub(super) struct Job {
    pub(super) run_id: i64,
    pub(super) mailing_id: i64,
    pub(super) owner_id: i64,
    /// Parent of the spans of its chunks.
    pub(super) span: Span,
    /// The server that its mails are sent through.
    pub(super) server_key: SmtpServerKey,
    /// The error, if the message cannot be encoded.
    pub(super) prepared: Result<SigningComposer, String>,
    stopped: AtomicBool,
    /// Microseconds since 1970; the maximum value means no deadline.
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

/// Why the engine pauses a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunPause {
    /// The mail server refuses this message or sender: paused until resumed.
    ContentRejected,
    /// It refuses most recipients, so the cause lies with the sender: paused until resumed.
    RecipientsRefused,
    /// The mail server defers every mail: paused for a few minutes.
    ServerDefers,
}

impl RunPause {
    /// Value of `runs.pause_reason`.
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
        server_key: SmtpServerKey,
        prepared: Result<SigningComposer, String>,
    ) -> Self {
        let job = Self {
            run_id: run.id,
            mailing_id: run.mailing_id,
            owner_id: run.owner_id,
            span: tracing::debug_span!(
                parent: None,
                "run",
                run.id = run.id,
                mailing.id = run.mailing_id,
                owner.id = run.owner_id,
            ),
            server_key,
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
        job.set_terms(&run.terms);
        job
    }

    /// The chunk that results belong to.
    pub(super) fn place(&self, lease: &Lease) -> ChunkKey {
        ChunkKey {
            run_id: self.run_id,
            chunk_no: lease.chunk_no,
            mailing_id: self.mailing_id,
            owner_id: self.owner_id,
        }
    }

    /// Whether a body may be sent at `now`.
    pub(super) fn may_send(&self, now: DateTime<Utc>) -> bool {
        !self.is_stopped() && now.timestamp_micros() < self.deadline_us.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Applies the current terms of the run.
    pub(super) fn set_terms(&self, terms: &RunTerms) {
        let deadline_us = terms
            .deadline_at
            .map_or(i64::MAX, |at| at.timestamp_micros());
        self.deadline_us.store(deadline_us, Ordering::Relaxed);
        self.retries_end_us
            .store(terms.retries_end_at.timestamp_micros(), Ordering::Relaxed);
        self.holds_uncertain
            .store(terms.holds_uncertain, Ordering::Relaxed);
    }

    /// Sends no further body: the run was paused, cancelled or finished. Irreversible: a resumed run gets a new job.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// The end of retries.
    pub(super) fn retries_end_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.retries_end_us.load(Ordering::Relaxed))
            .unwrap_or_default()
    }

    pub(super) fn holds_uncertain(&self) -> bool {
        self.holds_uncertain.load(Ordering::Relaxed)
    }

    /// Counts a failed attempt and returns the reason to pause the run, if any.
    pub(super) fn judge(&self, failure: &Failure) -> Option<RunPause> {
        let disposition = failure.disposition();
        match disposition.reason {
            Reason::RecipientPermanent | Reason::RecipientRefused => {
                return self.count_refused(failure);
            }
            _ if matches!(disposition.outcome, Outcome::Rejected | Outcome::Uncertain) => {
                self.decided.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        match disposition.reason {
            Reason::SenderOrContent => {
                let refused = self.content_refusals.fetch_add(1, Ordering::Relaxed) + 1;
                // A refused sender is refused for every recipient.
                (failure.stage == Stage::Mail || refused >= MAX_CONTENT_REFUSALS)
                    .then_some(RunPause::ContentRejected)
            }
            Reason::Transient => {
                let deferred = self.deferrals.fetch_add(1, Ordering::Relaxed) + 1;
                (deferred >= MAX_DEFERRALS).then_some(RunPause::ServerDefers)
            }
            _ => None,
        }
    }

    fn count_refused(&self, failure: &Failure) -> Option<RunPause> {
        let reply = failure.reply.as_ref()?;
        let code = i16::try_from(reply.code).unwrap_or_default();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.add(code, reply.enhanced.as_deref(), 1);
        let others = self.decided.load(Ordering::Relaxed);
        refusals
            .stop(others, self.planned)
            .then_some(RunPause::RecipientsRefused)
    }

    /// Counts an accepted mail.
    pub(super) fn accepted(&self) {
        self.content_refusals.store(0, Ordering::Relaxed);
        self.deferrals.store(0, Ordering::Relaxed);
        self.decided.fetch_add(1, Ordering::Relaxed);
    }
}
