//! Limits the number of sessions with the server.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::EgressQueue;
use super::slots::RefusedWorker;
use crate::delivery::smtp_server_health::session_limits::RefusedSession;
use crate::engine::breaker::Breaker;

/// Within this time a process learns about the sessions of the others: all control loops run twice a second.
const EXCHANGE_WAIT: Duration = Duration::from_millis(1500);

impl EgressQueue {
    /// For a worker whose connection was refused: waits until another session has been accepted or no attempt is
    /// under way, and then for the other processes. A server may refuse at once but delay its greeting.
    pub(in crate::engine) async fn others_settled(&self) {
        let _refused = RefusedWorker::counted(self);
        let before = self.lock().sessions.settled;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().sessions.are_settled_since(before) {
                // Wakes all workers waiting here.
                self.wake_workers();
                break;
            }
            changed.await;
        }
        // After a failure it is known already whether the sessions of other processes work.
        if !self.is_connected() && !self.has_failures.load(Ordering::Relaxed) {
            sleep(EXCHANGE_WAIT).await;
        }
    }

    /// The number of sessions that this process may have open now.
    pub(in crate::engine) fn sessions_allowed(&self) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        self.granted.load(Ordering::Relaxed).min(limit)
    }

    /// Records a refused connection with the server's response. If other sessions are open and receive answers, the
    /// limit is lowered to their number; if only those of other processes are, the server is left to them for a while.
    /// Returns `false` if none works, which means that the server is failing.
    pub(in crate::engine) fn refused_connection(&self, response: &str) -> bool {
        if !self.is_connected() {
            let works = self.works_elsewhere();
            let leave = |breaker: &mut Breaker| breaker.leave_to_others(Instant::now());
            if works && self.breaker(leave).0 {
                tracing::info!(
                    server = self.name,
                    "mail server accepts no connection of this process; left to the others"
                );
            }
            return works;
        }
        let mut state = self.lock();
        let sessions = state.sessions.taken.min(self.sessions_allowed());
        let limit = sessions.saturating_sub(1).max(1);
        state.sessions.refusal = Some(RefusedSession {
            sessions: self.limit_in_all(limit),
            response: response.to_owned(),
        });
        self.limit.store(limit, Ordering::Relaxed);
        true
    }

    /// Converts a limit of this process into one of all processes, where these share the sessions.
    fn limit_in_all(&self, limit: usize) -> i32 {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let Some(in_all) = self.shared_sessions() else {
            return limit;
        };
        let granted = i32::try_from(self.granted.load(Ordering::Relaxed)).unwrap_or(i32::MAX);
        in_all.saturating_sub(granted).max(0).saturating_add(limit)
    }

    /// The number of sessions that all processes share now, where they do.
    pub(in crate::engine) fn shared_sessions(&self) -> Option<i32> {
        let limit = i32::try_from(self.limit_heard.load(Ordering::Relaxed)).unwrap_or(i32::MAX);
        self.target.sessions_in_all.map(|in_all| in_all.min(limit))
    }

    /// The configured number of sessions: of all processes where these share them.
    pub(in crate::engine) fn sessions_configured(&self) -> i32 {
        let own = i32::try_from(self.target.sessions).unwrap_or(i32::MAX);
        self.target.sessions_in_all.unwrap_or(own)
    }

    /// The refusal to persist.
    pub(in crate::engine) fn refusal(&self) -> Option<RefusedSession> {
        self.lock().sessions.refusal.clone()
    }

    /// Marks this refusal as persisted.
    pub(in crate::engine) fn refusal_persisted(&self, refusal: &RefusedSession) {
        let refusals = &mut self.lock().sessions.refusal;
        refusals.take_if(|waiting| waiting == refusal);
    }

    /// Applies the limit known to all processes; what this process has learned and not yet persisted is kept. Where each
    /// process has sessions of its own a running one follows it only upwards: another that has found less room says
    /// nothing about the sessions that are open here.
    pub(in crate::engine) fn follow_limit(&self, limit: Option<i32>) {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let mut limit = limit.unwrap_or(usize::MAX);
        if self.target.sessions_in_all.is_none() && self.is_known() {
            limit = limit.max(self.limit.load(Ordering::Relaxed));
        }
        let state = self.lock();
        let is_pending = state.sessions.refusal.is_some();
        self.limit_heard.store(limit, Ordering::Relaxed);
        if !is_pending && self.limit.swap(limit, Ordering::Relaxed) < limit {
            drop(state);
            self.wake_workers();
        }
    }

    /// Sets the maximum number of open sessions; returns whether it changed.
    pub(in crate::engine) fn grant_sessions(&self, sessions: usize) -> bool {
        self.granted.swap(sessions, Ordering::Relaxed) != sessions
    }

    /// Whether an open session has to be closed.
    pub(super) fn has_too_many_sessions(&self) -> bool {
        self.lock().sessions.taken > self.sessions_allowed()
    }
}
