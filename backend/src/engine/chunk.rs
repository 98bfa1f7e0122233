//! A chunk in flight: a range of a run's deliveries under one lease, as the sender's threads share it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::job::Job;
use super::journal::{LeaseFile, Line};
use crate::deliveries::claims::{Lease, Leased};
use crate::deliveries::results::Place;

/// How long after leasing or renewing a chunk its bodies may leave; the lease lasts longer, for a body takes its time.
const VALID: Duration = Duration::from_secs(40);

/// A leased chunk in hand.
pub(super) struct Chunk {
    pub(super) job: Arc<Job>,
    pub(super) lease: Lease,
    pub(super) file: LeaseFile,
    /// Deliveries that must not be sent any more, and the number of them that was last heard of.
    withdrawn: RwLock<HashSet<i64>>,
    withdrawn_number: AtomicI32,
    has_withdrawn: AtomicBool,
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
        (leased, file): (Leased, LeaseFile),
        deliveries: usize,
        then: Instant,
    ) -> Self {
        Self {
            job,
            lease: leased.lease,
            file,
            withdrawn: RwLock::default(),
            withdrawn_number: AtomicI32::new(leased.withdrawn),
            has_withdrawn: AtomicBool::new(false),
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

    /// Whether the delivery to this recipient must not be sent any more.
    pub(super) fn is_withdrawn(&self, recipient_id: i64) -> bool {
        self.has_withdrawn.load(Ordering::Acquire)
            && self
                .withdrawn
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&recipient_id)
    }

    /// How many deliveries had been withdrawn when that was last looked at.
    pub(super) fn withdrawn_number(&self) -> i32 {
        self.withdrawn_number.load(Ordering::Relaxed)
    }

    /// The deliveries to these recipients must not be sent any more; so many had been withdrawn before they were looked up.
    pub(super) fn withdraw(&self, recipient_ids: Vec<i64>, number: i32) {
        let withdrawn = self.withdrawn.write();
        *withdrawn.unwrap_or_else(PoisonError::into_inner) = recipient_ids.into_iter().collect();
        self.withdrawn_number.store(number, Ordering::Relaxed);
        self.has_withdrawn.store(true, Ordering::Release);
    }

    /// So many of its deliveries have been dealt with; whether that were the last.
    pub(super) fn settle(&self, count: usize) -> bool {
        let before = self.open.fetch_sub(count, Ordering::AcqRel);
        before <= count
    }
}
