//! Results of attempts, recorded in batches: the log, the ledger and its counters in one statement (`record.rs`). A batch in
//! which something is known already, or finds its delivery changed, goes the long way, one result after another.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};
use serde::{Deserialize, Serialize};
use smtp::disposition::Outcome;
use smtp::reply::Stage;

use super::model::DeliveryStatus;
use super::record::Record;
use crate::core::db::schema::{attempts, deliveries};

/// The result of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptResult {
    pub recipient_id: i64,
    /// One more than the attempts there were when the delivery was claimed.
    pub attempt_no: i16,
    pub at: DateTime<Utc>,
    pub outcome: Outcome,
    pub stage: Stage,
    pub smtp_code: Option<i16>,
    pub enhanced_code: Option<String>,
    pub response: String,
    pub duration_ms: i32,
    /// The status of the delivery when it was claimed …
    pub before: DeliveryStatus,
    /// … and its status now.
    pub after: DeliveryStatus,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When transmission of the body started, by the database's clock.
    #[serde(default)]
    pub body_at: Option<DateTime<Utc>>,
}

/// The chunk that results belong to, with its mailing and owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkKey {
    pub run_id: i64,
    pub chunk_no: i32,
    pub mailing_id: i64,
    pub owner_id: i64,
}

/// Records results of one chunk, all or none. Recording them twice changes nothing.
pub fn record(
    conn: &mut PgConnection,
    worker: &str,
    place: &ChunkKey,
    results: &[AttemptResult],
) -> QueryResult<()> {
    let at_once = conn.transaction(|conn| {
        let moved: i64 = Record::new(worker, *place, results).get_result(conn)?;
        if usize::try_from(moved) == Ok(results.len()) {
            Ok(())
        } else {
            Err(Error::RollbackTransaction)
        }
    });
    match at_once {
        Err(
            Error::RollbackTransaction
            | Error::DatabaseError(
                DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::CheckViolation,
                _,
            ),
        ) => conn.transaction(|conn| record_late(conn, worker, place, results)),
        other => other,
    }
}

/// Records results individually: some have been recorded before, or their deliveries were closed or sent by another worker.
fn record_late(
    conn: &mut PgConnection,
    worker: &str,
    place: &ChunkKey,
    results: &[AttemptResult],
) -> QueryResult<()> {
    let recipients: Vec<i64> = results.iter().map(|result| result.recipient_id).collect();
    lock(conn, place.run_id, &recipients)?;
    let known: HashSet<(i64, DateTime<Utc>)> = attempts::table
        .filter(attempts::run_id.eq(place.run_id))
        .filter(attempts::recipient_id.eq_any(recipients))
        .filter(attempts::worker.eq(worker))
        .select((attempts::recipient_id, attempts::at))
        .load(conn)?
        .into_iter()
        .collect();
    let mut numbered = Vec::new();
    for result in results {
        if !known.contains(&(result.recipient_id, result.at)) {
            let attempt_no = move_one(conn, place, result)?;
            numbered.extend(attempt_no.map(|attempt_no| (attempt_no, result)));
        }
    }
    log(conn, worker, place, &numbered)
}

/// Locks these deliveries, all of them before their chunk, in the global lock order of deliveries.
fn lock(conn: &mut PgConnection, run_id: i64, recipient_ids: &[i64]) -> QueryResult<()> {
    deliveries::table
        .filter(deliveries::run_id.eq(run_id))
        .filter(deliveries::recipient_id.eq_any(recipient_ids))
        .order(deliveries::recipient_id)
        .select(deliveries::recipient_id)
        .for_update()
        .load::<i64>(conn)
        .map(drop)
}

