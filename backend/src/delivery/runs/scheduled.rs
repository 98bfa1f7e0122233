//! Scheduled runs, many in one statement: those that start, and occurrences that were not carried out.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use super::status::RunStatus;
use super::store::NewRun;

/// A started run with the subject of its mails.
#[derive(Debug, QueryableByName)]
pub struct BegunRun {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub mailing_id: i64,
    #[diesel(sql_type = Text)]
    pub subject: String,
}

/// Starts scheduled runs in this order. Runs that cannot be started, as in `begin`, are not returned.
pub fn begin_all(conn: &mut PgConnection, new: &[NewRun]) -> QueryResult<Vec<BegunRun>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    diesel::sql_query(
        "INSERT INTO runs (mailing_id, owner_id, scheduled_for, trigger, status, subject, html, text,
                           deadline_at, retries_end_at, started_at, planned)
         SELECT mailings.id, mailings.owner_id, scheduled_for, 'schedule', 'running', subject, html, text,
                new.deadline_at, new.retries_end_at, new.started_at, recipients_count
         FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY
              AS new (mailing_id, scheduled_for, deadline_at, retries_end_at, started_at, place)
         JOIN mailings ON mailings.id = new.mailing_id JOIN messages ON messages.id = message_id
         ORDER BY place
         ON CONFLICT DO NOTHING
         RETURNING id, mailing_id, subject",
    )
    .bind::<Array<BigInt>, _>(column(new, |run| run.mailing_id))
    .bind::<Array<Timestamptz>, _>(column(new, |run| run.scheduled_for))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(new, |run| run.bounds.deadline_at))
    .bind::<Array<Timestamptz>, _>(column(new, |run| run.bounds.retries_end_at))
    .bind::<Array<Timestamptz>, _>(column(new, |run| run.started_at))
    .load(conn)
}

fn column<T>(new: &[NewRun], of: fn(&NewRun) -> T) -> Vec<T> {
    new.iter().map(of).collect()
}

/// Records occurrences that were not carried out: mailing, time and reason of each.
pub fn record_unrun(
    conn: &mut PgConnection,
    occurrences: &[(i64, DateTime<Utc>)],
    why: RunStatus,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if occurrences.is_empty() {
        return Ok(());
    }
    let (mailing_ids, moments): (Vec<_>, Vec<_>) = occurrences.iter().copied().unzip();
    diesel::sql_query(
        "INSERT INTO runs (mailing_id, owner_id, scheduled_for, trigger, status, finished_at)
         SELECT mailings.id, owner_id, unrun.at, 'schedule', $3, $4
         FROM unnest($1, $2) AS unrun (mailing_id, at) JOIN mailings ON mailings.id = mailing_id
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<BigInt>, _>(mailing_ids)
    .bind::<Array<Timestamptz>, _>(moments)
    .bind::<Text, _>(why.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    Ok(())
}
