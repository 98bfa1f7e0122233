//! Deletes transactional mails 30 days after they were sent or given up.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const MAILS: &str = "
    DELETE FROM account_mails WHERE id IN (
        SELECT id FROM account_mails
        WHERE next_attempt_at IS NULL AND coalesce(sent_at, created_at) < $1 - interval '30 days' LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, MAILS, now)
}
