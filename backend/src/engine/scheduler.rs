//! The scheduler's one pass: takes up what was dropped, ends what is over, starts what is due, prepares what has started. Every process makes it
//! every second; whoever comes first has the work.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use super::recovery;
use crate::accounts::quotas::model::Quotas;
use crate::audience::suppressions;
use crate::core::clock::Clock;
use crate::delivery::runs::checks::Checked;
use crate::delivery::{deliveries, mailings, runs};

/// What a pass has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Mailings whose due occurrences were dealt with.
    pub started: usize,
    /// Deliveries prepared.
    pub prepared: i64,
    /// Runs finished.
    pub finished: usize,
    /// There is more to do: run the next pass immediately.
    pub more: bool,
    /// When the next mailing is due, if that is soon.
    pub next_due: Option<DateTime<Utc>>,
}

/// Longer than the interval between passes.
const LOOK_AHEAD: TimeDelta = TimeDelta::minutes(1);

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// Makes one pass: a batch of each kind of work. If there is more, the next pass follows immediately, so that each
/// kind of work gets its turn.
pub fn pass(conn: &mut PgConnection, clock: &Clock, quotas: Quotas) -> QueryResult<Pass> {
    let database: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    clock.follow(database.now);
    let now = clock.now();
    mailings::zone_data::catch_up(conn, now)?;
    let checked = finish(conn, now)?;
    let mut done = Pass {
        finished: checked.finished.len(),
        more: checked.more,
        ..Pass::default()
    };
    let started = conn.transaction(|conn| mailings::due::start_some_due(conn, quotas, now))?;
    for mailing_id in &started.mailing_ids {
        tracing::info!(mailing.id = mailing_id, "a mailing fell due");
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

/// Settles what lost workers held, lets rested runs go on, ends the runs whose time is over or whose work is done.
fn finish(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Checked> {
    while conn.transaction(|conn| recovery::write_off_one(conn, now))? {}
    runs::pauses::end_due(conn, now)?;
    conn.transaction(|conn| {
        let checked = runs::checks::make_some(conn, now)?;
        mailings::start::refresh_states(conn, &checked.finished)?;
        for mailing_id in &checked.finished {
            tracing::info!(mailing.id = mailing_id, "a run is finished");
        }
        Ok(checked)
    })
}
