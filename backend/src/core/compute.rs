//! A pool of threads for CPU-bound work (rendering templates, creating images, sanitizing HTML), separate from the
//! threads that answer requests and query the database. Fair between owners: they are served round robin, no owner
//! can occupy all threads, and the number of waiting jobs of each is limited.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Maximum time until a job is done, after which the caller should retry later.
const JOB_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a job was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("too many jobs of this owner are queued")]
    Owner,
    #[error("too many jobs are queued, or this one has waited too long")]
    Busy,
    #[error("the job panicked")]
    Panicked,
}

/// Limits on running and waiting jobs: a job may hold a body of several megabytes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub threads: usize,
    /// Waiting jobs of one owner.
    pub waiting: usize,
    /// Waiting jobs of all owners together.
    pub waiting_in_all: usize,
}

impl Bounds {
    /// For work of milliseconds: one thread per processor, but at least two, since one owner could occupy a single
    /// one.
    pub fn of_this_machine() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            threads: processors.max(2),
            waiting: 8,
            waiting_in_all: 32,
        }
    }
}

/// A bounded pool of threads. Cheap to clone; clones share the threads.
#[derive(Clone)]
pub struct Compute(Arc<ComputePool>);

struct ComputePool {
    name: &'static str,
    bounds: Bounds,
    queue: Mutex<ComputeQueue>,
}

#[derive(Default)]
struct ComputeQueue {
    /// Running threads.
    threads: usize,
    owners: HashMap<i64, OwnerJobs>,
    /// Owners with waiting jobs; the first is served next.
    turns: VecDeque<i64>,
    waiting: usize,
}

#[derive(Default)]
struct OwnerJobs {
    waiting: VecDeque<Job>,
    running: usize,
}

type Job = Box<dyn FnOnce() + Send>;

impl Compute {
    /// Creates a pool of threads with this name; each thread ends when there is no work.
    pub fn new(name: &'static str, bounds: Bounds) -> Self {
        Self(Arc::new(ComputePool {
            name,
            bounds,
            queue: Mutex::default(),
        }))
    }

    /// Runs a job of this owner when it is its turn. A started job runs to completion, even if its caller has been
    /// dropped.
    pub async fn run<T: Send + 'static>(
        &self,
        owner: i64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (answer, done) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                answer.send(catch_unwind(AssertUnwindSafe(work))).ok();
            }
        };
        self.enqueue(owner, Box::new(job))?;
        match timeout(JOB_TIMEOUT, done).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(_panic))) => Err(Refused::Panicked),
            // The job has been dropped in favour of another owner.
            Ok(Err(_dropped)) => Err(Refused::Owner),
            Err(_elapsed) => Err(Refused::Busy),
        }
    }

    fn enqueue(&self, owner: i64, job: Job) -> Result<(), Refused> {
        let mut queue = self.queue();
        queue.push(owner, job, self.0.bounds)?;
        if queue.threads == self.0.bounds.threads.max(1) {
            return Ok(());
        }
        queue.threads += 1;
        drop(queue);
        let pool = self.clone();
        let thread = thread::Builder::new().name(self.0.name.to_owned());
        // If no thread can be spawned, running threads take the job, or its caller times out.
        if let Err(error) = thread.spawn(move || pool.work()) {
            tracing::warn!(%error, "could not spawn a compute thread");
            self.queue().threads -= 1;
        }
        Ok(())
    }

    /// Runs jobs until none is left.
    fn work(&self) {
        // One thread is always reserved for the other owners.
        let most = self.0.bounds.threads.saturating_sub(1).max(1);
        let mut done = None;
        loop {
            let mut queue = self.queue();
            if let Some(owner) = done {
                queue.finish(owner);
            }
            let Some((owner, job)) = queue.pop(most) else {
                queue.threads -= 1;
                return;
            };
            drop(queue);
            job();
            done = Some(owner);
        }
    }

    fn queue(&self) -> MutexGuard<'_, ComputeQueue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ComputeQueue {
    fn push(&mut self, owner: i64, job: Job, bounds: Bounds) -> Result<(), Refused> {
        let waiting = self.owners.get(&owner).map_or(0, |it| it.waiting.len());
        if waiting >= bounds.waiting {
            return Err(Refused::Owner);
        }
        if self.waiting >= bounds.waiting_in_all && !self.make_room_for(waiting) {
            return Err(Refused::Busy);
        }
        let jobs = self.owners.entry(owner).or_default();
        if jobs.waiting.is_empty() {
            self.turns.push_back(owner);
        }
        jobs.waiting.push_back(job);
        self.waiting += 1;
        Ok(())
    }

    /// Drops the newest job of the owner with the most waiting jobs, if they exceed this number; returns whether
    /// there is room now.
    fn make_room_for(&mut self, waiting: usize) -> bool {
        let longest = self.owners.values_mut().max_by_key(|it| it.waiting.len());
        let Some(longest) = longest.filter(|it| it.waiting.len() > waiting + 1) else {
            return false;
        };
        self.waiting -= usize::from(longest.waiting.pop_back().is_some());
        true
    }

    /// The next job of the first owner with fewer than `most` running jobs.
    fn pop(&mut self, most: usize) -> Option<(i64, Job)> {
        let may_run = |owner: &i64| self.owners.get(owner).is_some_and(|it| it.running < most);
        let turn = self.turns.iter().position(may_run)?;
        let owner = self.turns.remove(turn)?;
        let jobs = self.owners.get_mut(&owner)?;
        let job = jobs.waiting.pop_front()?;
        jobs.running += 1;
        self.waiting -= 1;
        if !jobs.waiting.is_empty() {
            self.turns.push_back(owner);
        }
        Some((owner, job))
    }

    fn finish(&mut self, owner: i64) {
        if let Entry::Occupied(mut jobs) = self.owners.entry(owner) {
            jobs.get_mut().running -= 1;
            if jobs.get().running == 0 && jobs.get().waiting.is_empty() {
                jobs.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests;
