//! Statistics in the database: sums of tallies, never a count of the log.

use chrono::{DateTime, Utc};
use diesel::dsl::count;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use smtp::disposition::Outcome;
use strum::VariantArray;

use super::model::{AttemptTotals, Day, MailingTotals, OutcomeCount, Sent};
use super::period::Period;
use crate::core::db::owned::owned_by;
use crate::core::db::prepared::prepared;
use crate::core::db::schema::{mailings, runs, tallies, users};
use crate::core::owners::Owners;
use crate::core::zone::Zone;

/// The attempts that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptScope {
    Owners(Owners),
    Mailing(i64),
}

/// `None` stands for all.
pub(super) const fn owner_id(owners: Owners) -> Option<i64> {
    match owners {
        Owners::One(id) => Some(id),
        Owners::All => None,
    }
}

/// The time zone of a user.
pub fn zone_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<Zone> {
    let name: String = users::table
        .find(user_id)
        .select(users::time_zone)
        .first(conn)?;
    Ok(name.parse().unwrap_or(Zone::utc()))
}

#[derive(QueryableByName)]
struct Tally {
    /// Counts from 1.
    #[diesel(sql_type = Integer)]
    day: i32,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The attempts of the period.
pub fn sent(conn: &mut PgConnection, whose: AttemptScope, period: Period) -> QueryResult<Sent> {
    let (condition, id) = match whose {
        AttemptScope::Owners(Owners::One(id)) => ("owner_id = $4", Some(id)),
        AttemptScope::Owners(Owners::All) => ("$4 IS NULL", None),
        // A mailing's runs are found by their key, so tallies need no index on it.
        AttemptScope::Mailing(id) => (
            "run_id IN (SELECT id FROM runs WHERE mailing_id = $4)",
            Some(id),
        ),
    };
    let begin: Vec<DateTime<Utc>> = period.days().into_iter().map(|(_, at)| at).collect();
    let sums = diesel::sql_query(format!(
        "SELECT width_bucket(bucket, $1) AS day, outcome, sum(attempts)::bigint AS count
         FROM tallies WHERE bucket >= $2 AND bucket < $3 AND {condition} GROUP BY 1, 2"
    ));
    let sums = sums
        .bind::<Array<Timestamptz>, _>(begin)
        .bind::<Timestamptz, _>(period.from)
        .bind::<Timestamptz, _>(period.to)
        .bind::<Nullable<BigInt>, _>(id);
    summed(period, prepared(sums).load(conn)?)
}

fn summed(period: Period, tallies: Vec<Tally>) -> QueryResult<Sent> {
    let days = period.days();
    let mut attempts = AttemptTotals::default();
    let none = |outcome: &Outcome| OutcomeCount {
        outcome: *outcome,
        count: 0,
    };
    let mut outcomes: Vec<_> = Outcome::VARIANTS.iter().map(none).collect();
    let mut by_day = vec![AttemptTotals::default(); days.len()];
    for Tally {
        day,
        outcome,
        count,
    } in tallies
    {
        let outcome: Outcome = outcome
            .parse()
            .map_err(|error| DieselError::DeserializationError(Box::new(error)))?;
        attempts.add(outcome, count);
        if let Some(known) = outcomes.iter_mut().find(|known| known.outcome == outcome) {
            known.count += count;
        }
        let place = usize::try_from(day - 1).ok();
        if let Some(totals) = place.and_then(|place| by_day.get_mut(place)) {
            totals.add(outcome, count);
        }
    }
    let by_day = days.into_iter().zip(by_day).map(|((day, _), totals)| Day {
        day,
        total: totals.total,
        ok: totals.ok,
        failed: totals.failed,
    });
    Ok(Sent {
        from: period.from,
        to: period.to,
        time_zone: period.zone.name().to_owned(),
        attempts,
        messages_sent: attempts.ok,
        outcomes,
        by_day: by_day.collect(),
    })
}

#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = BigInt)]
    mailings: i64,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = BigInt)]
    recipients: i64,
    #[diesel(sql_type = BigInt)]
    unique_recipients: i64,
}

/// The current numbers of mailings, recipients and distinct addresses.
pub fn present(conn: &mut PgConnection, owners: Owners) -> QueryResult<(MailingTotals, i64, i64)> {
    let (condition, known) = match owners {
        // The addresses of an owner are unique.
        Owners::One(_) => (
            "owner_id = $1",
            "SELECT coalesce(sum(recipients), 0) AS recipients, coalesce(sum(recipients), 0) AS unique_recipients
             FROM recipient_totals WHERE owner_id = $1",
        ),
        Owners::All => (
            "$1 IS NULL",
            "SELECT coalesce(sum(n), 0)::bigint AS recipients, count(*) AS unique_recipients
             FROM (SELECT count(*) AS n FROM recipients GROUP BY lower(email)) AS known",
        ),
    };
    let counts = diesel::sql_query(format!(
        "SELECT mailings, running, recipients, unique_recipients
         FROM (SELECT count(*) AS mailings, count(*) FILTER (WHERE status = 'running') AS running
               FROM mailings WHERE {condition}) AS m, ({known}) AS r"
    ));
    let found: Present =
        prepared(counts.bind::<Nullable<BigInt>, _>(owner_id(owners))).get_result(conn)?;
    let totals = MailingTotals {
        total: found.mailings,
        running: found.running,
    };
    Ok((totals, found.recipients, found.unique_recipients))
}

/// Whether the mailing is one of theirs and, if so, how many recipients it has.
pub fn recipients_of(conn: &mut PgConnection, owners: Owners, mailing_id: i64) -> QueryResult<i64> {
    let count: i32 = mailings::table
        .find(mailing_id)
        .filter(owned_by(mailings::owner_id, owners))
        .select(mailings::recipients_count)
        .first(conn)?;
    Ok(count.into())
}

#[derive(QueryableByName)]
struct Begun {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    first: Option<DateTime<Utc>>,
}

/// When the first attempt of the mailing was made.
pub fn first_sent(conn: &mut PgConnection, mailing_id: i64) -> QueryResult<Option<DateTime<Utc>>> {
    let begun: Begun = diesel::sql_query(
        "SELECT min(bucket) AS first FROM tallies WHERE run_id IN (SELECT id FROM runs WHERE mailing_id = $1)",
    )
    .bind::<BigInt, _>(mailing_id)
    .get_result(conn)?;
    Ok(begun.first)
}

/// The number of runs of the mailing with attempts in the period.
pub fn runs_of(conn: &mut PgConnection, mailing_id: i64, period: Period) -> QueryResult<i64> {
    let its_runs = runs::table
        .filter(runs::mailing_id.eq(mailing_id))
        .select(runs::id);
    tallies::table
        .filter(tallies::run_id.eq_any(its_runs))
        .filter(
            tallies::bucket
                .ge(period.from)
                .and(tallies::bucket.lt(period.to)),
        )
        .select(count(tallies::run_id).aggregate_distinct())
        .first(conn)
}
