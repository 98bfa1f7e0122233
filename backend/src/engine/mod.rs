//! The delivery engine: turns due mailings into mails and records the outcome for every recipient.
//!
//! ```text
//! scheduler     due mailings → runs → deliveries, in chunks     (an actix task, every second, in every process)
//! sender        ┌ claimer        leases chunks, opens queues    (a thread)
//!               ├ SMTP workers   send mails through sessions    (tasks, on one thread per processor;
//!               │                                                those of users' servers together on one more)
//!               ├ result writer  writes results, releases chunks                     (a thread)
//!               └ control loop   renews leases, synchronises runs, breakers, limits  (a thread)
//! egress queue  waiting deliveries, breaker and permits of a mail server. One for the installation's server, one
//!               for each server of a user while something is due for it
//! journal       what a worker is about to do and its outcome, on disk before it is in the database
//! recovery      replays the journals of dead workers, and handles expired leases
//! transactional_mail_worker   mails to users, through a separate session             (an actix task)
//! maintenance   deletes expired rows                                                 (an actix task)
//! ```
//!
//! The parts of the sender share the coordinator with its queues. States, transitions and behaviour after crashes are
//! described in `ENGINE.md` beside this file.
//!
//! PostgreSQL is the queue and the source of truth: unique keys and row locks decide between processes, there is no
//! leader. No transaction, and no connection of the API's pool, is held during an SMTP dialogue. Leases are measured
//! by the database's clock. Natural keys, claims by range, in-page updates of one row per mail and batched results
//! were chosen by measurement (`make bench`).

mod attempt_event;
mod attempt_outcome;
mod breaker;
mod chunk;
mod claimer;
mod control_loop;
mod coordinator;
mod counted_session;
mod database_clock;
pub mod database_error;
mod egress_queue;
mod fair_queue;
mod job;
mod journal;
mod lease_renewer;
pub mod lifecycle;
pub mod maintenance;
pub mod normalization;
mod prepare;
mod recovery;
mod result_writer;
pub mod retry;
pub mod scheduler;
mod send_failure;
pub mod sender;
mod sender_context;
pub mod sender_settings;
pub mod settings;
mod signing_composer;
mod smtp_target;
mod smtp_worker;
mod transactional_job;
pub mod transactional_mail_worker;
pub mod until;
