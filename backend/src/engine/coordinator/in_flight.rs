//! What is in flight: leased chunks, their runs, and the queues of servers configured by users.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::delivery::deliveries::claims::ClaimableRun;
use crate::delivery::smtp_server_health::model::SmtpServerKey;
use crate::engine::chunk::Chunk;
use crate::engine::egress_queue::EgressQueue;
use crate::engine::job::Job;

/// Maximum number of chunks in flight through the installation's server, and through all servers of users together.
/// It bounds memory, and how much a slow server can take away from the others.
const MAX_CHUNKS: usize = 64;
/// Maximum for one server of a user.
const MAX_CHUNKS_OF_ONE: usize = 4;
/// Each server of a user is granted one chunk regardless of the others, up to this total.
const MAX_CHUNKS_OF_OWN: usize = 512;

/// Whether a chunk of a run may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum ClaimCapacity {
    Available,
    /// Enough is in flight, or the control loop has not checked the server yet.
    Later,
    /// The breaker is open, or other processes hold all sessions with the server.
    None,
}

/// Whether a chunk may be claimed for a queue that the control loop has checked, with this many chunks in flight to
/// servers of users.
pub(super) fn capacity_for(queue: &EgressQueue, run_id: i64, of_own: usize) -> ClaimCapacity {
    if queue.is_open() || queue.sessions_allowed() == 0 {
        return ClaimCapacity::None;
    }
    let others_fill_it = queue.is_own()
        && (of_own >= MAX_CHUNKS_OF_OWN || (of_own >= MAX_CHUNKS && queue.chunks() > 0));
    if is_full(queue) || others_fill_it || queue.has_enough_of(run_id) {
        ClaimCapacity::Later
    } else {
        ClaimCapacity::Available
    }
}

/// Whether no further chunk may be claimed for this queue, independently of other queues.
pub(super) fn is_full(queue: &EgressQueue) -> bool {
    let max_chunks = if queue.is_own() {
        MAX_CHUNKS_OF_ONE
    } else {
        MAX_CHUNKS
    };
    queue.chunks() >= max_chunks
}

struct ChunkInFlight {
    chunk: Arc<Chunk>,
    queue: Arc<EgressQueue>,
}

#[derive(Default)]
pub(super) struct InFlight {
    /// By lease token.
    chunks: HashMap<i64, ChunkInFlight>,
    jobs: HashMap<i64, Arc<Job>>,
    queues: HashMap<SmtpServerKey, Arc<EgressQueue>>,
}

impl InFlight {
    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn add(&mut self, chunk: Arc<Chunk>, queue: Arc<EgressQueue>) {
        let token = chunk.lease.lease_token;
        self.chunks.insert(token, ChunkInFlight { chunk, queue });
    }

    /// Removes a chunk; returns its queue if it was present.
    pub(super) fn remove(&mut self, chunk: &Chunk) -> Option<Arc<EgressQueue>> {
        let removed = self.chunks.remove(&chunk.lease.lease_token)?;
        Some(removed.queue)
    }

    pub(super) fn clear(&mut self) {
        self.chunks.clear();
    }

    pub(super) fn chunks(&self) -> Vec<Arc<Chunk>> {
        let chunks = self.chunks.values();
        chunks.map(|entry| Arc::clone(&entry.chunk)).collect()
    }

    pub(super) fn chunks_of(&self, run_id: i64) -> Vec<i32> {
        let leases = self.chunks.values().map(|entry| entry.chunk.lease);
        let of_run = leases.filter(|lease| lease.run_id == run_id);
        of_run.map(|lease| lease.chunk_no).collect()
    }

    /// The run, unless it has been stopped or moved to another queue.
    pub(super) fn job(&self, run_id: i64, queue: &EgressQueue) -> Option<Arc<Job>> {
        let job = self.jobs.get(&run_id)?;
        if job.server_key != queue.target.server_key {
            job.stop();
        }
        (!job.is_stopped()).then(|| Arc::clone(job))
    }

    pub(super) fn add_job(&mut self, job: Arc<Job>) {
        self.jobs.insert(job.run_id, job);
    }

    pub(super) fn jobs(&self) -> Vec<Arc<Job>> {
        self.jobs.values().cloned().collect()
    }

    pub(super) fn queue(&self, server_key: SmtpServerKey) -> Option<Arc<EgressQueue>> {
        self.queues.get(&server_key).cloned()
    }

    pub(super) fn add_queue(&mut self, queue: Arc<EgressQueue>) {
        self.queues.insert(queue.target.server_key, queue);
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &Arc<EgressQueue>> {
        self.queues.values()
    }

    /// Drops runs that have neither a lease nor anything due, and queues without work.
    pub(super) fn keep_only(&mut self, still_due: &[ClaimableRun]) {
        let Self {
            chunks,
            jobs,
            queues,
        } = self;
        let leased = chunks.values().map(|entry| entry.chunk.lease.run_id);
        let runs: HashSet<i64> = still_due.iter().map(|run| run.id).chain(leased).collect();
        let servers: HashSet<_> = still_due.iter().map(|run| run.server_key).collect();
        jobs.retain(|run_id, _| runs.contains(run_id));
        queues.retain(|server_key, queue| {
            let stays = queue.chunks() > 0 || servers.contains(server_key);
            if !stays {
                queue.retire();
            }
            stays
        });
    }
}
