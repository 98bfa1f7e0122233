//! Deliveries in the database: prepared from a mailing's recipients in large steps, listed by key, closed at the end.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text, Timestamptz};

use super::model::{Delivery, DeliveryQuery, DeliveryStatus, SkipReason};
use crate::audience::suppressions::condition::is_suppressed;
use crate::core::db::functions::address_matches;
use crate::core::db::schema::{deliveries, runs};
use crate::core::search::{AddressPattern, contains};
use crate::delivery::attempts::model::RecipientRef;

/// Recipients prepared in one transaction: a million take twenty, each a fraction of a second …
const STEP: i64 = 50_000;
/// … after a first one that is quick, so that sending begins at once.
const FIRST_STEP: i64 = 5_000;
/// Deliveries in a chunk, the unit of claiming.
pub(super) const CHUNK: i64 = 1_000;

#[derive(QueryableByName)]
struct Unprepared {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = BigInt)]
    mailing_id: i64,
    #[diesel(sql_type = BigInt)]
    fanned_out_to: i64,
}

#[derive(QueryableByName)]
pub(super) struct FanOutStep {
    #[diesel(sql_type = BigInt)]
    pub(super) prepared: i64,
}

/// Both tables are read from the same position with a merge join; a hash join would hash all recipients in every
/// step.
pub(super) const READ_IN_ORDER: &str =
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off";

/// Prepares the next deliveries of one run that no other process has in hand, of those not begun first; gives their
/// number, or `None` when every run is prepared. The caller repeats it, each time in a transaction of its own.
pub fn fan_out_some(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    let run: Option<Unprepared> = diesel::sql_query(
        "SELECT id, owner_id, mailing_id, fanned_out_to FROM runs WHERE status = 'running' AND fanned_out_at IS NULL
         ORDER BY fanned_out_to > 0, id LIMIT 1 FOR UPDATE SKIP LOCKED",
    )
    .get_result(conn)
    .optional()?;
    let Some(run) = run else { return Ok(None) };
    let step = if run.fanned_out_to == 0 {
        FIRST_STEP
    } else {
        STEP
    };
    conn.batch_execute(READ_IN_ORDER)?;
    // The mailing and the place are bound as values: joined from another table they would hide from PostgreSQL that the
    // next rows are found at one place of one index.
    let done: FanOutStep = diesel::sql_query(fan_out())
        .bind::<BigInt, _>(run.id)
        .bind::<BigInt, _>(run.mailing_id)
        .bind::<BigInt, _>(run.fanned_out_to)
        .bind::<BigInt, _>(step)
        .bind::<BigInt, _>(CHUNK)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(run.owner_id)
        .get_result(conn)?;
    Ok(Some(done.prepared))
}

/// Suppressed recipients are left out here and not by the choice of recipients: the log says so for each. Most owners
/// have no suppressions, which is checked once per step; for the others it is an index lookup per recipient.
fn fan_out() -> String {
    let is_suppressed = is_suppressed("$7", "recipients.email");
    format!(
        "WITH prepared AS (
        INSERT INTO deliveries (run_id, recipient_id, email, full_name, status, skip_reason)
        SELECT $1, recipient_id, email, full_name, CASE WHEN suppressed THEN 'skipped' ELSE 'pending' END,
               CASE WHEN suppressed THEN 'suppressed' END
        FROM (SELECT recipient_id, email, full_name,
                     CASE WHEN EXISTS (SELECT FROM suppressions WHERE owner_id = $7)
                          THEN {is_suppressed}
                          ELSE FALSE END AS suppressed
              FROM mailing_recipients chosen JOIN recipients ON recipients.id = recipient_id
              WHERE mailing_id = $2 AND recipient_id > $3 AND recipients.id > $3
              ORDER BY recipient_id LIMIT $4) AS next
        RETURNING recipient_id, status),
    numbered AS (
        SELECT recipient_id, status, (row_number() OVER (ORDER BY recipient_id) - 1) / $5 AS part FROM prepared),
    cut AS (
        INSERT INTO chunks (run_id, chunk_no, first_recipient_id, last_recipient_id, pending, skipped)
        SELECT $1, part + (SELECT coalesce(max(chunk_no) + 1, 0) FROM chunks WHERE run_id = $1), min(recipient_id),
               max(recipient_id), count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'skipped')
        FROM numbered GROUP BY part),
    size AS (SELECT count(*) AS prepared, max(recipient_id) AS last FROM prepared)
    UPDATE runs SET fanned_out_to = coalesce(size.last, fanned_out_to),
                    fanned_out_at = CASE WHEN size.prepared < $4 THEN $6 END
    FROM size WHERE runs.id = $1
    RETURNING size.prepared"
    )
}

/// Condition: a run is cancelled, or its time or that of its retries is over, and it still has open deliveries. `$1`
/// is the current time.
pub const IS_OVER: &str = "
    (runs.status = 'cancelled' OR (runs.status = 'running' AND (deadline_at <= $1 OR retries_end_at <= $1)))
    AND EXISTS (SELECT FROM chunks WHERE run_id = runs.id AND (pending > 0 OR next_attempt_at IS NOT NULL)
                AND (next_attempt_at IS NOT NULL OR runs.status = 'cancelled' OR coalesce(deadline_at <= $1, FALSE)))";

