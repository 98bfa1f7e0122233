//! Deletes idempotency keys after 24 hours: see `store::KEY_TTL`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

/// The age is checked twice, because a key can be reused meanwhile.
const KEYS: &str = "
    DELETE FROM idempotency_keys WHERE (owner_id, key) IN (
        SELECT owner_id, key FROM idempotency_keys WHERE created_at < $1 - interval '24 hours' LIMIT $2)
    AND created_at < $1 - interval '24 hours'";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, KEYS, now)
}
