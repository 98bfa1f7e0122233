//! How many sessions with the server there may be, and which workers wait for something to do.

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::EgressQueue;
use crate::mail_servers::session_limits::Refusal;

/// Sessions that have had no answer for so long are not known to work.
const MAX_SILENCE: Duration = Duration::from_mins(2);

/// The workers of a queue, counted.
#[derive(Default)]
pub(super) struct Sessions {
    /// Slots that are taken: sessions that are open or about to be.
    taken: usize,
    /// Workers that wait for a mail …
    idle: usize,
    /// … with a session open.
    idle_open: usize,
    /// Sessions that the server has let in.
    connected: usize,
    /// Workers whose connection was refused, and who wait to learn how others fare.
    refused: usize,
    /// How often that has become known.
    settled: u64,
    /// The last connection that was refused while others worked, for the control loop to persist.
    refusal: Option<Refusal>,
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

    /// Whether it is known of every connection what becomes of it, or of one that it works.
    fn are_settled_since(&mut self, before: u64) -> bool {
        let are_settled = self.connected > 0 || self.taken <= self.refused;
        self.settled += u64::from(are_settled);
        self.settled > before
    }

    /// Workers that wait and could begin a mail at once.
    pub(super) fn idle_workers(&self, allowed: usize) -> usize {
        let at_work = self.taken.saturating_sub(self.idle_open);
        self.idle.min(allowed.saturating_sub(at_work))
    }
}

/// The right to have one session with the server open.
pub(in crate::engine) struct SessionSlot {
    queue: Arc<EgressQueue>,
    is_connected: bool,
}

impl SessionSlot {
    pub(super) fn taken(queue: &Arc<EgressQueue>, sessions: &mut Sessions) -> Self {
        sessions.taken += 1;
        Self {
            queue: Arc::clone(queue),
            is_connected: false,
        }
    }

    /// The server has let the session in.
    pub(in crate::engine) fn connected(&mut self) {
        self.queue.answered();
        if !mem::replace(&mut self.is_connected, true) {
            self.queue.lock().sessions.connected += 1;
            self.queue.wake_workers();
        }
    }

    /// The session is over; another may be opened in its place.
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

/// A worker whose connection was refused, for as long as it waits to learn how others fare.
struct RefusedWorker<'a>(&'a EgressQueue);

impl<'a> RefusedWorker<'a> {
    fn counted(queue: &'a EgressQueue) -> Self {
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

impl EgressQueue {
    /// For a worker whose connection was refused: waits until another has been let in, or none is under way. A server may refuse
    /// at once and take its time to greet.
    pub(in crate::engine) async fn others_settled(&self) {
        let _refused = RefusedWorker::counted(self);
        let before = self.lock().sessions.settled;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().sessions.are_settled_since(before) {
                // For all that wait with this one, whatever it tries next.
                self.wake_workers();
                return;
            }
            changed.await;
        }
    }

    /// Sessions that this process may have open now.
    pub(in crate::engine) fn sessions_allowed(&self) -> usize {
        let limit = self.limit.load(Ordering::Relaxed);
        self.granted.load(Ordering::Relaxed).min(limit)
    }

    /// The server has answered just now.
    pub(in crate::engine) fn answered(&self) {
        let elapsed = self.created.elapsed().as_millis();
        let ms = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.answered_ms.store(ms, Ordering::Relaxed);
    }

    /// The server has refused a connection, in these words. Where others are open and have their answers it allows no more
    /// than those: from now on there are fewer sessions. `false` where none works: then the server is in trouble.
    pub(in crate::engine) fn refused_connection(&self, response: &str) -> bool {
        let answered = Duration::from_millis(self.answered_ms.load(Ordering::Relaxed));
        let is_silent = self.created.elapsed().saturating_sub(answered) > MAX_SILENCE;
        let mut state = self.lock();
        if state.sessions.connected == 0 || is_silent {
            return false;
        }
        let sessions = state.sessions.taken.min(self.sessions_allowed());
        let limit = sessions.saturating_sub(1).max(1);
        state.sessions.refusal = Some(Refusal {
            sessions: self.limit_in_all(limit),
            response: response.to_owned(),
        });
        self.limit.store(limit, Ordering::Relaxed);
        true
    }

    /// What a limit of this process means for all, where these share the sessions.
    fn limit_in_all(&self, limit: usize) -> i32 {
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let Some(in_all) = self.shared_sessions() else {
            return limit;
        };
        let granted = i32::try_from(self.granted.load(Ordering::Relaxed)).unwrap_or(i32::MAX);
        in_all.saturating_sub(granted).max(0).saturating_add(limit)
    }

    /// How many sessions all processes share now, where they do.
    pub(in crate::engine) fn shared_sessions(&self) -> Option<i32> {
        let limit = i32::try_from(self.limit_heard.load(Ordering::Relaxed)).unwrap_or(i32::MAX);
        self.target.sessions_in_all.map(|in_all| in_all.min(limit))
    }

    /// Sessions that are configured: of all processes where these share them.
    pub(in crate::engine) fn sessions_configured(&self) -> i32 {
        let own = i32::try_from(self.target.sessions).unwrap_or(i32::MAX);
        self.target.sessions_in_all.unwrap_or(own)
    }

    /// The refusal that is to be persisted.
    pub(in crate::engine) fn refusal(&self) -> Option<Refusal> {
        self.lock().sessions.refusal.clone()
    }

    /// This refusal has been persisted.
    pub(in crate::engine) fn refusal_persisted(&self, refusal: &Refusal) {
        let refusals = &mut self.lock().sessions.refusal;
        refusals.take_if(|waiting| waiting == refusal);
    }

    /// The limit that all processes know of; what this one has found out meanwhile is not persisted yet, and stays.
    pub(in crate::engine) fn follow_limit(&self, limit: Option<i32>) {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(usize::MAX);
        let state = self.lock();
        let is_pending = state.sessions.refusal.is_some();
        self.limit_heard.store(limit, Ordering::Relaxed);
        if !is_pending && self.limit.swap(limit, Ordering::Relaxed) < limit {
            drop(state);
            self.wake_workers();
        }
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
