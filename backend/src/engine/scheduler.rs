//! The scheduler's pass: recovers expired leases, finishes runs, starts due mailings, and prepares the deliveries of
//! started runs. Every process runs it every second; row locks decide which one does the work.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::recovery;
use crate::accounts::quotas::model::Quotas;
use crate::audience::suppressions;
use crate::core::clock::Clock;
use crate::delivery::runs::checks::CheckedRuns;
use crate::delivery::{deliveries, mailings, runs};

/// The result of a pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchedulerPass {
    /// Number of mailings whose due occurrences were started or skipped.
    pub started: usize,
    /// Number of deliveries prepared.
    pub prepared: i64,
    /// Number of runs finished.
    pub finished: usize,
    /// There is more to do: run the next pass immediately.
    pub more: bool,
    /// When the next mailing is due, if that is within a minute.
    pub next_due: Option<DateTime<Utc>>,
}

/// How far ahead due mailings are looked for: longer than the interval between passes.
const LOOK_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// Runs one pass: a batch of each kind of work. If there is more, the caller runs the next pass immediately, so that no
/// kind of work delays the others.
pub fn pass(conn: &mut PgConnection, clock: &Clock, quotas: Quotas) -> QueryResult<SchedulerPass> {
    clock.follow(deliveries::withdrawals::database_now(conn)?);
    let now = clock.now();
    mailings::zone_data::catch_up(conn, now)?;
    let checked = finish(conn, now)?;
    let mut done = SchedulerPass {
        finished: checked.finished.len(),
        more: checked.more,
        ..SchedulerPass::default()
    };
    let started = conn.transaction(|conn| mailings::due::start_some_due(conn, quotas, now))?;
    for mailing_id in &started.mailing_ids {
        tracing::info!(mailing.id = mailing_id, "mailing due");
    }
    done.started = started.mailing_ids.len();
    done.more |= started.more;
    done.more |= conn.transaction(suppressions::unapplied::apply_some)?;
    for prepare in [
        deliveries::small_runs::fan_out_some,
        deliveries::store::fan_out_some,
    ] {
        if let Some(prepared) = conn.transaction(|conn| prepare(conn, now))? {
            done.prepared += prepared;
            done.more = true;
        }
    }
    if !done.more {
        done.next_due = mailings::due::next_due(conn, now, now + LOOK_AHEAD)?;
    }
    Ok(done)
}

/// Recovers expired leases, resumes runs whose pause has expired, and finishes runs that have ended.
fn finish(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<CheckedRuns> {
    while conn.transaction(|conn| recovery::recover_expired_lease(conn, now))? {}
    runs::pauses::end_due(conn, now)?;
    conn.transaction(|conn| {
        let checked = runs::checks::make_some(conn, now)?;
        mailings::start::refresh_states(conn, &checked.finished)?;
        for mailing_id in &checked.finished {
            tracing::info!(mailing.id = mailing_id, "run finished");
        }
        Ok(checked)
    })
}
