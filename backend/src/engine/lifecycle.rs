//! Starts the parts of the engine, and stops them in order.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::rt;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::database_error::DatabaseError;
use super::maintenance::Maintenance;
use super::scheduler::{self, SchedulerPass};
use super::sender::Sender;
use super::transactional_mail_worker::TransactionalMailWorker;
use crate::accounts::quotas::model::Quotas;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::core::metrics::metrics;

/// How long mails in flight may take at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// What the engine is made of.
pub struct EngineParts {
    pub db: Db,
    pub clock: Clock,
    pub quotas: Quotas,
    pub sender: Sender,
    pub transactional_mails: TransactionalMailWorker,
    pub maintenance: Maintenance,
}

/// A running engine: scheduler, transactional mails and maintenance are tasks of this actix system; the sender has its
/// own threads.
pub struct Engine {
    sender: Sender,
    sending: JoinHandle<()>,
    stop: watch::Sender<bool>,
    tasks: Vec<rt::task::JoinHandle<()>>,
}

impl Engine {
    /// Starts all parts.
    pub fn start(parts: EngineParts) -> io::Result<Self> {
        let EngineParts {
            db,
            clock,
            quotas,
            sender,
            transactional_mails,
            maintenance,
        } = parts;
        let (stop, stopped) = watch::channel(false);
        let sending = {
            let sender = sender.clone();
            thread::Builder::new()
                .name("sender".to_owned())
                .spawn(move || sender.run_until_stopped())?
        };
        let schedule = SchedulerTask {
            db,
            clock,
            quotas,
            sender: sender.clone(),
        };
        let tasks = vec![
            rt::spawn(schedule.run(stopped.clone())),
            rt::spawn(transactional_mails.run(stopped.clone())),
            rt::spawn(maintenance.run(stopped)),
        ];
        Ok(Self {
            sender,
            sending,
            stop,
            tasks,
        })
    }

    /// Stops claiming, finishes and records mails in flight, and releases the leases.
    pub async fn stop(self) {
        let Self {
            sender,
            sending,
            stop,
            tasks,
        } = self;
        sender.stop();
        stop.send_replace(true);
        // A thread outside the runtime, which would wait for a blocking task of its own even after the timeout.
        let (sent, all_sent) = oneshot::channel();
        thread::spawn(move || {
            sending.join().ok();
            sent.send(()).ok();
        });
        let done = async {
            for task in tasks {
                task.await.ok();
            }
            all_sent.await.ok();
        };
        if timeout(SHUTDOWN_TIMEOUT, done).await.is_err() {
            tracing::warn!("some mails are still in flight after 30 s; their leases will expire");
        }
    }
}

/// The task that runs the scheduler's passes.
struct SchedulerTask {
    db: Db,
    clock: Clock,
    quotas: Quotas,
    sender: Sender,
}

impl SchedulerTask {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        let interval = self.sender.poll_interval();
        while !*stopped.borrow() {
            let pass = self.pass().await;
            if pass.prepared > 0 {
                self.sender.wake();
            }
            if !pass.more {
                let until_due = pass
                    .next_due
                    .and_then(|due| (due - self.clock.now()).to_std().ok());
                let pause = until_due.map_or(interval, |until_due| until_due.min(interval));
                timeout(pause, stopped.changed()).await.ok();
            }
        }
    }

    async fn pass(&self) -> SchedulerPass {
        let (clock, quotas) = (self.clock.clone(), self.quotas);
        let pass =
            move |conn: &mut _| scheduler::pass(conn, &clock, quotas).map_err(DatabaseError::from);
        match self.db.run(pass).await {
            Ok(pass) => {
                metrics().count_pass();
                pass
            }
            Err(error) => {
                tracing::warn!(%error, "scheduler pass failed; retrying");
                SchedulerPass::default()
            }
        }
    }
}
