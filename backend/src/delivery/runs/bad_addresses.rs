//! Records permanently bad addresses: one that mail servers reported as nonexistent in three consecutive runs is
//! suppressed. `mail/disposition.rs` classifies refusals; runs in which most recipients were refused do not count.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz};

use super::rcpt_reply::RcptReply;
use super::refusals::Refusals;
use crate::accounts::audit_log::NewEvent;
use crate::accounts::audit_log::audit_all;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;

/// About a second of work in the transaction that finishes runs. Further addresses are handled after the next run.
const MAX_AT_ONCE: i64 = 20_000;
/// Number of addresses whose history is looked up at once.
const BATCH: usize = 1_000;
const RUNS_IN_A_ROW: usize = 3;

/// Condition: attempt `a` permanently refused the recipient.
const REFUSED: &str = "a.outcome = 'rejected' AND a.stage = 'rcpt'";

/// The deliveries `d` of `runs` that ended with such an attempt. Found through the partial index of unsuccessful
/// attempts, whose times are from the sending process's clock.
const ENDED_REFUSED: &str = "runs
    JOIN attempts a ON a.owner_id = runs.owner_id AND a.outcome <> 'accepted'
                   AND a.at >= runs.started_at - interval '1 minute' AND a.run_id = runs.id
    JOIN deliveries d ON d.run_id = a.run_id AND d.recipient_id = a.recipient_id AND d.attempts = a.attempt_no";

/// Suppresses the addresses that these finished runs and the two preceding ones that attempted them reported as
/// nonexistent; the oldest recipients first. Idempotent. Returns their number.
pub(super) fn record(
    conn: &mut PgConnection,
    run_ids: &[i64],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let mut qualification = RunQualification::default();
    qualification.determine(conn, run_ids)?;
    let qualifying: Vec<i64> = run_ids
        .iter()
        .copied()
        .filter(|run_id| qualification.counts(*run_id))
        .collect();
    if qualifying.is_empty() {
        return Ok(0);
    }
    let refused = refused_of(conn, &qualifying)?;
    let unusable: Vec<RefusedDelivery> = refused
        .into_iter()
        .filter(|refused| refused.reply.names_no_mailbox())
        .collect();
    let mut recorded = 0;
    for batch in unusable.chunks(BATCH) {
        recorded += record_batch(conn, batch, &mut qualification, now)?;
    }
    Ok(recorded)
}

fn record_batch(
    conn: &mut PgConnection,
    batch: &[RefusedDelivery],
    qualification: &mut RunQualification,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let past = past_of(conn, batch)?;
    let run_ids: Vec<i64> = past.iter().map(|past| past.run_id).collect();
    qualification.determine(conn, &run_ids)?;
    let mut in_a_row: HashMap<i64, usize> = HashMap::new();
    for past in &past {
        if past.reply.names_no_mailbox() && qualification.counts(past.run_id) {
            *in_a_row.entry(past.number).or_default() += 1;
        }
    }
    let known = (1..).zip(batch);
    let known: Vec<&RefusedDelivery> = known
        .filter(|(number, _)| in_a_row.get(number) == Some(&RUNS_IN_A_ROW))
        .map(|(_, refused)| refused)
        .collect();
    suppress(conn, &known, now)
}

/// Which runs count, as far as already determined.
#[derive(Default)]
struct RunQualification(HashMap<i64, bool>);

#[derive(QueryableByName)]
struct RefusalCount {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = Nullable<SmallInt>)]
    smtp_code: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    enhanced_code: Option<String>,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct DecidedCount {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl RunQualification {
    /// Whether the run has refused some recipients, but not most of them.
    fn counts(&self, run_id: i64) -> bool {
        self.0.get(&run_id).copied().unwrap_or_default()
    }

    fn determine(&mut self, conn: &mut PgConnection, run_ids: &[i64]) -> QueryResult<()> {
        let mut unknown = run_ids.to_vec();
        unknown.retain(|run_id| !self.0.contains_key(run_id));
        unknown.sort_unstable();
        unknown.dedup();
        if unknown.is_empty() {
            return Ok(());
        }
        let refusals = refusals_of(conn, &unknown)?;
        let with_refusals: Vec<i64> = refusals.keys().copied().collect();
        let decided = decided_of(conn, &with_refusals)?;
        for run_id in unknown {
            let counts = refusals.get(&run_id).is_some_and(|(refused, count)| {
                let decided = decided.get(&run_id).copied().unwrap_or_default();
                !refused.are_most(decided.saturating_sub(*count))
            });
            self.0.insert(run_id, counts);
        }
        Ok(())
    }
}

/// The refusals of each of these runs that had any, and their total.
fn refusals_of(
    conn: &mut PgConnection,
    run_ids: &[i64],
) -> QueryResult<HashMap<i64, (Refusals, u64)>> {
    let kinds: Vec<RefusalCount> = diesel::sql_query(format!(
        "SELECT runs.id AS run_id, smtp_code, enhanced_code, count(*) AS count
         FROM {ENDED_REFUSED}
         WHERE runs.id = ANY($1) AND {REFUSED} GROUP BY runs.id, smtp_code, enhanced_code"
    ))
    .bind::<Array<BigInt>, _>(run_ids)
    .load(conn)?;
    let mut runs: HashMap<i64, (Refusals, u64)> = HashMap::new();
    for kind in kinds {
        let count = u64::try_from(kind.count).unwrap_or_default();
        let (refusals, total) = runs.entry(kind.run_id).or_default();
        refusals.add(
            kind.smtp_code.unwrap_or_default(),
            kind.enhanced_code.as_deref(),
            count,
        );
        *total += count;
    }
    Ok(runs)
}

/// How many deliveries of these runs were accepted or rejected, for any reason.
fn decided_of(conn: &mut PgConnection, run_ids: &[i64]) -> QueryResult<HashMap<i64, u64>> {
    let rows: Vec<DecidedCount> = diesel::sql_query(
        "SELECT run_id, sum(accepted + rejected + uncertain)::bigint AS count
         FROM chunks WHERE run_id = ANY($1) GROUP BY run_id",
    )
    .bind::<Array<BigInt>, _>(run_ids)
    .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.run_id, u64::try_from(row.count).unwrap_or_default()))
        .collect())
}