/// Adds attempts to the log: all at once and last, for their tallies are locked then, which others are waiting for.
fn log(
    conn: &mut PgConnection,
    worker: &str,
    place: &ChunkKey,
    numbered: &[(i16, &AttemptResult)],
) -> QueryResult<()> {
    let row = |(attempt_no, result): &(i16, &AttemptResult)| {
        (
            (
                attempts::run_id.eq(place.run_id),
                attempts::recipient_id.eq(result.recipient_id),
                attempts::attempt_no.eq(*attempt_no),
                attempts::owner_id.eq(place.owner_id),
                attempts::mailing_id.eq(place.mailing_id),
                attempts::at.eq(result.at),
                attempts::outcome.eq(result.outcome.as_str()),
            ),
            (
                attempts::stage.eq(result.stage.as_str()),
                attempts::smtp_code.eq(result.smtp_code),
                attempts::enhanced_code.eq(result.enhanced_code.clone()),
                attempts::response.eq(result.response.clone()),
                attempts::duration_ms.eq(result.duration_ms),
                attempts::worker.eq(worker),
            ),
        )
    };
    let rows: Vec<_> = numbered.iter().map(row).collect();
    diesel::insert_into(attempts::table)
        .values(rows)
        .execute(conn)?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DeliveryState {
    #[diesel(deserialize_as = String)]
    status: DeliveryStatus,
    attempts: i16,
    next_attempt_at: Option<DateTime<Utc>>,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// Applies the result to the delivery and counts the attempt; returns its number, or `None` if the delivery does not
/// exist.
fn move_one(
    conn: &mut PgConnection,
    place: &ChunkKey,
    result: &AttemptResult,
) -> QueryResult<Option<i16>> {
    let delivery = deliveries::table.find((place.run_id, result.recipient_id));
    let found: Option<DeliveryState> = delivery
        .select(DeliveryState::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    let Some(state) = found else {
        return Ok(None);
    };
    let attempt_no = result.attempt_no.max(state.attempts.saturating_add(1));
    let (after, next_attempt_at) = if overrides(&state, result) {
        (result.after, result.next_attempt_at)
    } else {
        (state.status, state.next_attempt_at)
    };
    diesel::update(delivery)
        .set((
            deliveries::status.eq(after.as_str()),
            deliveries::attempts.eq(attempt_no),
            deliveries::next_attempt_at.eq(next_attempt_at),
        ))
        .execute(conn)?;
    count_moved(conn, place, state.status, after, next_attempt_at)?;
    Ok(Some(attempt_no))
}

/// Whether a late result changes the state of its delivery: an acceptance does unless there already is one, or the
/// delivery was withdrawn before its body started; any other result only if no better one is known. A withdrawn delivery
/// is never retried.
fn overrides(state: &DeliveryState, result: &AttemptResult) -> bool {
    use DeliveryStatus::{Accepted, Deferred, Expired, Pending, Rejected, Skipped, Uncertain};
    let overtaken = state.attempts >= result.attempt_no;
    match state.status {
        Accepted => false,
        Skipped if !began_before(result, state.withdrawn_at) => false,
        _ if result.after == Accepted => true,
        Uncertain => state.withdrawn_at.is_none() || result.next_attempt_at.is_none(),
        Pending | Deferred => !overtaken,
        Rejected | Expired | Skipped => false,
    }
}

/// Whether the body started before the delivery was withdrawn; assumed if unknown.
fn began_before(result: &AttemptResult, withdrawn_at: Option<DateTime<Utc>>) -> bool {
    let times = result.body_at.zip(withdrawn_at);
    times.is_none_or(|(body_at, withdrawn_at)| body_at < withdrawn_at)
}

fn count_moved(
    conn: &mut PgConnection,
    place: &ChunkKey,
    before: DeliveryStatus,
    after: DeliveryStatus,
    next_attempt_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let counters: Vec<String> = DeliveryStatus::ALL
        .iter()
        .map(|status| status.as_str())
        .map(|name| format!("{name} = {name} + ($4 = '{name}')::int - ($3 = '{name}')::int"))
        .collect();
    diesel::sql_query(format!(
        "UPDATE chunks SET {}, next_attempt_at = least(next_attempt_at, $5) WHERE run_id = $1 AND chunk_no = $2",
        counters.join(", ")
    ))
    .bind::<BigInt, _>(place.run_id)
    .bind::<Integer, _>(place.chunk_no)
    .bind::<Text, _>(before.as_str())
    .bind::<Text, _>(after.as_str())
    .bind::<Nullable<Timestamptz>, _>(next_attempt_at)
    .execute(conn)?;
    Ok(())
}
