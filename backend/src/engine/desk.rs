//! The desk around which the sender's threads sit: what is in hand and whose turn it is, whether the mail server may be
//! asked, and the word to stop.

mod gate;

use std::collections::HashMap;
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::breaker::Breaker;
use super::job::{Chunk, Job};
use super::turns::{Slice, Turns};
use crate::deliveries::claims::ClaimableRun;

/// A run with so many deliveries waiting for a session gets no further chunk.
const ENOUGH: usize = 1000;

#[derive(Default)]
struct InHand {
    turns: Turns,
    /// The chunks we hold, by their lease's token.
    chunks: HashMap<i64, Arc<Chunk>>,
    jobs: HashMap<i64, Arc<Job>>,
    breaker: Breaker,
    /// There is something for the claimer to do …
    woken: bool,
    /// … for there may be runs that it has not heard of.
    prepared: bool,
}

pub(super) struct Desk {
    in_hand: Mutex<InHand>,
    /// For the claimer: there may be room, or something new.
    changed: Condvar,
    /// For the keeper: there may be something to tell.
    news: Condvar,
    /// For sessions: there may be something to do, or nothing more ever.
    work: Notify,
    stopping: AtomicBool,
    /// Nothing more is to be claimed.
    closing: AtomicBool,
    /// Nothing more comes: who finds nothing to do may go. What is being claimed when we are told to stop comes after that.
    closed: AtomicBool,
    /// Mails that may leave at once, where the server's pace is limited.
    permits: Option<AtomicI64>,
    /// Sessions that this process may have, where all processes share so many.
    sessions: AtomicUsize,
}

impl Desk {
    /// `paced`: mails leave only as permits come. `sessions`: so many may be opened, to begin with.
    pub(super) fn new(paced: bool, sessions: usize) -> Self {
        Self {
            in_hand: Mutex::default(),
            changed: Condvar::new(),
            news: Condvar::new(),
            work: Notify::new(),
            stopping: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            permits: paced.then(AtomicI64::default),
            sessions: AtomicUsize::new(sessions),
        }
    }

