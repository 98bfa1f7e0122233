//! `dispatch send` and `dispatch run-due`: sending from the command line, beside a running service or without one. The
//! database decides who has the work, so nothing is sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, process, thread};

use diesel::prelude::*;
use tokio::runtime::Builder;

use super::progress::{Progress, note};
use super::serve::told_to_end;
use super::{Failure, say};
use crate::accounts::identity::Origin;
use crate::app::Services;
use crate::core::db::schema::mailings;
use crate::core::metrics::store;
use crate::core::owners::Owners;
use crate::delivery::mailings::model::MailingRow;
use crate::delivery::mailings::start::{self, StartCause};
use crate::delivery::runs;
use crate::delivery::runs::model::{Run, Trigger};
use crate::engine::scheduler::{self, Pass};
use crate::engine::sender::{Sender, Until};

/// Begins a run of this mailing and waits until nothing of it is left to be sent now.
pub(super) fn one(services: &Services, mailing_id: i64) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let (run_id, owner_id) = conn.transaction::<_, Failure, _>(|conn| {
        let mailing = mailings::table
            .find(mailing_id)
            .select(MailingRow::as_select())
            .for_update()
            .first(conn)
            .optional()?;
        let mailing: MailingRow =
            mailing.ok_or_else(|| format!("there is no mailing {mailing_id}"))?;
        let now = services.clock.now();
        let cause = StartCause {
            trigger: Trigger::Cli,
            origin: Origin::service(now),
        };
        let run_id = start::start_now(conn, &mailing, services.config.quotas, cause)?;
        Ok((run_id, mailing.owner_id))
    })?;
    let progress = Progress::of(how_far(services, move |conn| {
        let run = runs::store::find(conn, Owners::One(owner_id), run_id)?;
        let left = run.counts.pending + run.counts.deferred;
        Ok(format!(
            "run {run_id}: {} of {} done",
            run.counts.total - left,
            run.counts.total
        ))
    }));
    let done = work_off(services, &mut conn);
    drop(progress);
    done?;
    report(&runs::store::find(
        &mut conn,
        Owners::One(owner_id),
        run_id,
    )?)
}

/// Starts and sends what is due, once.
pub(super) fn due(services: &Services) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let progress = Progress::of(how_far(services, |conn| {
        let waiting = store::waiting(conn)?;
        Ok(format!(
            "{} mails to be sent, {} to be tried again later",
            waiting.pending, waiting.deferred
        ))
    }));
    let done = work_off(services, &mut conn);
    drop(progress);
    let done = done?;
    Ok(say(format_args!(
        "mailings started: {}, mails prepared: {}, runs finished: {}",
        done.started, done.prepared, done.finished
    ))?)
}

/// Prepares and sends until nothing is left to be sent now.
fn work_off(services: &Services, conn: &mut PgConnection) -> Result<Pass, Failure> {
    let sender = services.sender();
    let told = stop_when_told(sender.clone())?;
    let mut sum = Pass::default();
    while !told.load(Ordering::Relaxed) {
        let pass = scheduler::pass(conn, &services.clock, services.config.quotas)?;
        sum = Pass {
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
    if told.load(Ordering::Relaxed) {
        return Err("told to end; what is left is sent by a running service, or by the next `dispatch run-due`".into());
    }
    sum.finished += scheduler::pass(conn, &services.clock, services.config.quotas)?.finished;
    Ok(sum)
}

/// Looks at the database on a connection of its own, made when there is something to look at.
fn how_far(
    services: &Services,
    look: impl Fn(&mut PgConnection) -> QueryResult<String> + Send + 'static,
) -> impl FnMut() -> Option<String> + Send + 'static {
    let (url, mut conn) = (services.config.database.url.clone(), None);
    move || {
        let there = match &mut conn {
            Some(there) => there,
            none => none.insert(PgConnection::establish(&url).ok()?),
        };
        look(there).ok()
    }
}

/// Told to end, the sender finishes what is on its way; told again, the process goes at once.
fn stop_when_told(sender: Sender) -> io::Result<Arc<AtomicBool>> {
    let told = Arc::new(AtomicBool::new(false));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let heard = Arc::clone(&told);
    let listen = move || {
        runtime.block_on(async {
            told_to_end().await.ok()?;
            heard.store(true, Ordering::Relaxed);
            note("ending: the mails that are on their way are finished");
            sender.stop();
            if told_to_end().await.is_ok() {
                process::exit(130);
            }
            Some(())
        })
    };
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(listen)?;
    Ok(told)
}

fn report(run: &Run) -> Result<(), Failure> {
    let counts = run.counts;
    Ok(say(format_args!(
        "run {}: {} recipients, {} accepted, {} rejected, {} to be tried again, {} uncertain, {} waiting",
        run.id,
        counts.total,
        counts.accepted,
        counts.rejected,
        counts.deferred,
        counts.uncertain,
        counts.pending
    ))?)
}
