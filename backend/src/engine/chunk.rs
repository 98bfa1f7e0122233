//! A chunk in flight: a range of a run's deliveries under one lease, as the sender's threads share it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use super::job::Job;
use super::journal::{LeaseFile, Line};
use crate::deliveries::claims::Lease;
use crate::deliveries::results::Place;

/// How long after leasing or renewing a chunk its bodies may leave; the lease lasts longer, for a body takes its time.
const VALID: Duration = Duration::from_secs(40);

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
