//! What the sender's parts share: the runs being sent, the leases held, and the word to stop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::deliveries::claims::{AttemptResult, ClaimableRun, Claimed, Lease};
use crate::mail::compose::Prepared;

/// How long after leasing or renewing a chunk its bodies may leave; `LEASE_S` is longer.
const VALID: Duration = Duration::from_secs(40);

/// A run being sent: what its mails are made from, and until when they may leave.
pub(super) struct Job {
    pub(super) run_id: i64,
    pub(super) mailing_id: i64,
    pub(super) owner_id: i64,
    /// Or why no mail can be made of the message.
    pub(super) prepared: Result<Prepared, String>,
    stopped: AtomicBool,
    /// Microseconds since 1970; the greatest there is for "no end".
    deadline_us: AtomicI64,
    retries_end_us: AtomicI64,
}

impl Job {
    pub(super) fn new(run: &ClaimableRun, prepared: Result<Prepared, String>) -> Self {
        let job = Self {
            run_id: run.id,
            mailing_id: run.mailing_id,
            owner_id: run.owner_id,
            prepared,
            stopped: AtomicBool::new(false),
            deadline_us: AtomicI64::new(i64::MAX),
            retries_end_us: AtomicI64::new(0),
        };
        job.keep(run.deadline_at, run.retries_end_at);
        job
    }

    /// Whether a body may leave at `now`.
    pub(super) fn may_send(&self, now: DateTime<Utc>) -> bool {
        !self.stopped.load(Ordering::Relaxed)
            && now.timestamp_micros() < self.deadline_us.load(Ordering::Relaxed)
    }

    /// It goes on, perhaps with new bounds.
    pub(super) fn keep(&self, deadline_at: Option<DateTime<Utc>>, retries_end_at: DateTime<Utc>) {
        self.stopped.store(false, Ordering::Relaxed);
        self.deadline_us.store(
            deadline_at.map_or(i64::MAX, |at| at.timestamp_micros()),
            Ordering::Relaxed,
        );
        self.retries_end_us
            .store(retries_end_at.timestamp_micros(), Ordering::Relaxed);
    }

    /// Paused, cancelled or finished elsewhere: no further body.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// From then on nothing is tried again.
    pub(super) fn retries_end_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.retries_end_us.load(Ordering::Relaxed))
            .unwrap_or_default()
    }
}

/// Part of a leased chunk, sent through one session.
pub(super) struct Slice {
    pub(super) job: Arc<Job>,
    pub(super) lease: Lease,
    pub(super) deliveries: Vec<Claimed>,
}

/// What a lane tells the recorder about deliveries of a lease.
pub(super) enum Report {
    Tried(Lease, AttemptResult),
    /// So many were left as they were.
    Untouched(Lease, usize),
}

/// What is in hand at the moment.
#[derive(Default)]
struct InHand {
    /// The leases we hold.
    open: HashMap<Lease, Held>,
    jobs: HashMap<i64, Arc<Job>>,
    /// Until when no mail server is to be asked, and how often in a row it failed.
    trouble: Option<(Instant, u32)>,
    stopping: bool,
    /// Somebody has prepared new work.
    woken: bool,
}

/// A lease in hand.
struct Held {
    /// Deliveries without a recorded result.
    open: usize,
    /// Until when nobody else can have taken the chunk. Well before the lease expires: a body takes its time.
    valid_until: Instant,
}

