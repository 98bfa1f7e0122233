//! The scheduler's one pass: takes up what was dropped, ends what is over, starts what is due, prepares what has started. Every process makes it
//! every second; whoever comes first has the work.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use super::recovery;
use crate::clock::Clock;
use crate::quotas::model::Quotas;
use crate::{deliveries, mailings, runs};

/// What a pass has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Mailings whose due occurrences were dealt with.
    pub started: usize,
    /// Deliveries prepared.
    pub prepared: i64,
    /// Runs finished.
    pub finished: usize,
    /// More is to be prepared: come again at once.
    pub more: bool,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// Makes one pass.
pub fn pass(conn: &mut PgConnection, clock: &Clock, quotas: Quotas) -> QueryResult<Pass> {
    let database: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    clock.follow(database.now);
    let now = clock.now();
    let mut done = Pass {
        finished: finish(conn, now)?,
        ..Pass::default()
    };
    while let Some(mailing_id) =
        conn.transaction(|conn| mailings::due::start_one_due(conn, quotas, now))?
    {
        tracing::info!(mailing.id = mailing_id, "a mailing fell due");
        done.started += 1;
    }
    // One step in a pass: more would keep other mailings from starting in time.
    if let Some(prepared) = conn.transaction(|conn| deliveries::store::fan_out_some(conn, now))? {
        done.prepared += prepared;
        done.more = true;
    }
    Ok(done)
}

/// Settles what lost workers held, lets rested runs go on, ends the runs whose time is over or whose work is done.
fn finish(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    while conn.transaction(|conn| recovery::write_off_one(conn, now))? {}
    runs::rests::end_due(conn, now)?;
    conn.transaction(|conn| {
        deliveries::store::close_leftovers(conn, now)?;
        let finished = runs::finish::finish_done(conn, now)?;
        for mailing_id in &finished {
            mailings::start::refresh_state(conn, *mailing_id)?;
            tracing::info!(mailing.id = mailing_id, "a run is finished");
        }
        Ok(finished.len())
    })
}
