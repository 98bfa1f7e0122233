//! How the threads of the sender wait for each other, and how the sender shuts down.

use std::mem;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Coordinator, CoordinatorState};

impl Coordinator {
    /// Signals a change that affects what may be sent or claimed.
    pub(in crate::engine) fn wake_all(&self) {
        self.for_claimer.notify_all();
        self.for_control_loop.notify_all();
        for queue in self.queues() {
            queue.wake_workers();
        }
    }

    /// Wakes the claimer for new work.
    pub(in crate::engine) fn wake(&self) {
        let mut state = self.lock();
        (state.claimer_woken, state.runs_outdated) = (true, true);
        self.for_claimer.notify_all();
    }

    /// Signals that another chunk may fit.
    pub(in crate::engine) fn wake_claimer(&self) {
        self.lock().claimer_woken = true;
        self.for_claimer.notify_all();
    }

    pub(in crate::engine) fn wake_control_loop(&self) {
        self.lock().control_loop_woken = true;
        self.for_control_loop.notify_all();
    }

    /// Whether the set of runs may have changed since the last call; resets the flag.
    pub(in crate::engine) fn take_outdated(&self) -> bool {
        mem::take(&mut self.lock().runs_outdated)
    }

    /// Blocks the claimer for at most `timeout` until it is woken: a run was prepared or needs another chunk, nothing is
    /// in flight, or the sender is shutting down.
    pub(in crate::engine) fn wait_for_capacity(&self, timeout: Duration) {
        let is_waiting = |state: &mut CoordinatorState| !state.claimer_woken && !self.is_closing();
        let waited = self
            .for_claimer
            .wait_timeout_while(self.lock(), timeout, is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.claimer_woken = false;
    }

    /// Blocks the claimer for at most `timeout` until all chunks have been released.
    pub(in crate::engine) fn wait_for_releases(&self, timeout: Duration) {
        let is_waiting = |state: &mut CoordinatorState| !state.in_flight.is_empty();
        let waited = self
            .for_claimer
            .wait_timeout_while(self.lock(), timeout, is_waiting);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Blocks the control loop for at most `timeout` until it is woken or the sender shuts down.
    pub(in crate::engine) fn wait_for_changes(&self, timeout: Duration) {
        let is_waiting =
            |state: &mut CoordinatorState| !state.control_loop_woken && !self.is_over(state);
        let waited = self
            .for_control_loop
            .wait_timeout_while(self.lock(), timeout, is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.control_loop_woken = false;
    }

    /// Stops claiming, and starts no further body.
    pub(in crate::engine) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.closing.store(true, Ordering::Release);
        self.wake_control_loop();
        self.wake_all();
    }

    pub(in crate::engine) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Called when nothing is being claimed any more: sessions end once everything in flight has been sent.
    pub(in crate::engine) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.store(true, Ordering::Release);
        self.wake_all();
    }

    pub(in crate::engine) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(in crate::engine) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether nothing is in flight and nothing more will be claimed.
    pub(in crate::engine) fn is_done(&self) -> bool {
        self.is_over(&self.lock())
    }

    fn is_over(&self, state: &CoordinatorState) -> bool {
        self.is_closing() && state.in_flight.is_empty()
    }

    /// Called when a thread has failed: everything is left as it is, to be recovered from the journal.
    pub(in crate::engine) fn abandon(&self) {
        self.lock().in_flight.clear();
        for queue in self.queues() {
            queue.abandon();
        }
        self.stop();
        self.close();
    }
}
