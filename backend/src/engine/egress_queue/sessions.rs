//! How many sessions with the server there may be, and which workers wait for something to do.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::EgressQueue;

/// The workers of a queue, counted.
#[derive(Default)]
pub(super) struct Sessions {
    /// Slots that are taken: sessions that are open or about to be.
    taken: usize,
    /// Workers that wait for a mail …
    idle: usize,
    /// … with a session open.
    idle_open: usize,
}

impl Sessions {
    /// Whether a worker may send: through the session whose slot it has, or through another that may be opened.
    pub(super) fn allows(&self, has_slot: bool, allowed: usize) -> bool {
        if has_slot {
            self.taken <= allowed
        } else {
            self.taken < allowed
        }
    }

    /// Workers that wait and could begin a mail at once.
    pub(super) fn idle_workers(&self, allowed: usize) -> usize {
        let at_work = self.taken.saturating_sub(self.idle_open);
        self.idle.min(allowed.saturating_sub(at_work))
    }
}

/// The right to have one session with the server open.
pub(in crate::engine) struct SessionSlot(Arc<EgressQueue>);

impl SessionSlot {
    pub(super) fn taken(queue: &Arc<EgressQueue>, sessions: &mut Sessions) -> Self {
        sessions.taken += 1;
        Self(Arc::clone(queue))
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.0.lock().sessions.taken -= 1;
        self.0.wake_workers();
    }
}

/// A worker that waits for something to do, for as long as it does.
pub(super) struct IdleWorker<'a> {
    queue: &'a EgressQueue,
    has_session: bool,
}

impl<'a> IdleWorker<'a> {
    pub(super) fn counted(queue: &'a EgressQueue, has_session: bool) -> Self {
        let sessions = &mut queue.lock().sessions;
        sessions.idle += 1;
        sessions.idle_open += usize::from(has_session);
        Self { queue, has_session }
    }
}

impl Drop for IdleWorker<'_> {
    fn drop(&mut self) {
        let sessions = &mut self.queue.lock().sessions;
        sessions.idle -= 1;
        sessions.idle_open -= usize::from(self.has_session);
    }
}

impl EgressQueue {
    /// Sessions that this process may have open now.
    pub(in crate::engine) fn sessions_allowed(&self) -> usize {
        self.granted.load(Ordering::Relaxed)
    }

    /// So many sessions may be open from now on; whether that is news.
    pub(in crate::engine) fn grant_sessions(&self, sessions: usize) -> bool {
        self.granted.swap(sessions, Ordering::Relaxed) != sessions
    }

    /// Whether one that is open is to be closed.
    pub(super) fn has_too_many_sessions(&self) -> bool {
        self.lock().sessions.taken > self.sessions_allowed()
    }
}
