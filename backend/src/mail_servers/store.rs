//! The installation's mail server in the database: one row, whoever sends through it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Double, Integer, Text};

use super::model::{Pace, Trouble};
use crate::db::schema::mail_servers::{self, cause, failures, opened_at, probe_at, response};

/// The server of those who have brought none of their own.
const INSTALLATION: &str = "installation";
/// Stands for "no limit" in reckoning; infinity times nothing would be no number.
const PLENTY: f64 = 1e12;

/// Makes sure that there is a row.
pub fn know(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::insert_into(mail_servers::table)
        .values(mail_servers::name.eq(INSTALLATION))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(())
}

/// The trouble a server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shut {
    pub cause: Trouble,
    /// Probes that have failed, or are under way.
    pub failures: i32,
    pub probe_at: DateTime<Utc>,
}

/// The trouble that the server is in, if it is.
pub fn trouble(conn: &mut PgConnection) -> QueryResult<Option<Shut>> {
    let row: Option<(Option<String>, i32, Option<DateTime<Utc>>)> = mail_servers::table
        .find(INSTALLATION)
        .filter(opened_at.is_not_null())
        .select((cause, failures, probe_at))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(word, failed, next)| {
        Some(Shut {
            cause: word?.parse().ok()?,
            failures: failed,
            probe_at: next?,
        })
    }))
}

/// The server is in trouble since the first of these moments; at the second it is asked again.
pub fn shut(
    conn: &mut PgConnection,
    why: Trouble,
    words: &str,
    (now, next): (DateTime<Utc>, DateTime<Utc>),
) -> QueryResult<()> {
    diesel::update(
        mail_servers::table
            .find(INSTALLATION)
            .filter(opened_at.is_null()),
    )
    .set((
        opened_at.eq(now),
        cause.eq(why.as_str()),
        response.eq(words),
        failures.eq(0),
        probe_at.eq(next),
    ))
    .execute(conn)?;
    Ok(())
}

/// The server works.
pub fn free(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::update(mail_servers::table.find(INSTALLATION))
        .set((
            opened_at.eq(None::<DateTime<Utc>>),
            cause.eq(None::<String>),
            response.eq(None::<String>),
            failures.eq(0),
            probe_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes the probe that is due, unless somebody else has it; the one after it comes at `next`.
pub fn take_probe(conn: &mut PgConnection, shut: &Shut, next: DateTime<Utc>) -> QueryResult<bool> {
    let due = mail_servers::table
        .find(INSTALLATION)
        .filter(probe_at.eq(shut.probe_at));
    let taken = diesel::update(due)
        .set((failures.eq(shut.failures + 1), probe_at.eq(next)))
        .execute(conn)?;
    Ok(taken > 0)
}

/// Sets sessions with mail servers apart from whatever else locks numbers in this database.
const SESSIONS: i32 = 0x5e55;

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// Takes one of the sessions that all processes share, by its number, for as long as the connection lasts.
pub fn take_session(conn: &mut PgConnection, number: i32) -> QueryResult<bool> {
    let taken: Taken = diesel::sql_query("SELECT pg_try_advisory_lock($1, $2) AS taken")
        .bind::<Integer, _>(SESSIONS)
        .bind::<Integer, _>(number)
        .get_result(conn)?;
    Ok(taken.taken)
}

#[derive(QueryableByName)]
struct Tokens {
    #[diesel(sql_type = BigInt)]
    granted: i64,
}

/// Takes leave for at most `wanted` mails from the server's two buckets. They fill by the database's clock: up to a
/// second's worth of the one, a minute's worth of the other.
pub fn take_tokens(conn: &mut PgConnection, pace: Pace, wanted: i64) -> QueryResult<i64> {
    let limit = |mails: u32| {
        if mails == 0 { PLENTY } else { f64::from(mails) }
    };
    let (per_second, per_hour) = (limit(pace.per_second), limit(pace.per_hour));
    let tokens: Tokens = diesel::sql_query(
        "WITH filled AS MATERIALIZED (
             SELECT least($2, CASE WHEN refilled_at IS NULL THEN $2 ELSE second_tokens + passed * $2 END) AS second,
                    least(greatest($3 / 60, 1), CASE WHEN refilled_at IS NULL THEN $3 ELSE hour_tokens + passed * $3 / 3600 END) AS hour
             FROM mail_servers,
                  LATERAL (SELECT greatest(extract(epoch FROM clock_timestamp() - refilled_at), 0)::float8 AS passed) AS time
             WHERE name = $1 FOR UPDATE OF mail_servers),
         taken AS (SELECT second, hour, greatest(least($4, floor(second), floor(hour)), 0) AS granted FROM filled)
         UPDATE mail_servers SET second_tokens = taken.second - granted, hour_tokens = taken.hour - granted,
                                 refilled_at = clock_timestamp()
         FROM taken WHERE name = $1
         RETURNING taken.granted::bigint AS granted",
    )
    .bind::<Text, _>(INSTALLATION)
    .bind::<Double, _>(per_second)
    .bind::<Double, _>(per_hour)
    .bind::<BigInt, _>(wanted)
    .get_result(conn)?;
    Ok(tokens.granted)
}
