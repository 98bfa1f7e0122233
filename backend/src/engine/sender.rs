//! The sender: claimer → lanes → recorder, and the keeper beside them. A chunk is leased, cut into slices that the lanes
//! send, and given back when the last result is recorded.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use super::claimer::Claimer;
use super::desk::Desk;
use super::keeper::Keeper;
use super::lane::Lane;
use super::recorder::Recorder;
use super::shared::Shared;
pub use super::shared::{SenderSettings, Until};

/// After one of its parts has failed.
const PAUSE: Duration = Duration::from_secs(5);

/// Sends what is due, through a few sessions at a time. Cheap to clone; clones are the same sender.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    settings: SenderSettings,
    /// Of the run under way, or of the last one.
    shared: Mutex<Arc<Shared>>,
    stopped: AtomicBool,
}

impl Sender {
    /// A sender that does nothing yet.
    pub fn new(settings: SenderSettings) -> Self {
        Self(Arc::new(Inner {
            shared: Mutex::new(Arc::new(Shared::new(settings.clone()))),
            settings,
            stopped: AtomicBool::new(false),
        }))
    }

    /// Sends on this thread until it is stopped. A part that fails takes the others with it; then all begin anew, with
    /// what the journal tells of the end of the last.
    pub fn run_until_stopped(&self) {
        while !self.is_stopped() {
            match panic::catch_unwind(AssertUnwindSafe(|| self.run(Until::Stopped))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the sender cannot run; trying again"),
                Err(_) => tracing::error!("a part of the sender has failed; beginning anew"),
            }
            if !self.is_stopped() {
                thread::park_timeout(PAUSE);
            }
        }
    }

    /// Sends on this thread until there is a reason to end; what is in flight then is finished and recorded.
    pub fn run(&self, until: Until) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::new(Shared::new(self.0.settings.clone()));
        *self.current() = Arc::clone(&shared);
        if self.is_stopped() {
            return Ok(());
        }
        let (reports, results) = mpsc::channel();
        let mut keeper = Keeper::new(&shared);
        // Nothing is claimed before it is known whether the mail server may be asked.
        keeper.look_once();
        thread::scope(|scope| {
            let desk = &shared.desk;
            let part = |name: &str| thread::Builder::new().name(name.to_owned());
            let claimer = Claimer::new(&shared, reports.clone());
            part("claimer").spawn_scoped(scope, move || guarded(desk, || claimer.run(until)))?;
            let recorder = Recorder::new(&shared);
            part("recorder")
                .spawn_scoped(scope, move || guarded(desk, || recorder.run(&results)))?;
            part("keeper").spawn_scoped(scope, move || guarded(desk, || keeper.run()))?;
            let lanes = (0..shared.settings.engine.sessions)
                .map(|number| Lane::new(number, Arc::clone(&shared), reports.clone()))
                .collect();
            // The recorder ends when everybody else has hung up.
            drop(reports);
            send(&runtime, lanes, desk);
            Ok(())
        })
    }

    /// Looks for work at once instead of at the next poll.
    pub fn wake(&self) {
        self.current().desk.wake();
    }

    /// Claims nothing more; `run` returns when what is in flight is recorded.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        self.current().desk.stop();
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.0.settings.engine.poll_interval
    }

    fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    fn current(&self) -> MutexGuard<'_, Arc<Shared>> {
        self.0.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All sessions on this one thread.
fn send(runtime: &Runtime, lanes: Vec<Lane>, desk: &Desk) {
    LocalSet::new().block_on(runtime, async move {
        let tasks: Vec<_> = lanes
            .into_iter()
            .map(|lane| tokio::task::spawn_local(lane.run()))
            .collect();
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a session's task has failed");
                desk.abandon();
            }
        }
    });
}

/// Whoever fails does not leave the others waiting.
fn guarded(desk: &Desk, part: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(part)) {
        desk.abandon();
        panic::resume_unwind(panic);
    }
}
