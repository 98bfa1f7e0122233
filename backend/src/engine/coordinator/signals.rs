//! How the sender's threads wait for each other, and how all of it ends.

use std::mem;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Coordinator, State};

impl Coordinator {
    /// Something has changed that decides what may be done.
    pub(in crate::engine) fn wake_everybody(&self) {
        self.for_claimer.notify_all();
        self.for_control_loop.notify_all();
        for queue in self.queues() {
            queue.wake_workers();
        }
    }

    /// There is new work: look at once.
    pub(in crate::engine) fn wake(&self) {
        let mut state = self.lock();
        (state.claimer_woken, state.runs_outdated) = (true, true);
        self.for_claimer.notify_all();
    }

    /// There may be room for more.
    pub(in crate::engine) fn wake_claimer(&self) {
        self.lock().claimer_woken = true;
        self.for_claimer.notify_all();
    }

    pub(in crate::engine) fn wake_control_loop(&self) {
        self.lock().control_loop_woken = true;
        self.for_control_loop.notify_all();
    }

    /// Whether the runs may be others than the claimer knows of; asked, it is taken for known.
    pub(in crate::engine) fn take_outdated(&self) -> bool {
        mem::take(&mut self.lock().runs_outdated)
    }

    /// The claimer waits at most `time` to be woken: something was prepared, a run needs more, nothing is in flight any
    /// more, or it is time to stop.
    pub(in crate::engine) fn wait_for_room(&self, time: Duration) {
        let is_waiting = |state: &mut State| !state.claimer_woken && !self.is_closing();
        let waited = self
            .for_claimer
            .wait_timeout_while(self.lock(), time, is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.claimer_woken = false;
    }

    /// The claimer waits at most `time` for everything to be given back.
    pub(in crate::engine) fn wait_for_the_rest(&self, time: Duration) {
        let is_waiting = |state: &mut State| !state.in_flight.is_empty();
        let waited = self
            .for_claimer
            .wait_timeout_while(self.lock(), time, is_waiting);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The control loop waits at most `time` to be woken, or for the end.
    pub(in crate::engine) fn wait_for_news(&self, time: Duration) {
        let is_waiting = |state: &mut State| !state.control_loop_woken && !self.is_over(state);
        let waited = self
            .for_control_loop
            .wait_timeout_while(self.lock(), time, is_waiting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.control_loop_woken = false;
    }

    /// No more claims and no further body from now on.
    pub(in crate::engine) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.closing.store(true, Ordering::Release);
        self.wake_control_loop();
        self.wake_everybody();
    }

    pub(in crate::engine) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Nothing more is claimed and nothing is being claimed: sessions end when everything in flight is sent.
    pub(in crate::engine) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.store(true, Ordering::Release);
        self.wake_everybody();
    }

    pub(in crate::engine) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(in crate::engine) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Nothing is in flight, and nothing more will be.
    pub(in crate::engine) fn is_done(&self) -> bool {
        self.is_over(&self.lock())
    }

    fn is_over(&self, state: &State) -> bool {
        self.is_closing() && state.in_flight.is_empty()
    }

    /// A thread has failed: everything is left as it stands, for whoever reads the journal next.
    pub(in crate::engine) fn abandon(&self) {
        self.lock().in_flight.clear();
        for queue in self.queues() {
            queue.abandon();
        }
        self.stop();
        self.close();
    }
}
