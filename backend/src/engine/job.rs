//! A run being sent, and a chunk of it in hand: what the sender's threads share of them.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::egress_queue::EgressQueue;
use super::journal::{LeaseFile, Line};
use crate::deliveries::claims::{ClaimableRun, Lease, Terms};
use crate::deliveries::results::Place;
use crate::mail::compose::Prepared;
use crate::mail::reply::Stage;
use crate::mail::verdict::{Cause, Verdict};

/// How long after leasing or renewing a chunk its bodies may leave; the lease lasts longer, for a body takes its time.
const VALID: Duration = Duration::from_secs(40);
/// Refusals of the content in a row after which the next will be refused too.
const REFUSALS: u32 = 10;
/// Deferrals in a row, not for the recipients' sake, after which the run rests.
const DEFERRALS: u32 = 20;

/// A run being sent: what its mails are made from, and on what terms they may leave.
pub(super) struct Job {
    pub(super) run_id: i64,
    pub(super) mailing_id: i64,
    pub(super) owner_id: i64,
    /// SmtpServerKey which its mails leave.
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

/// A leased chunk in hand.
pub(super) struct Chunk {
    pub(super) job: Arc<Job>,
    pub(super) lease: Lease,
    pub(super) file: LeaseFile,
    /// Deliveries without a recorded result.
    open: AtomicUsize,
    /// Until when nobody else can have taken it, in milliseconds since `BEGAN`.
    valid_until: AtomicU64,
}

/// For `valid_until`: not any more, for good.
const LOST: u64 = 0;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn ms_since_began(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*BEGAN).as_millis()).unwrap_or(u64::MAX)
}

impl Chunk {
    /// A chunk leased at `then` for so many deliveries.
    pub(super) fn new(
        job: Arc<Job>,
        (lease, file): (Lease, LeaseFile),
        deliveries: usize,
        then: Instant,
    ) -> Self {
        Self {
            job,
            lease,
            file,
            open: AtomicUsize::new(deliveries),
            valid_until: AtomicU64::new(ms_since_began(then + VALID)),
        }
    }

    pub(super) fn place(&self) -> Place {
        self.job.place(&self.lease)
    }

    /// Whether these lines are written down. If not, nothing more of the chunk leaves: its results could be lost.
    pub(super) fn journal(&self, lines: &[&Line]) -> bool {
        let written = self.file.write(lines);
        if let Err(error) = &written {
            tracing::error!(%error, "the journal cannot be written: nothing is sent");
            self.lost();
        }
        written.is_ok()
    }

    /// Whether it is surely still ours.
    pub(super) fn is_held(&self) -> bool {
        ms_since_began(Instant::now()) < self.valid_until.load(Ordering::Relaxed)
    }

    /// Its lease was renewed by a statement begun at `then`.
    pub(super) fn renewed(&self, then: Instant) {
        if self.valid_until.load(Ordering::Relaxed) != LOST {
            self.valid_until
                .store(ms_since_began(then + VALID), Ordering::Relaxed);
        }
    }

    /// Nothing more of it may leave: it is somebody else's by now, or cannot be journaled.
    pub(super) fn lost(&self) {
        self.valid_until.store(LOST, Ordering::Relaxed);
    }

    /// So many of its deliveries have been dealt with; whether that were the last.
    pub(super) fn settle(&self, count: usize) -> bool {
        let before = self.open.fetch_sub(count, Ordering::AcqRel);
        before <= count
    }
}