/// Closes the open deliveries of those of these runs whose time is over: at the end of the window all of them expire,
/// at the end of the retries the deferred ones do, and those of a cancelled run are skipped. Leased chunks are left
/// until they are released, and locked runs until the next check.
pub fn close_leftovers(
    conn: &mut PgConnection,
    run_ids: &[i64],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let over: Vec<OverdueRun> = diesel::sql_query(format!(
        "SELECT id, status = 'cancelled' AS cancelled, coalesce(deadline_at <= $1, FALSE) AS past_deadline
         FROM runs WHERE id = ANY($2) AND {IS_OVER}
         FOR NO KEY UPDATE OF runs SKIP LOCKED"
    ))
    .bind::<Timestamptz, _>(now)
    .bind::<Array<BigInt>, _>(run_ids)
    .load(conn)?;
    for run in over {
        let (from, to): (&[&str], _) = match run {
            OverdueRun {
                cancelled: true, ..
            } => (&["pending", "deferred"], DeliveryStatus::Skipped),
            OverdueRun {
                past_deadline: true,
                ..
            } => (&["pending", "deferred"], DeliveryStatus::Expired),
            OverdueRun { .. } => (&["deferred"], DeliveryStatus::Expired),
        };
        close(conn, run.id, from, to)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct OverdueRun {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    cancelled: bool,
    #[diesel(sql_type = Bool)]
    past_deadline: bool,
}

/// Ends the retries of a run without unattempted deliveries. Leased chunks are left.
pub fn end_retries(conn: &mut PgConnection, run_id: i64) -> QueryResult<()> {
    // Before its deliveries: all transactions that change an open run in several places take this lock first.
    runs::table
        .find(run_id)
        .select(runs::id)
        .for_no_key_update()
        .first::<i64>(conn)?;
    close(conn, run_id, &["deferred"], DeliveryStatus::Expired)
}

/// Turns deliveries `from` some states into a final one, and their chunks' counters with them. What is uncertain stays
/// so, but is not tried again. At most a hundred chunks at a time: the next pass goes on.
fn close(
    conn: &mut PgConnection,
    run_id: i64,
    from: &[&str],
    to: DeliveryStatus,
) -> QueryResult<()> {
    diesel::sql_query(
        "WITH free AS (
             SELECT * FROM chunks WHERE run_id = $1 AND (pending > 0 OR deferred > 0 OR next_attempt_at IS NOT NULL)
               AND lease_token IS NULL
             ORDER BY chunk_no LIMIT 100 FOR UPDATE SKIP LOCKED),
         settled AS (
             UPDATE deliveries d SET next_attempt_at = NULL, status = CASE WHEN status = ANY($2) THEN $3 ELSE status END,
                 skip_reason = CASE WHEN status = ANY($2) AND $3 = 'skipped' THEN 'cancelled' ELSE skip_reason END
             FROM free
             WHERE d.run_id = $1 AND d.recipient_id BETWEEN free.first_recipient_id AND free.last_recipient_id
               AND (d.status = ANY($2) OR d.next_attempt_at IS NOT NULL)
             RETURNING free.chunk_no, d.status),
         closed AS (SELECT chunk_no, count(*) AS n FROM settled WHERE status = $3 GROUP BY chunk_no)
         UPDATE chunks SET
             expired = chunks.expired + CASE WHEN $3 = 'expired' THEN coalesce(n, 0) ELSE 0 END,
             skipped = chunks.skipped + CASE WHEN $3 = 'skipped' THEN coalesce(n, 0) ELSE 0 END,
             pending = CASE WHEN 'pending' = ANY($2) THEN 0 ELSE chunks.pending END,
             deferred = CASE WHEN 'deferred' = ANY($2) THEN 0 ELSE chunks.deferred END,
             next_attempt_at = NULL
         FROM free LEFT JOIN closed USING (chunk_no)
         WHERE chunks.run_id = $1 AND chunks.chunk_no = free.chunk_no",
    )
    .bind::<BigInt, _>(run_id)
    .bind::<Array<Text>, _>(from)
    .bind::<Text, _>(to.as_str())
    .execute(conn)?;
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DeliveryRow {
    recipient_id: i64,
    email: String,
    #[diesel(deserialize_as = String)]
    status: DeliveryStatus,
    attempts: i16,
    next_attempt_at: Option<DateTime<Utc>>,
    skip_reason: Option<String>,
}

/// The run's deliveries that match the filters, after this recipient; up to one more than the limit.
pub fn list(
    conn: &mut PgConnection,
    run_id: i64,
    query: &DeliveryQuery,
    after: Option<i64>,
) -> QueryResult<Vec<Delivery>> {
    let mut rows = deliveries::table
        .filter(deliveries::run_id.eq(run_id))
        .order(deliveries::recipient_id)
        .limit(i64::from(query.limit) + 1)
        .select(DeliveryRow::as_select())
        .into_boxed();
    if let Some(status) = query.status {
        rows = rows.filter(deliveries::status.eq(status.as_str()));
    }
    if let Some(term) = &query.q {
        let AddressPattern { stored, in_unicode } = AddressPattern::containing(term);
        let of_address = address_matches(deliveries::email, stored, in_unicode);
        rows = rows.filter(of_address.or(deliveries::full_name.ilike(contains(term))));
    }
    if let Some(last) = after {
        rows = rows.filter(deliveries::recipient_id.gt(last));
    }
    let found = rows.load(conn)?;
    Ok(found
        .into_iter()
        .map(|row: DeliveryRow| row.view())
        .collect())
}

impl DeliveryRow {
    fn view(self) -> Delivery {
        Delivery {
            recipient: RecipientRef {
                id: self.recipient_id,
                email: self.email,
            },
            status: self.status,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            // A delivery that was being sent when it was skipped may have been accepted.
            skip_reason: self
                .skip_reason
                .filter(|_| self.status == DeliveryStatus::Skipped)
                .and_then(|reason| reason.parse::<SkipReason>().ok()),
        }
    }
}
