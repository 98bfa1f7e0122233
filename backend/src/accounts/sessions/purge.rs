//! Deletes sessions 30 days after their end.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

/// A session ends when revoked, 30 days after its last use, or 90 days after its sign-in.
const SESSIONS: &str = "
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE least(revoked_at, last_used_at + interval '30 days', created_at + interval '90 days')
              < $1 - interval '30 days' LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, SESSIONS, now)
}