/// The desk around which claimer, lanes and recorder sit.
#[derive(Default)]
pub(super) struct Desk {
    in_hand: Mutex<InHand>,
    changed: Condvar,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// No more claims and no further body from now on.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// There is new work: look at once.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.changed.notify_all();
    }

    /// Waits at most `time` for a change: something woke us, was given back, or stops us.
    pub(super) fn wait(&self, time: Duration) {
        let in_hand = self.lock();
        if in_hand.stopping || in_hand.woken {
            let mut in_hand = in_hand;
            in_hand.woken = false;
            return;
        }
        let (mut in_hand, _) = self
            .changed
            .wait_timeout(in_hand, time)
            .unwrap_or_else(PoisonError::into_inner);
        in_hand.woken = false;
    }

    pub(super) fn leases(&self) -> usize {
        self.lock().open.len()
    }

    /// A lease has been taken for so many deliveries.
    pub(super) fn take(&self, lease: Lease, deliveries: usize) {
        let held = Held {
            open: deliveries,
            valid_until: Instant::now() + VALID,
        };
        self.lock().open.insert(lease, held);
    }

    /// Whether the chunk is surely still ours.
    pub(super) fn holds(&self, lease: &Lease) -> bool {
        self.lock()
            .open
            .get(lease)
            .is_some_and(|held| Instant::now() < held.valid_until)
    }

    /// The leases were renewed at `then`, before they could expire.
    pub(super) fn renewed(&self, then: Instant) {
        for held in self.lock().open.values_mut() {
            held.valid_until = held.valid_until.max(then + VALID);
        }
    }

    /// The run's chunks in hand: their results may still be on their way, so they are not to be leased again.
    pub(super) fn chunks_of(&self, run_id: i64) -> Vec<i32> {
        let in_hand = self.lock();
        let of_run = in_hand.open.keys().filter(|lease| lease.run_id == run_id);
        of_run.map(|lease| lease.chunk_no).collect()
    }

    /// Deliveries that have been dealt with; gives the leases that are done with.
    pub(super) fn settle(&self, dealt_with: &[(Lease, usize)]) -> Vec<Lease> {
        let mut in_hand = self.lock();
        for (lease, count) in dealt_with {
            if let Some(held) = in_hand.open.get_mut(lease) {
                held.open = held.open.saturating_sub(*count);
            }
        }
        in_hand
            .open
            .iter()
            .filter(|(_, held)| held.open == 0)
            .map(|(lease, _)| *lease)
            .collect()
    }

    /// These leases were given back.
    pub(super) fn release(&self, leases: &[Lease]) {
        let mut in_hand = self.lock();
        for lease in leases {
            in_hand.open.remove(lease);
        }
        self.changed.notify_all();
    }

    pub(super) fn job(&self, run_id: i64) -> Option<Arc<Job>> {
        self.lock().jobs.get(&run_id).cloned()
    }

    pub(super) fn add_job(&self, job: Arc<Job>) {
        self.lock().jobs.insert(job.run_id, job);
    }

    /// The runs in hand.
    pub(super) fn jobs(&self) -> Vec<Arc<Job>> {
        self.lock().jobs.values().cloned().collect()
    }

    /// Forgets the runs that have neither a lease nor anything due.
    pub(super) fn forget_jobs_but(&self, still_due: &[ClaimableRun]) {
        let mut in_hand = self.lock();
        let InHand { open, jobs, .. } = &mut *in_hand;
        jobs.retain(|run_id, _| {
            still_due.iter().any(|run| run.id == *run_id)
                || open.keys().any(|lease| lease.run_id == *run_id)
        });
    }

    /// The mail server could not be reached: it is left alone for 1 s, 2 s, 4 s … 30 s.
    pub(super) fn trouble(&self) {
        let mut in_hand = self.lock();
        let failures = match in_hand.trouble {
            // Sessions that fail together count as one failure.
            Some((until, failures)) if Instant::now() < until => failures,
            Some((_, failures)) => failures.saturating_add(1),
            None => 0,
        };
        let pause = Duration::from_secs(2_u64.saturating_pow(failures).min(30));
        in_hand.trouble = Some((Instant::now() + pause, failures));
    }

    pub(super) fn no_trouble(&self) {
        self.lock().trouble = None;
    }

    /// How long the mail server is still to be left alone.
    pub(super) fn trouble_left(&self) -> Option<Duration> {
        let until = self.lock().trouble?.0;
        until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }
}
