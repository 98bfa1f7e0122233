//! Brings what earlier releases stored into the forms that are compared now: addresses into that of `EmailAddress`, names
//! and searched texts into NFC. PostgreSQL knows no UTS #46, so this is done here and not by a migration. A pass may be
//! made at any time, beside processes of the release before and beside itself, and changes nothing that is in its form.

pub mod leftovers;
mod merge;
mod names;
mod recipients;
mod senders;
mod suppressions;
mod users;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// Of a table's rows, those whose address is not in its form: ASCII, with a domain in lower case. What cannot be brought
/// into it stays so, and is mailed to by nobody: the composing of a mail refuses it.
const OUT_OF_FORM: &str = r#"email COLLATE "C" !~ '^[!-?A-~]+@[a-z0-9.-]+$'"#;
/// Read at once.
const BATCH: i64 = 1000;

/// What a pass has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Addresses that were brought into their form.
    pub addresses: usize,
    /// Recipients that turned out to be another one of the same owner, and were merged with it.
    pub merged: usize,
    /// Names and other texts that were brought into NFC.
    pub texts: usize,
}

/// Makes one pass over everything. Each change is a transaction of its own; to be called outside of one.
pub fn pass(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Pass> {
    let mut done = Pass::default();
    // Suppressions first: a recipient that comes into its form is then found to be suppressed.
    suppressions::pass(conn, &mut done)?;
    recipients::pass(conn, now, &mut done)?;
    users::pass(conn, now, &mut done)?;
    senders::pass(conn, now, &mut done)?;
    done.texts = names::pass(conn)?;
    Ok(done)
}

/// A row whose address is not in its form.
#[derive(Debug, QueryableByName)]
struct Stored {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = Text)]
    email: String,
}

/// The next rows of a table behind this id.
fn out_of_form(conn: &mut PgConnection, table: &str, after: i64) -> QueryResult<Vec<Stored>> {
    unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "SELECT id, owner_id, email FROM {table} WHERE {OUT_OF_FORM} AND id > $1 ORDER BY id LIMIT {BATCH}"
        ))
        .bind::<BigInt, _>(after)
        .load(conn)
    })
}

/// Does something with each row of a table whose address is not in its form.
fn for_each(
    conn: &mut PgConnection,
    table: &str,
    mut repair: impl FnMut(&mut PgConnection, &Stored) -> QueryResult<()>,
) -> QueryResult<()> {
    let mut after = 0;
    loop {
        let rows = out_of_form(conn, table, after)?;
        for row in &rows {
            conn.transaction(|conn| {
                one_at_a_time(conn)?;
                repair(conn, row)
            })?;
        }
        match rows.last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}

/// Until the transaction ends, no other process repairs anything.
fn one_at_a_time(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(7205759404)").execute(conn)?;
    Ok(())
}

/// Reads whole tables, which takes some seconds where there are millions of rows.
fn unhurried<T>(
    conn: &mut PgConnection,
    read: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    conn.transaction(|conn| {
        conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
        read(conn)
    })
}
