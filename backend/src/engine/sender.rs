//! The sender: claimer → lanes → recorder. A chunk is leased, cut into slices that the lanes send, and given back when
//! the last result is recorded.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::Mutex;

use super::claimer::Claimer;
use super::job::Desk;
use super::lane::Lane;
use super::recorder::Recorder;
use crate::clock::Clock;
use crate::config::{EngineSettings, MailSettings};

/// How long a chunk is ours without a word from us, in seconds of the database's clock.
pub(super) const LEASE_S: f64 = 60.0;
/// Slices waiting for a lane: enough to keep the lanes busy, few enough to stop quickly.
const WAITING_SLICES: usize = 4;

/// When to come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Nothing is due any more, or the mail server is away.
    Idle,
    /// `Sender::stop`.
    Stopped,
}

/// What a sender needs to know.
#[derive(Clone)]
pub struct SenderSettings {
    pub database_url: String,
    pub clock: Clock,
    pub mail: MailSettings,
    pub engine: EngineSettings,
    /// `Secrets::message_id`
    pub message_id_key: [u8; 32],
}

/// Sends what is due, through a few sessions at a time. Cheap to clone; clones are the same sender.
#[derive(Clone)]
pub struct Sender {
    pub(super) settings: Arc<SenderSettings>,
    pub(super) desk: Arc<Desk>,
    /// Names this process in leases and in the log of attempts.
    pub(super) worker: Arc<str>,
}

impl Sender {
    /// A sender that does nothing yet.
    pub fn new(settings: SenderSettings) -> Self {
        let host = &settings.mail.server.hello;
        let worker = format!(
            "{host}:{}:{:08x}",
            std::process::id(),
            rand::random::<u32>()
        );
        Self {
            settings: Arc::new(settings),
            desk: Arc::default(),
            worker: worker.into(),
        }
    }

    /// Sends on this thread until there is a reason to end; what is in flight then is finished and recorded.
    pub fn run(&self, until: Until) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (slices, waiting) = tokio::sync::mpsc::channel(WAITING_SLICES);
        let (reports, results) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        thread::scope(|scope| {
            scope.spawn(move || Claimer::new(self).run(&slices, until));
            scope.spawn(move || Recorder::new(self).run(&results));
            let lanes = (0..self.settings.engine.sessions)
                .map(|_| Lane::new(self, Arc::clone(&waiting), reports.clone()));
            let lanes: Vec<_> = lanes.collect();
            // The recorder ends when the last lane has hung up.
            drop(reports);
            tokio::task::LocalSet::new().block_on(&runtime, async move {
                let tasks: Vec<_> = lanes
                    .into_iter()
                    .map(|lane| tokio::task::spawn_local(lane.run()))
                    .collect();
                for task in tasks {
                    if let Err(error) = task.await {
                        tracing::error!(%error, "a session's task ended by itself");
                    }
                }
            });
        });
        Ok(())
    }

    /// Looks for work at once instead of at the next poll.
    pub fn wake(&self) {
        self.desk.wake();
    }

    /// Claims nothing more; `run` returns when what is in flight is recorded.
    pub fn stop(&self) {
        self.desk.stop();
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.settings.engine.poll_interval
    }
}
