//! The order in which mails are sent: round robin over owners, then over their runs, so that a mailing to one
//! recipient does not wait for one to a million.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::Chunk;
use crate::delivery::deliveries::claims::{ClaimableRun, Claimed};

/// Deliveries of one chunk waiting for a session.
pub(super) struct ChunkBatch {
    pub(super) chunk: Arc<Chunk>,
    pub(super) deliveries: VecDeque<Claimed>,
}

/// One delivery on its way from the queue to a session.
pub(super) struct QueuedMail {
    pub(super) chunk: Arc<Chunk>,
    pub(super) delivery: Claimed,
}

#[derive(Default)]
pub(super) struct FairQueue {
    owners: VecDeque<OwnerQueue>,
    len: usize,
}

struct OwnerQueue {
    id: i64,
    runs: VecDeque<RunQueue>,
}

struct RunQueue {
    id: i64,
    batches: VecDeque<ChunkBatch>,
    len: usize,
}

impl FairQueue {
    /// Number of waiting deliveries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a batch behind the others of its run; a run queues behind the others of its owner.
    pub(super) fn push(&mut self, batch: ChunkBatch) {
        let added = batch.deliveries.len();
        if added == 0 {
            return;
        }
        let run = self.run_of(&batch.chunk);
        run.len += added;
        run.batches.push_back(batch);
        self.len += added;
    }

    /// Returns a mail that a session could not send; it becomes the first of its run.
    pub(super) fn put_back(&mut self, mail: QueuedMail) {
        let QueuedMail { chunk, delivery } = mail;
        let run = self.run_of(&chunk);
        run.len += 1;
        match run.batches.front_mut() {
            Some(first) if Arc::ptr_eq(&first.chunk, &chunk) => {
                first.deliveries.push_front(delivery);
            }
            _ => run.batches.push_front(ChunkBatch {
                chunk,
                deliveries: [delivery].into(),
            }),
        }
        self.len += 1;
    }

    fn run_of(&mut self, chunk: &Chunk) -> &mut RunQueue {
        let (owner_id, run_id) = (chunk.job.owner_id, chunk.job.run_id);
        let owner = position_or_push(
            &mut self.owners,
            |owner| owner.id == owner_id,
            || OwnerQueue {
                id: owner_id,
                runs: VecDeque::new(),
            },
        );
        position_or_push(
            &mut owner.runs,
            |run| run.id == run_id,
            || RunQueue {
                id: run_id,
                batches: VecDeque::new(),
                len: 0,
            },
        )
    }

    /// The next mail of the next run of the next owner, and how many are left in its run.
    pub(super) fn pop(&mut self) -> Option<(QueuedMail, usize)> {
        let mut owner = self.owners.pop_front()?;
        let mut run = owner.runs.pop_front()?;
        let batch = run.batches.front_mut()?;
        let delivery = batch.deliveries.pop_front()?;
        let chunk = Arc::clone(&batch.chunk);
        if batch.deliveries.is_empty() {
            run.batches.pop_front();
        }
        run.len -= 1;
        self.len -= 1;
        let left = run.len;
        if left > 0 {
            owner.runs.push_back(run);
        }
        if !owner.runs.is_empty() {
            self.owners.push_back(owner);
        }
        Some((QueuedMail { chunk, delivery }, left))
    }

    /// Removes the waiting deliveries of the matching chunks.
    pub(super) fn remove_if(&mut self, is_wanted: impl Fn(&Chunk) -> bool) -> Vec<ChunkBatch> {
        let mut removed = Vec::new();
        for owner in &mut self.owners {
            for run in &mut owner.runs {
                let batches = run.batches.drain(..);
                let (out, stay) = batches.partition::<Vec<_>, _>(|batch| is_wanted(&batch.chunk));
                removed.extend(out);
                run.batches.extend(stay);
                run.len = run.batches.iter().map(|batch| batch.deliveries.len()).sum();
            }
            owner.runs.retain(|run| run.len > 0);
        }
        self.owners.retain(|owner| !owner.runs.is_empty());
        self.len = self.runs().map(|run| run.len).sum();
        removed
    }

    /// Number of waiting deliveries of this run.
    pub(super) fn len_of(&self, run_id: i64) -> usize {
        let of_run = self.runs().filter(|run| run.id == run_id);
        of_run.map(|run| run.len).sum()
    }

    fn runs(&self) -> impl Iterator<Item = &RunQueue> {
        self.owners.iter().flat_map(|owner| &owner.runs)
    }
}

/// Orders runs by owner so that each owner has one turn before any has a second.
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
