//! Deletes old entries of the audit log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const ENTRIES: &str = "
    DELETE FROM events WHERE id = ANY(ARRAY(
        SELECT id FROM events WHERE at < $1 ORDER BY at, id LIMIT $2))";

/// Deletes some of the entries before this time, oldest first; returns whether more may be left.
pub fn purge_before(conn: &mut PgConnection, time: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, ENTRIES, time)
}
