//! Deletes expired tokens of mailed links.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const TOKENS: &str = "
    DELETE FROM account_tokens WHERE token_hash IN (
        SELECT token_hash FROM account_tokens WHERE expires_at <= $1 LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, TOKENS, now)
}
