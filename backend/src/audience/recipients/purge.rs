//! Deletes former addresses of recipients, 30 days after the change, once no delivery has them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const FORMER_ADDRESSES: &str = "
    DELETE FROM former_addresses WHERE (recipient_id, email) IN (
        SELECT recipient_id, email FROM former_addresses f
        WHERE replaced_at < $1 - interval '30 days' AND NOT EXISTS (
            SELECT FROM deliveries d WHERE d.recipient_id = f.recipient_id AND lower(d.email) = lower(f.email))
        LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, FORMER_ADDRESSES, now)
}
