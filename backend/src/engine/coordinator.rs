//! The coordinator around which the sender's threads sit: what is in hand, the queues through which it leaves, and the word to stop.

mod in_flight;
mod sessions;

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) use self::in_flight::Room;
use super::chunk::Chunk;
use super::egress_queue::EgressQueue;
use super::job::Job;
use super::smtp_target::SmtpTarget;
use crate::mail_servers::model::SmtpServerKey;

#[derive(Default)]
struct InHand {
    /// The chunks we hold, by their lease's token.
    chunks: HashMap<i64, Arc<Chunk>>,
    jobs: HashMap<i64, Arc<Job>>,
    /// Of the servers that users have brought.
    queues: HashMap<SmtpServerKey, Arc<EgressQueue>>,
    /// There is something for the claimer to do …
    woken: bool,
    /// … for the runs may be others than it knows of: some were prepared, or are held.
    outdated: bool,
    /// There is something for the control loop to do.
    news: bool,
}

pub(super) struct Coordinator {
    in_hand: Mutex<InHand>,
    /// To the installation's server.
    installation: Arc<EgressQueue>,
    /// For the claimer: there may be room, or something new.
    changed: Condvar,
    /// For the control loop: there may be something to tell.
    news: Condvar,
    stopping: AtomicBool,
    /// Nothing more is to be claimed.
    closing: AtomicBool,
    /// Nothing more comes: who finds nothing to do may go. What is being claimed when we are told to stop comes after that.
    closed: AtomicBool,
}

impl Coordinator {
    /// A coordinator with one queue, to the installation's server.
    pub(super) fn new(installation: SmtpTarget) -> Self {
        Self {
            in_hand: Mutex::default(),
            installation: Arc::new(EgressQueue::new(installation)),
            changed: Condvar::new(),
            news: Condvar::new(),
            stopping: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, InHand> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something has changed that decides what may be done.
    pub(super) fn tell_everybody(&self) {
        self.changed.notify_all();
        self.news.notify_all();
        for queue in self.queues() {
            queue.tell_sessions();
        }
    }

    /// No more claims and no further body from now on.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.closing.store(true, Ordering::Release);
        self.tell_everybody();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Nothing more is claimed and nothing is being claimed: sessions end when everything in hand is sent.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.closed.store(true, Ordering::Release);
        self.tell_everybody();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// There is new work: look at once.
    pub(super) fn wake(&self) {
        let mut in_hand = self.lock();
        (in_hand.woken, in_hand.outdated) = (true, true);
        self.changed.notify_all();
    }

    /// There may be room for more.
    pub(super) fn wake_claimer(&self) {
        self.lock().woken = true;
        self.changed.notify_all();
    }

    fn wake_control_loop(&self) {
        self.lock().news = true;
        self.news.notify_all();
    }

    /// Whether the runs may be others than the claimer knows of; asked, it is taken for known.
    pub(super) fn take_outdated(&self) -> bool {
        mem::take(&mut self.lock().outdated)
    }

    /// Waits at most `time` to be woken: something was prepared, a run needs more, nothing is in hand any more, or it is
    /// time to stop.
    pub(super) fn wait(&self, time: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), time, |in_hand| {
                !in_hand.woken && !self.is_closing()
            });
        let (mut in_hand, _) = waited.unwrap_or_else(PoisonError::into_inner);
        in_hand.woken = false;
    }

    /// Waits at most `time` for everything to be given back.
    pub(super) fn wait_for_the_rest(&self, time: Duration) {
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), time, |in_hand| !in_hand.chunks.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits at most `time` for something to tell, or for the end.
    pub(super) fn wait_for_news(&self, time: Duration) {
        let in_hand = self.lock();
        let waited = self.news.wait_timeout_while(in_hand, time, |in_hand| {
            !in_hand.news && !self.is_over(in_hand)
        });
        let (mut in_hand, _) = waited.unwrap_or_else(PoisonError::into_inner);
        in_hand.news = false;
    }

    /// Nothing is in hand, and nothing more will be.
    pub(super) fn is_done(&self) -> bool {
        self.is_over(&self.lock())
    }

    fn is_over(&self, in_hand: &InHand) -> bool {
        self.is_closing() && in_hand.chunks.is_empty()
    }

    /// One of us has failed: everything is left as it stands, for whoever reads the journal next.
    pub(super) fn abandon(&self) {
        self.lock().chunks.clear();
        for queue in self.queues() {
            queue.abandon();
        }
        self.stop();
        self.close();
    }

    /// The queue to the installation's server.
    pub(super) fn installation(&self) -> &Arc<EgressQueue> {
        &self.installation
    }

    /// All queues.
    pub(super) fn queues(&self) -> Vec<Arc<EgressQueue>> {
        let in_hand = self.lock();
        let own = in_hand.queues.values();
        [&self.installation]
            .into_iter()
            .chain(own)
            .cloned()
            .collect()
    }

    /// The queue to this server, if there is one yet.
    pub(super) fn queue(&self, server_key: SmtpServerKey) -> Option<Arc<EgressQueue>> {
        if server_key == SmtpServerKey::default() {
            return Some(Arc::clone(&self.installation));
        }
        self.lock().queues.get(&server_key).cloned()
    }

    /// A queue to a server that a user has brought. The control loop looks at it at once.
    pub(super) fn add_queue(&self, queue: Arc<EgressQueue>) {
        self.lock().queues.insert(queue.target.server_key, queue);
        self.wake_control_loop();
    }
}
