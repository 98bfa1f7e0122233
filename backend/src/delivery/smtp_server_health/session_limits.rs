//! Session limits of mail servers below the configured number, learned from connections refused while others work. A
//! limit applies to all processes if they share the sessions. Otherwise it is the least that a process has learned: each
//! starts with it, and lowers its own only after a refusal of its own.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz};

use super::model::ServerRevision;
use crate::core::db::schema::mail_servers::{
    self, name, session_limit, session_limit_changed_at, session_limit_response,
};

/// A limit, and when it last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimit {
    pub sessions: i32,
    pub changed_at: DateTime<Utc>,
}

/// A connection refused while others worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedSession {
    /// Remaining sessions.
    pub sessions: i32,
    pub response: String,
}

/// The limits of those of these servers that have one, by server name.
pub fn limits(
    conn: &mut PgConnection,
    names: &[String],
) -> QueryResult<Vec<(String, SessionLimit)>> {
    type LimitRow = (String, Option<i32>, Option<DateTime<Utc>>);
    let rows: Vec<LimitRow> = mail_servers::table
        .filter(name.eq_any(names))
        .filter(session_limit.is_not_null())
        .select((name, session_limit, session_limit_changed_at))
        .load(conn)?;
    let limit = |(server, sessions, changed_at): LimitRow| {
        let limit = SessionLimit {
            sessions: sessions?,
            changed_at: changed_at?,
        };
        Some((server, limit))
    };
    Ok(rows.into_iter().filter_map(limit).collect())
}

/// Lowers a server's limit. Has no effect if a user's server has been changed to another revision since.
pub fn lower(
    conn: &mut PgConnection,
    server: ServerRevision<'_>,
    refusal: &RefusedSession,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE mail_servers SET session_limit = greatest(1, least(session_limit, $2)),
                session_limit_response = $3, session_limit_changed_at = $4
         WHERE name = $1
           AND ($5 IS NULL OR EXISTS (SELECT FROM smtp_servers WHERE id = smtp_server_id AND revision = $5))",
    )
    .bind::<Text, _>(server.name)
    .bind::<Integer, _>(refusal.sessions)
    .bind::<Text, _>(&refusal.response)
    .bind::<Timestamptz, _>(now)
    .bind::<Nullable<Integer>, _>(server.revision)
    .execute(conn)?;
    Ok(())
}

/// Raises the limit by one, unless another process has changed it since; removes it at the number `configured`.
pub fn raise(
    conn: &mut PgConnection,
    server: &str,
    seen: SessionLimit,
    configured: i32,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let unchanged = mail_servers::table
        .find(server)
        .filter(session_limit_changed_at.eq(seen.changed_at));
    let raised = Some(seen.sessions + 1).filter(|sessions| *sessions < configured);
    diesel::update(unchanged)
        .set((
            session_limit.eq(raised),
            session_limit_changed_at.eq(raised.map(|_| now)),
            raised
                .is_none()
                .then(|| session_limit_response.eq(None::<String>)),
        ))
        .execute(conn)?;
    Ok(())
}
