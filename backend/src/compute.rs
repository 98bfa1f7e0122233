//! Work that keeps a processor busy for a while (filling in templates, drawing pictures, cleaning HTML), on threads of its own:
//! neither those that answer requests nor those that ask the database. Fair between owners: they take turns, none has all
//! threads, and none has more than a few waiting.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Longer than a job takes; a caller who has waited this long should come back.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("too many jobs of this owner are waiting")]
    Owner,
    #[error("too many jobs are waiting, or this one has waited too long")]
    Busy,
    #[error("the job panicked")]
    Panicked,
}

/// How much is done at once, and how much may wait: a job may hold a body of megabytes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub threads: usize,
    /// Of one owner.
    pub waiting: usize,
    /// Of all owners together.
    pub waiting_in_all: usize,
}

impl Bounds {
    /// For work of milliseconds: as many threads as there are processors, and never one alone, which would be one owner's.
    pub fn of_this_machine() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            threads: processors.max(2),
            waiting: 8,
            waiting_in_all: 32,
        }
    }
}

/// A bounded set of threads. Cheap to clone; clones share the threads.
#[derive(Clone)]
pub struct Compute(Arc<Inner>);

struct Inner {
    name: &'static str,
    bounds: Bounds,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// Threads at work.
    threads: usize,
    owners: HashMap<i64, Owner>,
    /// Owners with waiting jobs; the first has the next turn.
    turns: VecDeque<i64>,
    waiting: usize,
}

#[derive(Default)]
struct Owner {
    waiting: VecDeque<Job>,
    running: usize,
}

type Job = Box<dyn FnOnce() + Send>;

impl Compute {
    /// Threads of this name; each lives for as long as there is work.
    pub fn new(name: &'static str, bounds: Bounds) -> Self {
        Self(Arc::new(Inner {
            name,
            bounds,
            queue: Mutex::default(),
        }))
    }

    /// Does a job of this owner in its turn. One that has begun is done, also when its caller has gone away meanwhile.
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
        match timeout(PATIENCE, done).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(_panic))) => Err(Refused::Panicked),
            // It has made room for another owner's.
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
        // Where no thread can be had, those at work will come to it, or its caller's patience ends.
        if let Err(error) = thread.spawn(move || pool.work()) {
            tracing::warn!(%error, "no thread for computing");
            self.queue().threads -= 1;
        }
        Ok(())
    }

    /// Does what there is to do.
    fn work(&self) {
        // One thread is always left to the other owners.
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
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

    /// Drops the last job of the owner of whom most are waiting, if they are more than this; whether there is room then.
    fn make_room_for(&mut self, waiting: usize) -> bool {
        let longest = self.owners.values_mut().max_by_key(|it| it.waiting.len());
        let Some(longest) = longest.filter(|it| it.waiting.len() > waiting + 1) else {
            return false;
        };
        self.waiting -= usize::from(longest.waiting.pop_back().is_some());
        true
    }

    /// The next job of the first owner of whom fewer than `most` jobs are running.
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
