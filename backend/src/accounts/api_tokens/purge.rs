//! Deletes API tokens 30 days after they expired.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const TOKENS: &str = "
    DELETE FROM api_tokens WHERE id IN (
        SELECT id FROM api_tokens WHERE expires_at < $1 - interval '30 days' LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, TOKENS, now)
}
