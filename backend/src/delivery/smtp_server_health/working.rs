//! Which mail servers the sessions of a process work with: an advisory lock for each, shared by all processes it applies
//! to, and released when the process dies.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

/// Separates these locks from others in this database.
const WORKING: i64 = 0x5e56 << 48;

/// Users' servers are numbered by their ids, from 1; the installation's is 0.
fn key(smtp_server_id: Option<i64>) -> i64 {
    WORKING + smtp_server_id.unwrap_or_default()
}

/// Publishes that sessions with this server work, as long as the connection lasts.
pub fn publish(conn: &mut PgConnection, smtp_server_id: Option<i64>) -> QueryResult<()> {
    execute(conn, "SELECT pg_advisory_lock_shared($1)", smtp_server_id)
}

/// Withdraws that.
pub fn withdraw(conn: &mut PgConnection, smtp_server_id: Option<i64>) -> QueryResult<()> {
    execute(conn, "SELECT pg_advisory_unlock_shared($1)", smtp_server_id)
}

fn execute(conn: &mut PgConnection, sql: &str, smtp_server_id: Option<i64>) -> QueryResult<()> {
    diesel::sql_query(sql)
        .bind::<BigInt, _>(key(smtp_server_id))
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct WorkingElsewhere {
    #[diesel(sql_type = Bool)]
    elsewhere: bool,
}

/// Whether sessions of another process with this server work.
pub fn is_elsewhere(conn: &mut PgConnection, smtp_server_id: Option<i64>) -> QueryResult<bool> {
    let found: WorkingElsewhere = diesel::sql_query(
        // A lock of one number is listed as two halves of 32 bits.
        "SELECT EXISTS (
             SELECT FROM pg_locks
             WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid <> pg_backend_pid()
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid::bigint = $1 >> 32 AND objid::bigint = $1 & 4294967295) AS elsewhere",
    )
    .bind::<BigInt, _>(key(smtp_server_id))
    .get_result(conn)?;
    Ok(found.elsewhere)
}
