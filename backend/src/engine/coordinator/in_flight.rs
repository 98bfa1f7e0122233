//! What is in hand: chunks, the runs that they are of, and whether there is room for more.

use std::sync::Arc;

use super::{Coordinator, EgressQueue, InHand};
use crate::deliveries::claims::ClaimableRun;
use crate::engine::chunk::Chunk;
use crate::engine::fair_queue::Batch;
use crate::engine::job::Job;

/// Chunks in hand at once that leave through the installation's server, and through all that users have brought: a bound
/// on memory, and on what a server that is slow keeps from others.
const LEASES: usize = 64;
/// Of one that a user has brought.
const LEASES_OF_ONE: usize = 4;
/// However many others there are, each that a user has brought has one; up to this.
const LEASES_OF_ALL: usize = 512;

/// Whether a chunk of a run may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Room {
    Free,
    /// Enough is in hand, or the control loop has not looked yet.
    Later,
    /// Its server is left alone, or others have all its sessions.
    None,
}

impl Coordinator {
    /// Whether a chunk of this run, which leaves through this queue, may be claimed.
    pub(in crate::engine) fn room_for(&self, queue: &EgressQueue, run_id: i64) -> Room {
        if !queue.is_known() {
            self.wake_control_loop();
            return Room::Later;
        }
        if queue.is_shut() || !queue.has_room_for(0) {
            return Room::None;
        }
        let of_queue = queue.leases();
        let is_full = if queue.is_own() {
            let of_all = self.leases().saturating_sub(self.installation.leases());
            of_queue >= LEASES_OF_ONE
                || (of_queue > 0 && of_all >= LEASES)
                || of_all >= LEASES_OF_ALL
        } else {
            of_queue >= LEASES
        };
        if is_full || queue.has_enough_of(run_id) {
            Room::Later
        } else {
            Room::Free
        }
    }

    /// A chunk has been leased, with these deliveries to be sent.
    pub(in crate::engine) fn add(&self, batch: Batch) {
        let chunk = Arc::clone(&batch.chunk);
        let token = chunk.lease.lease_token;
        self.lock().chunks.insert(token, Arc::clone(&chunk));
        chunk.job.queue.add(batch);
        // The control loop gets permits for it.
        self.wake_control_loop();
    }

    /// Leases in hand.
    pub(in crate::engine) fn leases(&self) -> usize {
        self.lock().chunks.len()
    }

    pub(in crate::engine) fn chunks(&self) -> Vec<Arc<Chunk>> {
        self.lock().chunks.values().cloned().collect()
    }

    /// The run's chunks in hand: their results may still be on their way, so they are not to be leased again.
    pub(in crate::engine) fn chunks_of(&self, run_id: i64) -> Vec<i32> {
        let in_hand = self.lock();
        let leases = in_hand.chunks.values().map(|chunk| chunk.lease);
        let of_run = leases.filter(|lease| lease.run_id == run_id);
        of_run.map(|lease| lease.chunk_no).collect()
    }

    /// These were given back.
    pub(in crate::engine) fn release(&self, chunks: &[Arc<Chunk>]) {
        let mut in_hand = self.lock();
        let mut has_room = false;
        for chunk in chunks {
            if in_hand.chunks.remove(&chunk.lease.lease_token).is_some() {
                let queue = &chunk.job.queue;
                queue.release();
                // Its runs may have been waiting for that.
                has_room |= queue.is_own() || chunk.job.is_stopped();
                // Else what is held by now would be leased again, and sent until the control loop looks.
                in_hand.outdated |= chunk.job.is_stopped();
            }
        }
        in_hand.woken |= has_room || in_hand.chunks.is_empty();
        drop(in_hand);
        self.tell_everybody();
    }

    /// The run, unless it was stopped since or leaves through another queue.
    pub(in crate::engine) fn job(&self, run_id: i64, queue: &EgressQueue) -> Option<Arc<Job>> {
        let in_hand = self.lock();
        let job = in_hand.jobs.get(&run_id)?;
        if job.queue.target.server_key != queue.target.server_key {
            job.stop();
        }
        (!job.is_stopped()).then(|| Arc::clone(job))
    }

    pub(in crate::engine) fn add_job(&self, job: Arc<Job>) {
        self.lock().jobs.insert(job.run_id, job);
    }

    /// The runs in hand.
    pub(in crate::engine) fn jobs(&self) -> Vec<Arc<Job>> {
        self.lock().jobs.values().cloned().collect()
    }

    /// Forgets the runs that have neither a lease nor anything due, and the queues that nothing is to leave through.
    pub(in crate::engine) fn forget_all_but(&self, still_due: &[ClaimableRun]) {
        let mut in_hand = self.lock();
        let InHand {
            chunks,
            jobs,
            queues,
            ..
        } = &mut *in_hand;
        jobs.retain(|run_id, _| {
            still_due.iter().any(|run| run.id == *run_id)
                || chunks.values().any(|chunk| chunk.lease.run_id == *run_id)
        });
        queues.retain(|server_key, queue| {
            let stays =
                queue.leases() > 0 || still_due.iter().any(|run| run.server_key == *server_key);
            if !stays {
                queue.retire();
            }
            stays
        });
    }
}
