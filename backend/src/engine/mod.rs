//! The delivery engine: turns due mailings into mail and records what became of every recipient.
//!
//! ```text
//! scheduler     due mailings → runs → deliveries, in chunks     (an actix task, every second, in every process)
//! sender        ┌ claimer        leases chunks, opens queues    (a thread)
//!               ├ SMTP workers   send mails through sessions    (tasks, on one thread per processor;
//!               │                                                those of users' servers together on one more)
//!               ├ result writer  writes results, releases chunks                     (a thread)
//!               └ control loop   renews leases, synchronises runs, breakers, limits  (a thread)
//! queue         the egress queue of a mail server: waiting deliveries, breaker, permits. One for the
//!               installation's server, one for each server of a user while something is due for it
//! journal       what a worker is about to do and its outcome, on disk before it is in the database
//! recovery      replays the journals of dead workers, and handles expired leases
//! account_mail  the service's own mails, through a separate session          (an actix task)
//! upkeep        deletes old events, links, mails and sessions                (an actix task)
//! ```
//!
//! The parts of the sender share the coordinator with its queues. States, transitions and behaviour after crashes are
//! described in `ENGINE.md` beside this file.
//!
//! PostgreSQL is the queue and the truth: unique keys and row locks decide between processes, there is no leader. No
//! transaction, and no connection of the API's pool, is held while a mail server is spoken to. Leases are measured by
//! the database's clock. The ledger is kept as it is because it was measured: natural keys, claims by range, one update
//! per mail that stays within its page, results written in batches.

mod account_job;
pub mod account_mail;
mod attempt_outcome;
mod breaker;
mod chunk;
mod claimer;
mod control_loop;
mod coordinator;
mod counted_session;
mod database_clock;
mod egress_queue;
mod fair_queue;
mod job;
mod journal;
mod lease_renewer;
pub mod normalization;
mod prepare;
mod recovery;
mod result_writer;
pub mod retry;
pub mod scheduler;
mod send_failure;
pub mod sender;
pub mod settings;
mod shared;
mod signing_composer;
mod smtp_target;
mod smtp_worker;
pub mod upkeep;

use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::rt;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use self::scheduler::Pass;
use self::sender::Sender;
use self::upkeep::Upkeep;
use crate::accounts::quotas::model::Quotas;
use crate::core::clock::Clock;
use crate::core::db::{Db, Unavailable};
use crate::core::metrics::metrics;

/// How long what is in flight may take when the process is asked to end.
const GRACE: Duration = Duration::from_secs(30);

/// A running engine: the scheduler and the account mails as tasks of this actix system, the sender on its own threads.
pub struct Engine {
    sender: Sender,
    sending: JoinHandle<()>,
    stop: watch::Sender<bool>,
    tasks: Vec<rt::task::JoinHandle<()>>,
}

impl Engine {
    /// Starts everything.
    pub fn start(
        db: Db,
        clock: Clock,
        sender: Sender,
        (account_mail, upkeep, quotas): (account_mail::Worker, Upkeep, Quotas),
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let sending = {
            let sender = sender.clone();
            thread::Builder::new()
                .name("sender".to_owned())
                .spawn(move || sender.run_until_stopped())?
        };
        let tasks = vec![
            rt::spawn(poll(db, (clock, quotas), sender.clone(), stopped.clone())),
            rt::spawn(account_mail.run(stopped.clone())),
            rt::spawn(upkeep.run(stopped)),
        ];
        Ok(Self {
            sender,
            sending,
            stop,
            tasks,
        })
    }

    /// Claims nothing more, finishes what is in flight and records it, gives the leases back.
    pub async fn stop(self) {
        let Self {
            sender,
            sending,
            stop,
            tasks,
        } = self;
        sender.stop();
        stop.send_replace(true);
        // Not on a thread of the runtime, which would wait for it whatever happens.
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
        if timeout(GRACE, done).await.is_err() {
            tracing::warn!("some mails are still in flight after 30 s; their leases will expire");
        }
    }
}

/// Makes the scheduler's passes until told to stop.
async fn poll(
    db: Db,
    (clock, quotas): (Clock, Quotas),
    sender: Sender,
    mut stopped: watch::Receiver<bool>,
) {
    let interval = sender.poll_interval();
    while !*stopped.borrow() {
        let pass_clock = clock.clone();
        let pass = db
            .run(move |conn| scheduler::pass(conn, &pass_clock, quotas).map_err(PassError::from))
            .await;
        if pass.is_ok() {
            metrics().passed();
        }
        let pass = pass.unwrap_or_else(|error| {
            tracing::warn!(%error, "the scheduler's pass failed; it will be made again");
            Pass::default()
        });
        if pass.prepared > 0 {
            sender.wake();
        }
        if !pass.more {
            let until_due = pass
                .next_due
                .and_then(|due| (due - clock.now()).to_std().ok());
            let pause = until_due.map_or(interval, |until_due| until_due.min(interval));
            timeout(pause, stopped.changed()).await.ok();
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}
