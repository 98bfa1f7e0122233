//! Finishes runs: closes the run row and records permanently bad addresses.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};

use super::bad_addresses;
use crate::accounts::audit_log::NewEvent;
use crate::accounts::audit_log::audit_all;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Finished {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    mailing_id: i64,
    #[diesel(sql_type = Text)]
    subject: String,
}

impl Finished {
    fn event(&self, now: DateTime<Utc>) -> NewEvent {
        Origin::service(now)
            .event(EventKind::RunFinished)
            .about(SubjectKind::Mailing, self.mailing_id, &self.subject)
            .with_details(&format!("#{}", self.id))
    }
}

/// Condition: the run is under way and has nothing left to do.
pub(super) const NOTHING_LEFT: &str = "runs.status = 'running' AND fanned_out_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM chunks WHERE chunks.run_id = runs.id
                    AND (pending > 0 OR deferred > 0 OR next_attempt_at IS NOT NULL OR lease_token IS NOT NULL))";

/// Finishes those of these runs that have nothing left to do, and returns their mailings, which remain locked. Runs
/// locked by other transactions are left for the next pass: mailings come before runs in the lock order, which only
/// matters when waiting for a lock.
pub(super) fn finish_done(
    conn: &mut PgConnection,
    run_ids: &[i64],
    now: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    let lock = diesel::sql_query(format!(
        "SELECT runs.id FROM runs JOIN mailings ON mailings.id = mailing_id WHERE runs.id = ANY($1) AND {NOTHING_LEFT}
         FOR NO KEY UPDATE OF mailings, runs SKIP LOCKED"
    ));
    let done: Vec<Id> = lock.bind::<Array<BigInt>, _>(run_ids).load(conn)?;
    // Looked at once more under the lock: a retry may have come between.
    if done.is_empty() {
        return Ok(Vec::new());
    }
    finish(conn, done.into_iter().map(|run| run.id).collect(), now)
}

/// Finishes this run if nothing is left to do; `false` when something is.
pub fn finish_if_done(
    conn: &mut PgConnection,
    run_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    Ok(!finish(conn, vec![run_id], now)?.is_empty())
}

fn finish(conn: &mut PgConnection, ids: Vec<i64>, now: DateTime<Utc>) -> QueryResult<Vec<i64>> {
    let finished: Vec<Finished> = diesel::sql_query(format!(
        "UPDATE runs SET status = 'finished', finished_at = $1, pause_reason = NULL, paused_until = NULL
         WHERE id = ANY($2) AND {NOTHING_LEFT} RETURNING id, mailing_id, subject"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)?;
    if !finished.is_empty() {
        let ids: Vec<i64> = finished.iter().map(|run| run.id).collect();
        bad_addresses::record(conn, &ids, now)?;
        let events: Vec<_> = finished.iter().map(|run| run.event(now)).collect();
        audit_all(conn, &events)?;
    }
    Ok(finished.into_iter().map(|run| run.mailing_id).collect())
}
