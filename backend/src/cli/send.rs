//! `dispatch send` and `dispatch run-due`: sending from the command line, with or without a running service. Row locks
//! decide which process sends a delivery, so nothing is sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, process, thread};

use diesel::prelude::*;
use tokio::runtime::Builder;

use super::output::{CommandError, print_line};
use super::progress::{ProgressLine, note};
use super::shutdown::ShutdownSignals;
use crate::accounts::identity::Origin;
use crate::app::Services;
use crate::core::db::schema::mailings;
use crate::core::metrics::store;
use crate::core::owners::Owners;
use crate::delivery::mailings::model::MailingRow;
use crate::delivery::mailings::start::{self, StartCause};
use crate::delivery::runs;
use crate::delivery::runs::model::{Run, Trigger};
use crate::engine::scheduler::{self, SchedulerPass};
use crate::engine::sender::Sender;
use crate::engine::until::Until;

/// Starts a run of this mailing and sends until none of its deliveries is due.
pub(super) fn one(services: &Services, mailing_id: i64) -> Result<(), CommandError> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let (run_id, owner_id) = conn.transaction::<_, CommandError, _>(|conn| {
        let mailing = mailings::table
            .find(mailing_id)
            .select(MailingRow::as_select())
            .for_update()
            .first(conn)
            .optional()?;
        let mailing: MailingRow =
            mailing.ok_or_else(|| format!("mailing {mailing_id} does not exist"))?;
        let now = services.clock.now();
        let cause = StartCause {
            trigger: Trigger::Cli,
            origin: Origin::service(now),
        };
        let run_id = start::start_now(conn, &mailing, services.config.quotas, cause)?;
        Ok((run_id, mailing.owner_id))
    })?;
    let progress = ProgressLine::start(progress_query(services, move |conn| {
        let run = runs::store::find(conn, Owners::One(owner_id), run_id)?;
        let left = run.counts.pending + run.counts.deferred;
        Ok(format!(
            "run {run_id}: {} of {} done",
            run.counts.total - left,
            run.counts.total
        ))
    }));
    let done = send_due(services, &mut conn);
    drop(progress);
    done?;
    report(&runs::store::find(
        &mut conn,
        Owners::One(owner_id),
        run_id,
    )?)
}

/// Starts and sends what is due, once.
pub(super) fn due(services: &Services) -> Result<(), CommandError> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let progress = ProgressLine::start(progress_query(services, |conn| {
        let waiting = store::waiting(conn)?;
        Ok(format!(
            "{} mails pending, {} to be retried later",
            waiting.pending, waiting.deferred
        ))
    }));
    let done = send_due(services, &mut conn);
    drop(progress);
    let done = done?;
    Ok(print_line(format_args!(
        "mailings started: {}, mails prepared: {}, runs finished: {}",
        done.started, done.prepared, done.finished
    ))?)
}

/// Prepares and sends until nothing is due.
fn send_due(services: &Services, conn: &mut PgConnection) -> Result<SchedulerPass, CommandError> {
    let sender = services.sender();
    let stopped = stop_on_signal(sender.clone())?;
    let mut sum = SchedulerPass::default();
    while !stopped.load(Ordering::Relaxed) {
        let pass = scheduler::pass(conn, &services.clock, services.config.quotas)?;
        sum = SchedulerPass {
            started: sum.started + pass.started,
            prepared: sum.prepared + pass.prepared,
            finished: sum.finished + pass.finished,
            more: pass.more,
            next_due: None,
        };
        if !pass.more {
            break;
        }
    }
    sender.run(Until::Idle)?;
    if stopped.load(Ordering::Relaxed) {
        return Err("interrupted; remaining mails are sent by a running service or by the next `dispatch run-due`".into());
    }
    sum.finished += scheduler::pass(conn, &services.clock, services.config.quotas)?.finished;
    Ok(sum)
}

/// Queries the progress on a connection of its own, opened on first use.
fn progress_query(
    services: &Services,
    query: impl Fn(&mut PgConnection) -> QueryResult<String> + Send + 'static,
) -> impl FnMut() -> Option<String> + Send + 'static {
    let (url, mut conn) = (services.config.database.url.clone(), None);
    move || {
        let conn = match &mut conn {
            Some(conn) => conn,
            none => none.insert(PgConnection::establish(&url).ok()?),
        };
        query(conn).ok()
    }
}

/// On the first signal the sender finishes the mails in flight; on the second, the process exits immediately.
fn stop_on_signal(sender: Sender) -> io::Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let flag = Arc::clone(&stopped);
    let mut signals = {
        let _runtime = runtime.enter();
        ShutdownSignals::register()?
    };
    let listen = move || {
        runtime.block_on(async {
            signals.received().await;
            flag.store(true, Ordering::Relaxed);
            note("shutting down; finishing mails in flight");
            sender.stop();
            signals.received().await;
            process::exit(130);
        })
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)?;
    Ok(stopped)
}

fn report(run: &Run) -> Result<(), CommandError> {
    let counts = run.counts;
    Ok(print_line(format_args!(
        "run {}: {} recipients, {} accepted, {} rejected, {} to be retried, {} uncertain, {} pending",
        run.id,
        counts.total,
        counts.accepted,
        counts.rejected,
        counts.deferred,
        counts.uncertain,
        counts.pending
    ))?)
}