/// A delivery that ended with a refusal of its recipient.
#[derive(QueryableByName)]
struct RefusedDelivery {
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    recipient_id: i64,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(embed)]
    reply: RcptReply,
}

fn refused_of(conn: &mut PgConnection, run_ids: &[i64]) -> QueryResult<Vec<RefusedDelivery>> {
    diesel::sql_query(format!(
        "SELECT runs.owner_id, runs.id AS run_id, a.recipient_id, d.email, smtp_code, enhanced_code, response
         FROM {ENDED_REFUSED}
         WHERE runs.id = ANY($1) AND {REFUSED}
         ORDER BY a.recipient_id LIMIT {MAX_AT_ONCE}"
    ))
    .bind::<Array<BigInt>, _>(run_ids)
    .load(conn)
}

/// A refusal of an address in one of the last three runs that tried it.
#[derive(QueryableByName)]
struct PastRefusal {
    /// The number of the delivery, counted from 1.
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(embed)]
    reply: RcptReply,
}

/// The runs of each address are found through the index on recipients; the term in ORDER BY makes PostgreSQL use it.
fn past_of(conn: &mut PgConnection, batch: &[RefusedDelivery]) -> QueryResult<Vec<PastRefusal>> {
    let column = |of: fn(&RefusedDelivery) -> i64| batch.iter().map(of).collect::<Vec<_>>();
    let emails: Vec<&str> = batch.iter().map(|refused| refused.email.as_str()).collect();
    diesel::sql_query(format!(
        "SELECT number, last.run_id, smtp_code, enhanced_code, response
         FROM unnest($1::bigint[], $2::bigint[], $3::text[]) WITH ORDINALITY AS one (recipient_id, run_id, email, number)
         CROSS JOIN LATERAL (
             SELECT past.run_id, past.attempts FROM deliveries past
             WHERE past.recipient_id = one.recipient_id AND past.run_id <= one.run_id AND past.attempts > 0
               AND lower(past.email) = lower(one.email)
             ORDER BY past.run_id + 0 DESC LIMIT {RUNS_IN_A_ROW}) last
         JOIN attempts a ON a.run_id = last.run_id AND a.recipient_id = one.recipient_id AND a.attempt_no = last.attempts
         WHERE {REFUSED}"
    ))
    .bind::<Array<BigInt>, _>(column(|refused| refused.recipient_id))
    .bind::<Array<BigInt>, _>(column(|refused| refused.run_id))
    .bind::<Array<Text>, _>(emails)
    .load(conn)
}

/// An added suppression, and the address of its owner.
#[derive(QueryableByName)]
struct AddedSuppression {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    owner: String,
}

impl AddedSuppression {
    fn event(&self, now: DateTime<Utc>) -> NewEvent {
        Origin::service(now)
            .event(EventKind::SuppressionAdded)
            .about(SubjectKind::Suppression, self.id, &self.email)
            .with_details(&self.owner)
    }
}

fn suppress(
    conn: &mut PgConnection,
    known: &[&RefusedDelivery],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    if known.is_empty() {
        return Ok(0);
    }
    let column = |of: fn(&RefusedDelivery) -> i64| {
        known.iter().map(|refused| of(refused)).collect::<Vec<_>>()
    };
    let emails: Vec<&str> = known.iter().map(|refused| refused.email.as_str()).collect();
    let added: Vec<AddedSuppression> = diesel::sql_query(
        "INSERT INTO suppressions (owner_id, email, reason, run_id, created_at, applied)
         SELECT owner_id, email, 'rejected', run_id, $4, FALSE
         FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS known (owner_id, email, run_id)
         ON CONFLICT DO NOTHING
         RETURNING id, email, (SELECT users.email FROM users WHERE users.id = suppressions.owner_id) AS owner",
    )
    .bind::<Array<BigInt>, _>(column(|refused| refused.owner_id))
    .bind::<Array<Text>, _>(emails)
    .bind::<Array<BigInt>, _>(column(|refused| refused.run_id))
    .bind::<Timestamptz, _>(now)
    .load(conn)?;
    let events: Vec<NewEvent> = added.iter().map(|added| added.event(now)).collect();
    audit_all(conn, &events)?;
    Ok(added.len())
}
