//! The sender: claimer → workers → result writer, and the control loop beside them. A chunk is leased, split into
//! batches for the workers, and released when its last result is recorded.

use std::io;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, Scope};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{JoinError, JoinSet, LocalSet};

use super::claimer::Claimer;
use super::control_loop::ControlLoop;
use super::coordinator::Coordinator;
use super::egress_queue::EgressQueue;
use super::result_writer::ResultWriter;
use super::shared::{AttemptEvent, Shared};
pub use super::shared::{SenderSettings, Until};
use super::smtp_worker::SmtpWorker;

/// After one of its parts has failed.
const PAUSE: Duration = Duration::from_secs(5);
/// Sessions that are worth a thread: one of them can send tens of thousands of mails in a second, in clear.
const WORTH_A_THREAD: usize = 4;

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

    /// Sends until there is a reason to end; what is in flight then is finished and recorded.
    pub fn run(&self, until: Until) -> io::Result<()> {
        let shared = Arc::new(Shared::new(self.0.settings.clone()));
        let sessions = shared.settings.engine.sessions;
        let (runtimes, own_runtime) = (runtimes(sessions)?, runtime()?);
        *self.current() = Arc::clone(&shared);
        if self.is_stopped() {
            return Ok(());
        }
        let (events, results) = mpsc::channel();
        let mut control_loop = ControlLoop::new(&shared, events.clone());
        // Nothing is claimed before it is known whether the mail server may be asked.
        control_loop.look_once();
        let coordinator = &shared.coordinator;
        thread::scope(|scope| {
            let (newcomers, queues) = unbounded_channel();
            let claimer = Claimer::new(&shared, events.clone(), newcomers);
            begin(scope, coordinator, "claimer", move || claimer.run(until))?;
            let result_writer = ResultWriter::new(&shared);
            begin(scope, coordinator, "result writer", move || {
                result_writer.run(&results);
            })?;
            begin(scope, coordinator, "control loop", move || {
                control_loop.run();
            })?;
            let threads = runtimes.len();
            for (thread, runtime) in runtimes.into_iter().enumerate() {
                let workers = (thread..sessions)
                    .step_by(threads)
                    .map(|_| SmtpWorker::new(coordinator.installation(), &shared, events.clone()))
                    .collect();
                begin(scope, coordinator, "workers", move || {
                    send(&runtime, workers, coordinator);
                })?;
            }
            let (all, events) = (&shared, events);
            begin(scope, coordinator, "own workers", move || {
                send_through(&own_runtime, queues, (all, events));
            })?;
            // The result writer ends when all senders of its channel have been dropped.
            Ok(())
        })
    }

    /// Looks for work at once instead of at the next poll.
    pub fn wake(&self) {
        self.current().coordinator.wake();
    }

    /// Claims nothing more; `run` returns when what is in flight is recorded.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        self.current().coordinator.stop();
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

/// One runtime per worker thread. With one thread per processor, none is idle while the mail server uses another, and
/// encryption is spread over all of them.
fn runtimes(sessions: usize) -> io::Result<Vec<Runtime>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (0..processors.min(sessions.div_ceil(WORTH_A_THREAD)))
        .map(|_| runtime())
        .collect()
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// All sessions of one thread.
fn send(runtime: &Runtime, workers: Vec<SmtpWorker>, coordinator: &Coordinator) {
    LocalSet::new().block_on(runtime, async move {
        let tasks: Vec<_> = workers
            .into_iter()
            .map(|worker| tokio::task::spawn_local(worker.run()))
            .collect();
        for task in tasks {
            check(coordinator, task.await);
        }
    });
}

/// The sessions with servers of users, for each queue as long as it is in use. They run on one thread, separate from
/// the installation's, so that they cannot occupy the other processors.
fn send_through(
    runtime: &Runtime,
    mut queues: UnboundedReceiver<Arc<EgressQueue>>,
    (shared, events): (&Arc<Shared>, mpsc::Sender<AttemptEvent>),
) {
    LocalSet::new().block_on(runtime, async move {
        let mut workers = JoinSet::new();
        let mut all_known = false;
        while !all_known || !workers.is_empty() {
            tokio::select! {
                queue = queues.recv(), if !all_known => match queue {
                    None => all_known = true,
                    Some(queue) => for _ in 0..queue.target.sessions {
                        workers.spawn_local(SmtpWorker::new(&queue, shared, events.clone()).run());
                    },
                },
                Some(ended) = workers.join_next() => check(&shared.coordinator, ended),
            }
        }
    });
}

fn check(coordinator: &Coordinator, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a session's task has failed");
        coordinator.abandon();
    }
}

/// Begins a part on a thread of its own. If that cannot be done, those that have begun are not left waiting for it.
fn begin<'scope>(
    scope: &'scope Scope<'scope, '_>,
    coordinator: &'scope Coordinator,
    name: &str,
    part: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    let begun = thread.spawn_scoped(scope, move || guarded(coordinator, part));
    begun.map(drop).inspect_err(|_| coordinator.abandon())
}

/// Whoever fails does not leave the others waiting.
fn guarded(coordinator: &Coordinator, part: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(part)) {
        coordinator.abandon();
        panic::resume_unwind(panic);
    }
}
