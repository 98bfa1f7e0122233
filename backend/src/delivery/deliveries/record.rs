//! The engine's hottest statement. Measured: arrays instead of rows, prepared once for each connection; each delivery moved
//! by one update that stays within its page; what hundreds of results have in common is sent once and named by a number.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz};
use smtp::disposition::Outcome;
use smtp::reply::Stage;

use super::model::DeliveryStatus;
use super::results::{AttemptResult, ChunkKey};

/// What results may have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ResultKind<'a> {
    outcome: Outcome,
    stage: Stage,
    smtp_code: Option<i16>,
    enhanced_code: Option<&'a str>,
    before: DeliveryStatus,
    after: DeliveryStatus,
}

/// Records results of one chunk; returns how many deliveries were as they are said to have been, and not withdrawn. Unless
/// all were, it has to be rolled back.
pub(super) struct Record<'a> {
    worker: &'a str,
    place: ChunkKey,
    outcomes: Vec<&'a str>,
    stages: Vec<&'a str>,
    smtp_codes: Vec<Option<i16>>,
    enhanced_codes: Vec<Option<&'a str>>,
    befores: Vec<&'a str>,
    afters: Vec<&'a str>,
    /// The result's place in the lists above, counted from 1.
    kinds: Vec<i32>,
    recipient_ids: Vec<i64>,
    attempt_nos: Vec<i16>,
    ats: Vec<DateTime<Utc>>,
    responses: Vec<&'a str>,
    durations_ms: Vec<i32>,
    next_attempt_ats: Vec<Option<DateTime<Utc>>>,
    /// By how much each of the chunk's counters changes, in the order of `DeliveryStatus::ALL`.
    deltas: Vec<i32>,
}

impl<'a> Record<'a> {
    pub(super) fn new(worker: &'a str, place: ChunkKey, results: &'a [AttemptResult]) -> Self {
        macro_rules! column {
            ($list:expr, $value:expr) => {
                $list.iter().map($value).collect()
            };
        }
        let (kinds, numbers) = sorted(results);
        let deltas = DeliveryStatus::ALL.iter().map(|status| {
            let changes = results.iter().map(|result| {
                i32::from(result.after == *status) - i32::from(result.before == *status)
            });
            changes.sum()
        });
        Self {
            worker,
            place,
            outcomes: column!(kinds, |kind| kind.outcome.as_str()),
            stages: column!(kinds, |kind| kind.stage.as_str()),
            smtp_codes: column!(kinds, |kind| kind.smtp_code),
            enhanced_codes: column!(kinds, |kind| kind.enhanced_code),
            befores: column!(kinds, |kind| kind.before.as_str()),
            afters: column!(kinds, |kind| kind.after.as_str()),
            kinds: numbers,
            recipient_ids: column!(results, |result| result.recipient_id),
            attempt_nos: column!(results, |result| result.attempt_no),
            ats: column!(results, |result| result.at),
            responses: column!(results, |result| result.response.as_str()),
            durations_ms: column!(results, |result| result.duration_ms),
            next_attempt_ats: column!(results, |result| result.next_attempt_at),
            deltas: deltas.collect(),
        }
    }
}

/// The kinds there are, and the number of each result's.
fn sorted(results: &[AttemptResult]) -> (Vec<ResultKind<'_>>, Vec<i32>) {
    let mut kinds: Vec<ResultKind<'_>> = Vec::new();
    let numbers = results.iter().map(|result| {
        let kind = ResultKind {
            outcome: result.outcome,
            stage: result.stage,
            smtp_code: result.smtp_code,
            enhanced_code: result.enhanced_code.as_deref(),
            before: result.before,
            after: result.after,
        };
        let known = kinds.iter().position(|other| *other == kind);
        let index = known.unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        i32::try_from(index + 1).unwrap_or(i32::MAX)
    });
    let numbers = numbers.collect();
    (kinds, numbers)
}

/// `?` is the next parameter. The run is one of the columns that the ledger is joined by, not a value beside them: else
/// PostgreSQL, which knows nothing yet of a run that has just begun, may compare every result with all of the run.
const RECORD: &str = "
    WITH result AS MATERIALIZED (
        SELECT ?::bigint AS run_id, *
        FROM unnest(?::bigint[], ?::smallint[], ?::int[], ?::timestamptz[], ?::text[], ?::int[], ?::timestamptz[])
             AS listed (recipient_id, attempt_no, kind, at, response, duration_ms, next_attempt_at)),
    moved AS (
        UPDATE deliveries d SET status = (?::text[])[kind], attempts = attempt_no, next_attempt_at = result.next_attempt_at
        FROM result
        WHERE d.run_id = result.run_id AND d.recipient_id = result.recipient_id
          AND d.attempts = attempt_no - 1 AND d.status = (?::text[])[kind] AND d.withdrawn_at IS NULL
        RETURNING 1),
    logged AS (
        INSERT INTO attempts (run_id, mailing_id, owner_id, worker, recipient_id, attempt_no, at, outcome, stage, smtp_code,
                              enhanced_code, response, duration_ms)
        SELECT run_id, ?, ?, ?, recipient_id, attempt_no, at, (?::text[])[kind], (?::text[])[kind], (?::smallint[])[kind],
               (?::text[])[kind], response, duration_ms
        FROM result),
    counted AS (
        UPDATE chunks SET pending = pending + delta[1], deferred = deferred + delta[2], accepted = accepted + delta[3],
            rejected = rejected + delta[4], uncertain = uncertain + delta[5], expired = expired + delta[6],
            skipped = skipped + delta[7]
        FROM (SELECT ?::int[] AS delta) AS deltas WHERE run_id = ? AND chunk_no = ?)
    SELECT count(*) FROM moved";

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
            Array<BigInt>: &self.recipient_ids,
            Array<SmallInt>: &self.attempt_nos,
            Array<Integer>: &self.kinds,
            Array<Timestamptz>: &self.ats,
            Array<Text>: &self.responses,
            Array<Integer>: &self.durations_ms,
            Array<Nullable<Timestamptz>>: &self.next_attempt_ats,
            Array<Text>: &self.afters,
            Array<Text>: &self.befores,
            BigInt: &self.place.mailing_id,
            BigInt: &self.place.owner_id,
            Text: &self.worker,
            Array<Text>: &self.outcomes,
            Array<Text>: &self.stages,
            Array<Nullable<SmallInt>>: &self.smtp_codes,
            Array<Nullable<Text>>: &self.enhanced_codes,
            Array<Integer>: &self.deltas,
            BigInt: &self.place.run_id,
            Integer: &self.place.chunk_no,
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
