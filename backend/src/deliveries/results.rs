//! Results of attempts, recorded in batches: the log, the ledger and its counters in one statement. This is the engine's
//! hottest statement, and it was measured: arrays instead of rows, prepared once, each delivery moved by one update that
//! stays within its page, the log written from what has moved. What a late result finds changed goes the long way.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use serde::{Deserialize, Serialize};

use super::model::DeliveryStatus;
use crate::db::schema::{attempts, deliveries};
use crate::mail::reply::Stage;
use crate::mail::verdict::Outcome;

/// What came of one attempt.
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
    /// Where the delivery stood when it was claimed …
    pub before: DeliveryStatus,
    /// … and where it stands now.
    pub after: DeliveryStatus,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// Where results belong: a chunk, its mailing and owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub run_id: i64,
    pub chunk_no: i32,
    pub mailing_id: i64,
    pub owner_id: i64,
}

/// Records results of one chunk. Recording them twice changes nothing.
pub fn record(
    conn: &mut PgConnection,
    worker: &str,
    place: &Place,
    results: &[AttemptResult],
) -> QueryResult<()> {
    let moved: i64 = Record::new(worker, *place, results).get_result(conn)?;
    if usize::try_from(moved) == Ok(results.len()) {
        return Ok(());
    }
    conn.transaction(|conn| record_late(conn, worker, place, results))
}

