//! Finds rows whose address is not normalized.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::core::email_address::EmailAddress;

/// Condition for rows whose address may not be normalized: it is not of the form of `EmailAddress`, or its domain has
/// A-labels, which PostgreSQL cannot decode. [`StoredAddress::is_out_of_form`] decides. What cannot be normalized is left as it
/// is and never mailed: composing a mail to it fails.
pub(super) const MAY_BE_OUT_OF_FORM: &str = r#"(
    email COLLATE "C" !~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[a-z0-9.-]+$'
    OR '.' || split_part(email, '@', 2) || '.' ~ '\.[.-]|-\.|[^.]{64}|\.[0-9]+\.$|\.xn--'
    OR strpos(email, '@') > 65 OR length(split_part(email, '@', 2)) > 253
    OR length(email) > CASE WHEN email ~ '^\.|\.\.|\.@' THEN 252 ELSE 254 END)"#;
/// Users, by the columns of [`StoredAddress`].
pub(super) const USERS: &str = "(SELECT id, id AS owner_id, email FROM users) AS accounts";
/// Senders of users' mail servers.
pub(super) const SENDERS: &str =
    "(SELECT id, owner_id, from_email AS email FROM smtp_servers) AS senders";
/// Number of rows read at once.
pub(super) const BATCH: i64 = 1000;

/// A row whose address is not normalized.
#[derive(Debug, QueryableByName)]
pub(super) struct StoredAddress {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) owner_id: i64,
    #[diesel(sql_type = Text)]
    pub(super) email: String,
}

impl StoredAddress {
    pub(super) fn is_out_of_form(&self) -> bool {
        EmailAddress::parse(&self.email).map_or(true, |address| address.as_str() != self.email)
    }
}

/// The next rows of a table after this id that may not be normalized.
pub(super) fn candidates(
    conn: &mut PgConnection,
    table: &str,
    after: i64,
) -> QueryResult<Vec<StoredAddress>> {
    unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "SELECT id, owner_id, email FROM {table} WHERE {MAY_BE_OUT_OF_FORM} AND id > $1 ORDER BY id LIMIT {BATCH}"
        ))
        .bind::<BigInt, _>(after)
        .load(conn)
    })
}

/// Calls a function for each row of a table whose address is not normalized, in a transaction of its own.
pub(super) fn for_each(
    conn: &mut PgConnection,
    table: &str,
    mut repair: impl FnMut(&mut PgConnection, &StoredAddress) -> QueryResult<()>,
) -> QueryResult<()> {
    visit(conn, table, |conn, row| {
        conn.transaction(|conn| {
            one_at_a_time(conn)?;
            repair(conn, row)
        })
    })
}

/// Calls a function for each row of a table whose address is not normalized, in the order of their ids.
pub(super) fn visit(
    conn: &mut PgConnection,
    table: &str,
    mut act: impl FnMut(&mut PgConnection, &StoredAddress) -> QueryResult<()>,
) -> QueryResult<()> {
    let mut after = 0;
    loop {
        let rows = candidates(conn, table, after)?;
        for row in rows.iter().filter(|row| row.is_out_of_form()) {
            act(conn, row)?;
        }
        match rows.last() {
            Some(last) => after = last.id,
            None => return Ok(()),
        }
    }
}

/// Prevents other processes from normalizing until the transaction ends.
pub(super) fn one_at_a_time(conn: &mut PgConnection) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(7205759404)").execute(conn)?;
    Ok(())
}

/// Reads whole tables, which takes some seconds with millions of rows.
pub(super) fn unhurried<T>(
    conn: &mut PgConnection,
    read: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    conn.transaction(|conn| {
        conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
        read(conn)
    })
}
