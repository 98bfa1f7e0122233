//! Whose turn it is: a part of each run in hand, owner after owner, so that a mailing to one recipient does not wait for
//! one to a million.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::Chunk;
use crate::deliveries::claims::{ClaimableRun, Claimed};

/// Mails that a session sends before another run has its turn.
const MAX_BATCH: usize = 25;

/// Part of a chunk, sent through one session.
pub(super) struct Batch {
    pub(super) chunk: Arc<Chunk>,
    pub(super) left: VecDeque<Claimed>,
}

#[derive(Default)]
pub(super) struct FairQueue {
    owners: VecDeque<Owner>,
}

struct Owner {
    id: i64,
    runs: VecDeque<Run>,
}

struct Run {
    id: i64,
    chunks: VecDeque<Batch>,
}

impl FairQueue {
    /// A chunk waits behind those of its run; a run waits behind those of its owner.
    pub(super) fn push_back(&mut self, chunk: Batch) {
        self.run_of(&chunk.chunk).chunks.push_back(chunk);
    }

    /// What was left of a batch: it goes first.
    pub(super) fn put_back(&mut self, rest: Batch) {
        self.run_of(&rest.chunk).chunks.push_front(rest);
    }

    fn run_of(&mut self, chunk: &Chunk) -> &mut Run {
        let (owner_id, run_id) = (chunk.job.owner_id, chunk.job.run_id);
        let owner = position_or_push(
            &mut self.owners,
            |owner| owner.id == owner_id,
            || Owner {
                id: owner_id,
                runs: VecDeque::new(),
            },
        );
        position_or_push(
            &mut owner.runs,
            |run| run.id == run_id,
            || Run {
                id: run_id,
                chunks: VecDeque::new(),
            },
        )
    }

    /// The next batch of the next run of the next owner.
    pub(super) fn next(&mut self) -> Option<Batch> {
        let mut owner = self.owners.pop_front()?;
        let mut run = owner.runs.pop_front()?;
        let batch = cut(&mut run.chunks)?;
        if !run.chunks.is_empty() {
            owner.runs.push_back(run);
        }
        if !owner.runs.is_empty() {
            self.owners.push_back(owner);
        }
        Some(batch)
    }

    /// What waits of such chunks; it waits no longer.
    pub(super) fn take_if(&mut self, is_wanted: impl Fn(&Chunk) -> bool) -> Vec<Batch> {
        let mut taken = Vec::new();
        for owner in &mut self.owners {
            for run in &mut owner.runs {
                let batches = run.chunks.drain(..);
                let (out, stay) = batches.partition::<Vec<_>, _>(|batch| is_wanted(&batch.chunk));
                taken.extend(out);
                run.chunks.extend(stay);
            }
            owner.runs.retain(|run| !run.chunks.is_empty());
        }
        self.owners.retain(|owner| !owner.runs.is_empty());
        taken
    }

    /// Deliveries of this run that wait.
    pub(super) fn waiting(&self, run_id: i64) -> usize {
        let runs = self.owners.iter().flat_map(|owner| &owner.runs);
        let of_run = runs.filter(|run| run.id == run_id);
        of_run
            .flat_map(|run| &run.chunks)
            .map(|chunk| chunk.left.len())
            .sum()
    }
}

/// A batch of the first chunk, which goes once it is empty.
fn cut(chunks: &mut VecDeque<Batch>) -> Option<Batch> {
    let first = chunks.front_mut()?;
    if first.left.len() <= MAX_BATCH {
        return chunks.pop_front();
    }
    Some(Batch {
        chunk: Arc::clone(&first.chunk),
        left: first.left.drain(..MAX_BATCH).collect(),
    })
}

/// Runs that come ordered by their owners, so that no owner has a second turn before all have had one.
pub(super) fn in_turn(runs: Vec<ClaimableRun>) -> Vec<ClaimableRun> {
    let mut rounds: Vec<(usize, ClaimableRun)> = Vec::with_capacity(runs.len());
    let (mut owner, mut round) = (None, 0);
    for run in runs {
        round = if owner == Some(run.owner_id) {
            round + 1
        } else {
            0
        };
        owner = Some(run.owner_id);
        rounds.push((round, run));
    }
    rounds.sort_by_key(|(round, _)| *round);
    rounds.into_iter().map(|(_, run)| run).collect()
}

fn position_or_push<T>(
    list: &mut VecDeque<T>,
    is_it: impl Fn(&T) -> bool,
    make: impl FnOnce() -> T,
) -> &mut T {
    let found = list.iter().position(is_it);
    let place = found.unwrap_or_else(|| {
        list.push_back(make());
        list.len() - 1
    });
    list.get_mut(place)
        .unwrap_or_else(|| unreachable!("it was found, or has just been pushed"))
}