/// Some of these are known already, or their deliveries were closed, written off or sent by somebody else meanwhile.
fn record_late(
    conn: &mut PgConnection,
    worker: &str,
    place: &Place,
    results: &[AttemptResult],
) -> QueryResult<()> {
    let recipients: Vec<i64> = results.iter().map(|result| result.recipient_id).collect();
    let known: HashSet<(i64, DateTime<Utc>)> = attempts::table
        .filter(attempts::run_id.eq(place.run_id))
        .filter(attempts::recipient_id.eq_any(recipients))
        .filter(attempts::worker.eq(worker))
        .select((attempts::recipient_id, attempts::at))
        .load(conn)?
        .into_iter()
        .collect();
    for result in results {
        if !known.contains(&(result.recipient_id, result.at)) {
            record_one(conn, worker, place, result)?;
        }
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct Standing {
    #[diesel(deserialize_as = String)]
    status: DeliveryStatus,
    attempts: i16,
    next_attempt_at: Option<DateTime<Utc>>,
}

fn record_one(
    conn: &mut PgConnection,
    worker: &str,
    place: &Place,
    result: &AttemptResult,
) -> QueryResult<()> {
    let delivery = deliveries::table.find((place.run_id, result.recipient_id));
    let found: Option<Standing> = delivery
        .select(Standing::as_select())
        .for_update()
        .first(conn)
        .optional()?;
    let Some(standing) = found else { return Ok(()) };
    let attempt_no = result.attempt_no.max(standing.attempts.saturating_add(1));
    diesel::insert_into(attempts::table)
        .values((
            (
                attempts::run_id.eq(place.run_id),
                attempts::recipient_id.eq(result.recipient_id),
                attempts::attempt_no.eq(attempt_no),
                attempts::owner_id.eq(place.owner_id),
                attempts::mailing_id.eq(place.mailing_id),
                attempts::at.eq(result.at),
                attempts::outcome.eq(result.outcome.as_str()),
            ),
            (
                attempts::stage.eq(result.stage.as_str()),
                attempts::smtp_code.eq(result.smtp_code),
                attempts::enhanced_code.eq(&result.enhanced_code),
                attempts::response.eq(&result.response),
                attempts::duration_ms.eq(result.duration_ms),
                attempts::worker.eq(worker),
            ),
        ))
        .execute(conn)?;
    let (after, next_attempt_at) = if overrides(&standing, result) {
        (result.after, result.next_attempt_at)
    } else {
        (standing.status, standing.next_attempt_at)
    };
    diesel::update(delivery)
        .set((
            deliveries::status.eq(after.as_str()),
            deliveries::attempts.eq(attempt_no),
            deliveries::next_attempt_at.eq(next_attempt_at),
        ))
        .execute(conn)?;
    count_moved(conn, place, standing.status, after, next_attempt_at)
}

/// Whether a late result changes where its delivery stands: an acceptance does unless there was one already; anything else
/// only where nothing is known better.
fn overrides(standing: &Standing, result: &AttemptResult) -> bool {
    use DeliveryStatus::{Accepted, Deferred, Expired, Pending, Rejected, Skipped, Uncertain};
    let overtaken = standing.attempts >= result.attempt_no;
    match standing.status {
        Accepted => false,
        _ if result.after == Accepted => true,
        Uncertain => true,
        Pending | Deferred => !overtaken,
        Rejected | Expired | Skipped => false,
    }
}

fn count_moved(
    conn: &mut PgConnection,
    place: &Place,
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

/// The statement and its columns. A type of its own, so that it is prepared once for each connection.
struct Record<'a> {
    worker: &'a str,
    place: Place,
    recipient_ids: Vec<i64>,
    attempt_nos: Vec<i16>,
    ats: Vec<DateTime<Utc>>,
    outcomes: Vec<&'a str>,
    stages: Vec<&'a str>,
    smtp_codes: Vec<Option<i16>>,
    enhanced_codes: Vec<Option<&'a str>>,
    responses: Vec<&'a str>,
    durations_ms: Vec<i32>,
    befores: Vec<&'a str>,
    afters: Vec<&'a str>,
    next_attempt_ats: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Record<'a> {
    fn new(worker: &'a str, place: Place, results: &'a [AttemptResult]) -> Self {
        macro_rules! column {
            ($value:expr) => {
                results.iter().map($value).collect()
            };
        }
        Self {
            worker,
            place,
            recipient_ids: column!(|r| r.recipient_id),
            attempt_nos: column!(|r| r.attempt_no),
            ats: column!(|r| r.at),
            outcomes: column!(|r| r.outcome.as_str()),
            stages: column!(|r| r.stage.as_str()),
            smtp_codes: column!(|r| r.smtp_code),
            enhanced_codes: column!(|r| r.enhanced_code.as_deref()),
            responses: column!(|r| r.response.as_str()),
            durations_ms: column!(|r| r.duration_ms),
            befores: column!(|r| r.before.as_str()),
            afters: column!(|r| r.after.as_str()),
            next_attempt_ats: column!(|r| r.next_attempt_at),
        }
    }
}

/// `?` is the next parameter.
const RECORD: &str = "
    WITH place AS (SELECT ?::bigint AS run_id, ?::int AS chunk_no, ?::bigint AS mailing_id, ?::bigint AS owner_id),
    moved AS (
        UPDATE deliveries d SET status = after, attempts = attempt_no, next_attempt_at = result.next_attempt_at
        FROM unnest(?::bigint[], ?::smallint[], ?::timestamptz[], ?::text[], ?::text[], ?::smallint[], ?::text[], ?::text[],
                    ?::int[], ?::text[], ?::text[], ?::timestamptz[])
             AS result (recipient_id, attempt_no, at, outcome, stage, smtp_code, enhanced_code, response, duration_ms,
                        before, after, next_attempt_at)
        WHERE d.run_id = ? AND d.recipient_id = result.recipient_id
          AND d.attempts = attempt_no - 1 AND d.status = before
        RETURNING result.*),
    logged AS (
        INSERT INTO attempts (run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage, smtp_code,
                              enhanced_code, response, duration_ms, worker)
        SELECT run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage, smtp_code, enhanced_code,
               response, duration_ms, ?
        FROM place, moved),
    delta AS (
        SELECT count(*) AS moved,
               count(*) FILTER (WHERE before = 'pending') AS pending,
               count(*) FILTER (WHERE after = 'accepted') AS accepted,
               count(*) FILTER (WHERE after = 'rejected') AS rejected,
               count(*) FILTER (WHERE after = 'expired') AS expired,
               count(*) FILTER (WHERE after = 'deferred') - count(*) FILTER (WHERE before = 'deferred') AS deferred,
               count(*) FILTER (WHERE after = 'uncertain') - count(*) FILTER (WHERE before = 'uncertain') AS uncertain
        FROM moved),
    counted AS (
        UPDATE chunks SET pending = chunks.pending - delta.pending, accepted = chunks.accepted + delta.accepted,
            rejected = chunks.rejected + delta.rejected, expired = chunks.expired + delta.expired,
            deferred = chunks.deferred + delta.deferred, uncertain = chunks.uncertain + delta.uncertain
        FROM place, delta WHERE chunks.run_id = place.run_id AND chunks.chunk_no = place.chunk_no AND delta.moved > 0)
    SELECT moved FROM delta";

impl QueryFragment<Pg> for Record<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut sql = RECORD.split('?');
        macro_rules! bind {
            ($($kind:ty: $value:expr),+ $(,)?) => {$(
                out.push_sql(sql.next().unwrap_or_default());
                out.push_bind_param::<$kind, _>($value)?;
            )+};
        }
        bind! {
            BigInt: &self.place.run_id,
            Integer: &self.place.chunk_no,
            BigInt: &self.place.mailing_id,
            BigInt: &self.place.owner_id,
            Array<BigInt>: &self.recipient_ids,
            Array<SmallInt>: &self.attempt_nos,
            Array<Timestamptz>: &self.ats,
            Array<Text>: &self.outcomes,
            Array<Text>: &self.stages,
            Array<Nullable<SmallInt>>: &self.smtp_codes,
            Array<Nullable<Text>>: &self.enhanced_codes,
            Array<Text>: &self.responses,
            Array<Integer>: &self.durations_ms,
            Array<Text>: &self.befores,
            Array<Text>: &self.afters,
            Array<Nullable<Timestamptz>>: &self.next_attempt_ats,
            BigInt: &self.place.run_id,
            Text: &self.worker,
        }
        out.push_sql(sql.next().unwrap_or_default());
        Ok(())
    }
}

impl QueryId for Record<'_> {
    type QueryId = Record<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Record<'_> {
    type SqlType = BigInt;
}

impl RunQueryDsl<PgConnection> for Record<'_> {}
