//! Deletes invitations 30 days after they expired.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::purge::delete_some;

const INVITATIONS: &str = "
    DELETE FROM invitations WHERE id IN (
        SELECT id FROM invitations WHERE expires_at < $1 - interval '30 days' LIMIT $2)";

/// Deletes some expired rows; returns whether more may be left.
pub fn purge(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    delete_some(conn, INVITATIONS, now)
}
