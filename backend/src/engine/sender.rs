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

use super::attempt_event::AttemptEvent;
use super::claimer::Claimer;
use super::control_loop::ControlLoop;
use super::coordinator::Coordinator;
use super::egress_queue::EgressQueue;
use super::result_writer::ResultWriter;
use super::sender_context::SenderContext;
use super::sender_settings::SenderSettings;
use super::smtp_worker::SmtpWorker;
use super::until::Until;

/// Delay before restarting after a failure.
const RESTART_DELAY: Duration = Duration::from_secs(5);
/// Sessions per thread: one thread can send tens of thousands of unencrypted mails a second.
const SESSIONS_PER_THREAD: usize = 4;

/// Sends due deliveries through a number of concurrent sessions. Cheap to clone; clones share their state.
#[derive(Clone)]
pub struct Sender(Arc<SenderState>);

struct SenderState {
    settings: SenderSettings,
    /// Context of the current or last call of `run`.
    context: Mutex<Arc<SenderContext>>,
    stopped: AtomicBool,
}

impl Sender {
    /// Creates a sender; sends nothing yet.
    pub fn new(settings: SenderSettings) -> Self {
        Self(Arc::new(SenderState {
            context: Mutex::new(Arc::new(SenderContext::new(settings.clone()))),
            settings,
            stopped: AtomicBool::new(false),
        }))
    }

    /// Sends on this thread until it is stopped. If a part fails, all are stopped and restarted, beginning with a replay
    /// of the journal.
    pub fn run_until_stopped(&self) {
        while !self.is_stopped() {
            match panic::catch_unwind(AssertUnwindSafe(|| self.run(Until::Stopped))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "sender failed to start; retrying"),
                Err(_) => tracing::error!("a part of the sender panicked; restarting"),
            }
            if !self.is_stopped() {
                thread::park_timeout(RESTART_DELAY);
            }
        }
    }

    /// Sends until the given condition; mails in flight are finished and recorded.
    pub fn run(&self, until: Until) -> io::Result<()> {
        let context = Arc::new(SenderContext::new(self.0.settings.clone()));
        let sessions = context.settings.engine.sessions;
        let (runtimes, own_runtime) = (runtimes(sessions)?, runtime()?);
        *self.current() = Arc::clone(&context);
        if self.is_stopped() {
            return Ok(());
        }
        let (events, results) = mpsc::channel();
        let mut control_loop = ControlLoop::new(&context, events.clone());
        // The state of the mail server must be known before anything is claimed.
        control_loop.pass_once();
        let coordinator = &context.coordinator;
        thread::scope(|scope| {
            let (new_queues, queues) = unbounded_channel();
            let claimer = Claimer::new(&context, events.clone(), new_queues);
            spawn_part(scope, coordinator, "claimer", move || claimer.run(until))?;
            let result_writer = ResultWriter::new(&context);
            spawn_part(scope, coordinator, "result writer", move || {
                result_writer.run(&results);
            })?;
            spawn_part(scope, coordinator, "control loop", move || {
                control_loop.run();
            })?;
            let threads = runtimes.len();
            for (thread, runtime) in runtimes.into_iter().enumerate() {
                let workers = (thread..sessions)
                    .step_by(threads)
                    .map(|_| SmtpWorker::new(coordinator.installation(), &context, events.clone()))
                    .collect();
                spawn_part(scope, coordinator, "workers", move || {
                    send(&runtime, workers, coordinator);
                })?;
            }
            let context = &context;
            spawn_part(scope, coordinator, "own workers", move || {
                send_for_users(&own_runtime, queues, context, &events);
            })?;
            // The result writer ends when all senders of its channel have been dropped.
            Ok(())
        })
    }

    /// Looks for work immediately instead of at the next poll.
    pub fn wake(&self) {
        self.current().coordinator.wake();
    }

    /// Stops claiming; `run` returns when the mails in flight are recorded.
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

    fn current(&self) -> MutexGuard<'_, Arc<SenderContext>> {
        self.0
            .context
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One runtime per worker thread. With one thread per processor, none is idle while the mail server uses another, and
/// encryption is spread over all of them.
fn runtimes(sessions: usize) -> io::Result<Vec<Runtime>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (0..processors.min(sessions.div_ceil(SESSIONS_PER_THREAD)))
        .map(|_| runtime())
        .collect()
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs the workers of one thread.
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

/// Runs the workers of users' servers, for each queue while it is in use. They share one thread, separate from the
/// installation's, so that they cannot occupy the other processors.
fn send_for_users(
    runtime: &Runtime,
    mut queues: UnboundedReceiver<Arc<EgressQueue>>,
    context: &Arc<SenderContext>,
    events: &mpsc::Sender<AttemptEvent>,
) {
    LocalSet::new().block_on(runtime, async move {
        let mut workers = JoinSet::new();
        let mut is_closed = false;
        while !is_closed || !workers.is_empty() {
            tokio::select! {
                queue = queues.recv(), if !is_closed => match queue {
                    None => is_closed = true,
                    Some(queue) => for _ in 0..queue.target.sessions {
                        workers.spawn_local(SmtpWorker::new(&queue, context, events.clone()).run());
                    },
                },
                Some(ended) = workers.join_next() => check(&context.coordinator, ended),
            }
        }
    });
}

fn check(coordinator: &Coordinator, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "SMTP worker failed");
        coordinator.abandon();
    }
}

/// Starts a part on a thread of its own. If that fails, the parts started before are stopped.
fn spawn_part<'scope>(
    scope: &'scope Scope<'scope, '_>,
    coordinator: &'scope Coordinator,
    name: &str,
    part: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn_scoped(scope, move || guarded(coordinator, part));
    spawned.map(drop).inspect_err(|_| coordinator.abandon())
}

/// Runs a part; stops the others if it panics.
fn guarded(coordinator: &Coordinator, part: impl FnOnce()) {
    if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(part)) {
        coordinator.abandon();
        panic::resume_unwind(panic);
    }
}
