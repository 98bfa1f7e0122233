//! A chunk in flight: a range of a run's deliveries under one lease, shared by the sender's threads.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tracing::Span;

use super::job::Job;
use super::journal::{JournalLine, LeaseFile};
use crate::delivery::deliveries::claims::{Lease, Leased};
use crate::delivery::deliveries::results::ChunkKey;

/// How long a lease lasts without renewal, in seconds of the database's clock.
pub(super) const LEASE_SECONDS: f64 = 60.0;
/// How long after leasing or renewing a chunk a body may start; the lease lasts longer, because sending a body takes
/// time.
const VALIDITY: Duration = Duration::from_secs(40);

/// What the claimer has leased.
pub(super) struct ClaimedChunk {
    pub(super) leased: Leased,
    pub(super) file: LeaseFile,
    /// Number of deliveries.
    pub(super) deliveries: usize,
    /// When the statement that leased it was started.
    pub(super) asked_at: Instant,
}

/// A leased chunk.
pub(super) struct Chunk {
    pub(super) job: Arc<Job>,
    /// Parent of the spans of its deliveries.
    pub(super) span: Span,
    pub(super) lease: Lease,
    pub(super) file: LeaseFile,
    /// Recipients whose deliveries must no longer be sent, and the last known number of withdrawn deliveries.
    withdrawn: RwLock<HashSet<i64>>,
    withdrawn_number: AtomicI32,
    has_withdrawn: AtomicBool,
    /// Deliveries without a recorded result.
    unrecorded: AtomicUsize,
    /// Until when the lease is certainly ours, in milliseconds since `BEGAN`.
    valid_until: AtomicU64,
}

/// Value of `valid_until` for a chunk that is lost for good.
const LOST: u64 = 0;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn ms_since_began(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*BEGAN).as_millis()).unwrap_or(u64::MAX)
}

impl Chunk {
    pub(super) fn new(job: Arc<Job>, claimed: ClaimedChunk) -> Self {
        let ClaimedChunk {
            leased,
            file,
            deliveries,
            asked_at,
        } = claimed;
        let lease = leased.lease;
        let span = tracing::debug_span!(parent: &job.span, "chunk", chunk.id = lease.chunk_no);
        span.in_scope(|| tracing::debug!(deliveries, "chunk claimed"));
        Self {
            job,
            span,
            lease,
            file,
            withdrawn: RwLock::default(),
            withdrawn_number: AtomicI32::new(leased.withdrawn),
            has_withdrawn: AtomicBool::new(false),
            unrecorded: AtomicUsize::new(deliveries),
            valid_until: AtomicU64::new(ms_since_began(asked_at + VALIDITY)),
        }
    }

    pub(super) fn place(&self) -> ChunkKey {
        self.job.place(&self.lease)
    }

    /// Appends these lines to the journal; `false` on failure. Then nothing more of the chunk may be sent, because
    /// its results could be lost.
    pub(super) fn journal(&self, lines: &[&JournalLine]) -> bool {
        let written = self.file.write(lines);
        if let Err(error) = &written {
            tracing::error!(%error, "cannot write the journal; sending stopped");
            self.lost();
        }
        written.is_ok()
    }

    /// Whether the lease is certainly still ours.
    pub(super) fn is_held(&self) -> bool {
        ms_since_began(Instant::now()) < self.valid_until.load(Ordering::Relaxed)
    }

    /// Extends the validity of a lease that was renewed by a statement started at `then`.
    pub(super) fn renewed(&self, then: Instant) {
        if self.valid_until.load(Ordering::Relaxed) != LOST {
            self.valid_until
                .store(ms_since_began(then + VALIDITY), Ordering::Relaxed);
        }
    }

    /// Stops sending the chunk: its lease was lost, or it cannot be journaled.
    pub(super) fn lost(&self) {
        self.valid_until.store(LOST, Ordering::Relaxed);
    }

    /// Whether the delivery to this recipient has been withdrawn.
    pub(super) fn is_withdrawn(&self, recipient_id: i64) -> bool {
        self.has_withdrawn.load(Ordering::Acquire)
            && self
                .withdrawn
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&recipient_id)
    }

    /// The number of withdrawn deliveries when it was last read.
    pub(super) fn withdrawn_number(&self) -> i32 {
        self.withdrawn_number.load(Ordering::Relaxed)
    }

    /// Marks the deliveries to these recipients as withdrawn; `number` is the count read before they were looked
    /// up.
    pub(super) fn withdraw(&self, recipient_ids: Vec<i64>, number: i32) {
        let withdrawn = self.withdrawn.write();
        *withdrawn.unwrap_or_else(PoisonError::into_inner) = recipient_ids.into_iter().collect();
        self.withdrawn_number.store(number, Ordering::Relaxed);
        self.has_withdrawn.store(true, Ordering::Release);
    }

    /// Records that this number of deliveries is done; returns whether those were the last.
    pub(super) fn settle(&self, count: usize) -> bool {
        let before = self.unrecorded.fetch_sub(count, Ordering::AcqRel);
        before <= count
    }
}
