//! The state of mail servers in the database: a row for the installation's, and one for each server of a user that has
//! been used.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamptz};

use super::model::{ServerRateLimit, ServerRevision, Trouble};
use crate::core::db::schema::mail_servers::{
    self, cause, failures, name, opened_at, probe_at, response, session_limit,
    session_limit_changed_at, session_limit_response,
};

/// The installation's server.
const INSTALLATION: &str = "installation";
/// Represents no limit; infinity times zero would not be a number.
const PLENTY: f64 = 1e12;

/// The name of a user's server; `None` is the installation's.
pub fn name_of(own: Option<i64>) -> String {
    match own {
        None => INSTALLATION.to_owned(),
        Some(id) => format!("smtp_server:{id}"),
    }
}

/// Adds the row of a server, if the server exists.
pub fn know(conn: &mut PgConnection, own: Option<i64>) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO mail_servers (name, smtp_server_id)
         SELECT $1, $2 WHERE $2 IS NULL OR EXISTS (SELECT FROM smtp_servers WHERE id = $2)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(name_of(own))
    .bind::<Nullable<BigInt>, _>(own)
    .execute(conn)?;
    Ok(())
}

/// The open circuit breaker of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenBreaker {
    pub cause: Trouble,
    /// Number of probes that have failed or are in progress.
    pub failures: i32,
    pub probe_at: DateTime<Utc>,
}

/// The open circuit breakers of these servers, by server name.
pub fn troubles(
    conn: &mut PgConnection,
    names: &[String],
) -> QueryResult<Vec<(String, OpenBreaker)>> {
    type TroubleRow = (String, Option<String>, i32, Option<DateTime<Utc>>);
    let rows: Vec<TroubleRow> = mail_servers::table
        .filter(name.eq_any(names))
        .filter(opened_at.is_not_null())
        .select((name, cause, failures, probe_at))
        .load(conn)?;
    let shut = |(server, word, failed, next): TroubleRow| {
        let shut = OpenBreaker {
            cause: word?.parse().ok()?,
            failures: failed,
            probe_at: next?,
        };
        Some((server, shut))
    };
    Ok(rows.into_iter().filter_map(shut).collect())
}

/// Why and when a circuit breaker was opened.
#[derive(Debug, Clone, Copy)]
pub struct BreakerOpening<'a> {
    pub cause: Trouble,
    pub response: &'a str,
    pub opened_at: DateTime<Utc>,
    pub probe_at: DateTime<Utc>,
}

/// Opens the circuit breaker of a server.
/// Resets the session limit: refused connections were part of the outage. Has no effect if a user's server has been
/// changed to another revision since.
pub fn open_breaker(
    conn: &mut PgConnection,
    server: ServerRevision<'_>,
    opening: BreakerOpening<'_>,
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE mail_servers SET opened_at = $2, cause = $3, response = $4, failures = 0, probe_at = $5,
                session_limit = NULL, session_limit_changed_at = NULL, session_limit_response = NULL
         WHERE name = $1 AND opened_at IS NULL
           AND ($6 IS NULL OR EXISTS (SELECT FROM smtp_servers WHERE id = smtp_server_id AND revision = $6))",
    )
    .bind::<Text, _>(server.name)
    .bind::<Timestamptz, _>(opening.opened_at)
    .bind::<Text, _>(opening.cause.as_str())
    .bind::<Text, _>(opening.response)
    .bind::<Timestamptz, _>(opening.probe_at)
    .bind::<Nullable<Integer>, _>(server.revision)
    .execute(conn)?;
    Ok(())
}

/// Closes the circuit breaker: the server works, or is to be tried again.
pub fn close_breaker(conn: &mut PgConnection, server: &str) -> QueryResult<()> {
    diesel::update(mail_servers::table.find(server))
        .set((
            opened_at.eq(None::<DateTime<Utc>>),
            cause.eq(None::<String>),
            response.eq(None::<String>),
            failures.eq(0),
            probe_at.eq(None::<DateTime<Utc>>),
            session_limit.eq(None::<i32>),
            session_limit_changed_at.eq(None::<DateTime<Utc>>),
            session_limit_response.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Claims the due probe, unless another process has claimed it; the next one is due at `next`.
pub fn take_probe(
    conn: &mut PgConnection,
    server: &str,
    breaker: &OpenBreaker,
    next: DateTime<Utc>,
) -> QueryResult<bool> {
    let due = mail_servers::table
        .find(server)
        .filter(probe_at.eq(breaker.probe_at));
    let taken = diesel::update(due)
        .set((failures.eq(breaker.failures + 1), probe_at.eq(next)))
        .execute(conn)?;
    Ok(taken > 0)
}

/// Separates the advisory locks of sessions from others in this database: two-part numbers for the installation's server,
/// and a block of numbers for each server of a user.
const SESSIONS: i32 = 0x5e55;
const OWN_SESSIONS: i64 = 0x5e55 << 48;
const BLOCK: i64 = 1 << 16;

/// The SQL of the lock's number, and the base of the numbers.
fn lock_of(own: Option<i64>) -> (&'static str, i64) {
    match own {
        None => ("$1::integer, number", i64::from(SESSIONS)),
        Some(id) => ("$1 + number", OWN_SESSIONS + id * BLOCK),
    }
}

#[derive(QueryableByName)]
struct SessionNumber {
    #[diesel(sql_type = Integer)]
    number: i32,
}

/// Claims up to `most` free sessions of a server, which all processes share, until the connection ends.
pub fn take_sessions(
    conn: &mut PgConnection,
    own: Option<i64>,
    numbers: &[i32],
    most: usize,
) -> QueryResult<Vec<i32>> {
    let (lock, first) = lock_of(own);
    let taken: Vec<SessionNumber> = diesel::sql_query(format!(
        "SELECT number FROM unnest($2) AS number WHERE pg_try_advisory_lock({lock}) LIMIT $3"
    ))
    .bind::<BigInt, _>(first)
    .bind::<Array<Integer>, _>(numbers)
    .bind::<BigInt, _>(i64::try_from(most).unwrap_or(i64::MAX))
    .load(conn)?;
    Ok(taken.into_iter().map(|session| session.number).collect())
}

/// Releases sessions.
pub fn give_sessions_back(
    conn: &mut PgConnection,
    own: Option<i64>,
    numbers: &[i32],
) -> QueryResult<()> {
    let (lock, first) = lock_of(own);
    diesel::sql_query(format!(
        "SELECT pg_advisory_unlock({lock}) FROM unnest($2) AS number"
    ))
    .bind::<BigInt, _>(first)
    .bind::<Array<Integer>, _>(numbers)
    .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct GrantedTokens {
    #[diesel(sql_type = BigInt)]
    granted: i64,
}

/// Takes up to `wanted` tokens from a server's two buckets, which are filled by the database's clock: one holds the tokens
/// of a second, the other those of a minute.
pub fn take_tokens(
    conn: &mut PgConnection,
    server: &str,
    pace: ServerRateLimit,
    wanted: i64,
) -> QueryResult<i64> {
    let limit = |mails: u32| {
        if mails == 0 { PLENTY } else { f64::from(mails) }
    };
    let (per_second, per_hour) = (limit(pace.per_second), limit(pace.per_hour));
    let tokens: Option<GrantedTokens> = diesel::sql_query(
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
    .bind::<Text, _>(server)
    .bind::<Double, _>(per_second)
    .bind::<Double, _>(per_hour)
    .bind::<BigInt, _>(wanted)
    .get_result(conn)
    .optional()?;
    // The server may have been deleted meanwhile.
    Ok(tokens.map_or(0, |tokens| tokens.granted))
}
