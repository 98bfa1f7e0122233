//! `dispatch send` and `dispatch run-due`: sending from the command line, beside a running service or without one. The
//! database decides who has the work, so nothing is sent twice.

use diesel::prelude::*;

use super::{Failure, say};
use crate::app::Services;
use crate::auth::policy::Owners;
use crate::db::schema::mailings;
use crate::engine::scheduler::{self, Pass};
use crate::engine::sender::Until;
use crate::events::new::Origin;
use crate::mailings::model::MailingRow;
use crate::mailings::start;
use crate::runs;
use crate::runs::model::{Run, Trigger};

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
        let cli = (Trigger::Cli, Origin::service(now));
        let run_id = start::start_now(conn, &mailing, (services.config.quotas, cli), now)?;
        Ok((run_id, mailing.owner_id))
    })?;
    work_off(services, &mut conn)?;
    report(&runs::store::find(
        &mut conn,
        Owners::One(owner_id),
        run_id,
    )?)
}

/// Starts and sends what is due, once.
pub(super) fn due(services: &Services) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(&services.config.database.url)?;
    let done = work_off(services, &mut conn)?;
    Ok(say(format_args!(
        "mailings started: {}, mails prepared: {}, runs finished: {}",
        done.started, done.prepared, done.finished
    ))?)
}

/// Prepares and sends until nothing is left to be sent now.
fn work_off(services: &Services, conn: &mut PgConnection) -> Result<Pass, Failure> {
    let sender = services.sender();
    let mut sum = Pass::default();
    loop {
        let pass = scheduler::pass(conn, &services.clock, services.config.quotas)?;
        sum = Pass {
            started: sum.started + pass.started,
            prepared: sum.prepared + pass.prepared,
            finished: sum.finished + pass.finished,
            more: pass.more,
        };
        if !pass.more {
            break;
        }
    }
    sender.run(Until::Idle)?;
    sum.finished += scheduler::pass(conn, &services.clock, services.config.quotas)?.finished;
    Ok(sum)
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