    fn lock(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has changed that decides what may be done.
    pub(super) fn tell_everybody(&self) {
        self.changed.notify_all();
        self.news.notify_all();
        self.work.notify_waiters();
    }

    /// No more claims and no further body from now on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.closing.store(true, Ordering::Release);
        self.tell_everybody();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Nothing more is claimed and nothing is being claimed: sessions end when everything in hand is sent.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.store(true, Ordering::Release);
        self.tell_everybody();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// There is new work: look at once.
    pub(super) fn wake(&self) {
        let mut in_hand = self.lock();
        (in_hand.woken, in_hand.prepared) = (true, true);
        self.changed.notify_all();
    }

    /// Whether there may be runs that have not been heard of; asked, it is taken for known.
    pub(super) fn take_prepared(&self) -> bool {
        mem::take(&mut self.lock().prepared)
    }

    /// Waits at most `time` to be woken: something was prepared, a run needs more, nothing is in hand any more, or it is
    /// time to stop.
    pub(super) fn wait(&self, time: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), time, |in_hand| {
                !in_hand.woken && !self.is_closing()
            });
        let (mut in_hand, _) = waited.unwrap_or_else(PoisonError::into_inner);
        in_hand.woken = false;
    }

    /// Waits at most `time` for everything to be given back.
    pub(super) fn wait_for_the_rest(&self, time: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), time, |in_hand| !in_hand.chunks.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits at most `time` for something to tell, or for the end.
    pub(super) fn wait_for_news(&self, time: Duration) {
        let in_hand = self.lock();
        if in_hand.breaker.news().is_none() && !self.is_over(&in_hand) {
            let waited = self.news.wait_timeout(in_hand, time);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Nothing is in hand, and nothing more will be.
    pub(super) fn is_done(&self) -> bool {
        self.is_over(&self.lock())
    }

    fn is_over(&self, in_hand: &InHand) -> bool {
        self.is_closing() && in_hand.chunks.is_empty()
    }

    /// One of us has failed: everything is left as it stands, for whoever reads the journal next.
    pub(super) fn abandon(&self) {
        let mut in_hand = self.lock();
        in_hand.chunks.clear();
        in_hand.turns = Turns::default();
        drop(in_hand);
        self.stop();
        self.close();
    }

    /// A chunk has been leased, with these deliveries to be sent.
    pub(super) fn add(&self, slice: Slice) {
        let mut in_hand = self.lock();
        in_hand
            .chunks
            .insert(slice.chunk.lease.lease_token, Arc::clone(&slice.chunk));
        in_hand.turns.push_back(slice);
        drop(in_hand);
        self.work.notify_waiters();
        // The keeper gets permits for it.
        self.news.notify_all();
    }

    /// What a session could not send after all.
    pub(super) fn put_back(&self, rest: Slice) {
        self.lock().turns.put_back(rest);
        self.work.notify_one();
    }

    /// The next slice, if there is one.
    pub(super) fn next(&self) -> Option<Slice> {
        let mut in_hand = self.lock();
        let slice = in_hand.turns.next()?;
        // Once for each chunk: the claimer asks the database whenever it is woken.
        let left = in_hand.turns.waiting(slice.chunk.job.run_id);
        if left < ENOUGH && left + slice.left.len() >= ENOUGH {
            in_hand.woken = true;
            self.changed.notify_all();
        }
        Some(slice)
    }

    /// Waits for the next slice for the session of this number; `None` when there will be no more.
    pub(super) async fn next_ever(&self, session: usize) -> Option<Slice> {
        self.until(|| {
            // What is to be given back needs no session.
            let next = (self.has_room_for(session) || self.is_stopping())
                .then(|| self.next())
                .flatten();
            match next {
                Some(slice) => Some(Some(slice)),
                None => self.closed.load(Ordering::Acquire).then_some(None),
            }
        })
        .await
    }

    /// Waits for leave to begin a mail that `may_leave`, as long as it may; whether there is leave now.
    pub(super) async fn leave_to_begin(&self, may_leave: impl Fn() -> bool) -> bool {
        self.until(|| {
            let may_go_on = self.may_go_on() && may_leave();
            (!may_go_on || self.may_begin()).then_some(may_go_on)
        })
        .await
    }

    /// Looks again whenever something has changed. Listens before it looks, so that nothing is missed in between.
    async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            let mut changed = pin!(self.work.notified());
            changed.as_mut().enable();
            if let Some(found) = look() {
                return found;
            }
            changed.await;
        }
    }

    /// Leases in hand.
    pub(super) fn leases(&self) -> usize {
        self.lock().chunks.len()
    }

    /// Whether enough of this run waits for a session: it needs no further chunk.
    pub(super) fn has_enough(&self, run_id: i64) -> bool {
        self.lock().turns.waiting(run_id) >= ENOUGH
    }

    pub(super) fn chunks(&self) -> Vec<Arc<Chunk>> {
        self.lock().chunks.values().cloned().collect()
    }

    /// The run's chunks in hand: their results may still be on their way, so they are not to be leased again.
    pub(super) fn chunks_of(&self, run_id: i64) -> Vec<i32> {
        let in_hand = self.lock();
        let leases = in_hand.chunks.values().map(|chunk| chunk.lease);
        let of_run = leases.filter(|lease| lease.run_id == run_id);
        of_run.map(|lease| lease.chunk_no).collect()
    }

    /// These were given back.
    pub(super) fn release(&self, chunks: &[Arc<Chunk>]) {
        let mut in_hand = self.lock();
        for chunk in chunks {
            in_hand.chunks.remove(&chunk.lease.lease_token);
        }
        in_hand.woken |= in_hand.chunks.is_empty();
        drop(in_hand);
        self.tell_everybody();
    }

    /// The run, unless it was stopped since.
    pub(super) fn job(&self, run_id: i64) -> Option<Arc<Job>> {
        let in_hand = self.lock();
        let job = in_hand.jobs.get(&run_id)?;
        (!job.is_stopped()).then(|| Arc::clone(job))
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
        let InHand { chunks, jobs, .. } = &mut *in_hand;
        jobs.retain(|run_id, _| {
            still_due.iter().any(|run| run.id == *run_id)
                || chunks.values().any(|chunk| chunk.lease.run_id == *run_id)
        });
    }
}
