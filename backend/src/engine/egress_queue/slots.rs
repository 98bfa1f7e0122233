//! Guards that count a queue's sessions and workers until they are dropped.

use std::mem;
use std::sync::Arc;

use super::EgressQueue;
use super::session_counts::SessionCounts;

/// The right to have one session open with the server.
pub(in crate::engine) struct SessionSlot {
    queue: Arc<EgressQueue>,
    is_connected: bool,
}

impl SessionSlot {
    pub(super) fn taken(queue: &Arc<EgressQueue>, counts: &mut SessionCounts) -> Self {
        counts.taken += 1;
        Self {
            queue: Arc::clone(queue),
            is_connected: false,
        }
    }

    /// Records that the server has answered a mail in this session.
    pub(in crate::engine) fn connected(&mut self) {
        self.queue.answered();
        if !mem::replace(&mut self.is_connected, true) {
            self.queue.lock().sessions.connected += 1;
            self.queue.wake_workers();
        }
    }

    /// Releases the slot; another session may be opened in its place.
    pub(in crate::engine) fn disconnected(&mut self) {
        if mem::take(&mut self.is_connected) {
            self.queue.lock().sessions.connected -= 1;
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.disconnected();
        self.queue.lock().sessions.taken -= 1;
        self.queue.wake_workers();
    }
}

/// Counts a worker as idle until dropped.
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

/// Counts a worker whose connection was refused as waiting until dropped.
pub(super) struct RefusedWorker<'a>(&'a EgressQueue);

impl<'a> RefusedWorker<'a> {
    pub(super) fn counted(queue: &'a EgressQueue) -> Self {
        queue.lock().sessions.refused += 1;
        queue.wake_workers();
        Self(queue)
    }
}

impl Drop for RefusedWorker<'_> {
    fn drop(&mut self) {
        self.0.lock().sessions.refused -= 1;
    }
}
