//! Names and searched texts: into NFC, by PostgreSQL itself.

use diesel::prelude::*;

use super::{BATCH, unhurried};

/// What people are shown as a name or may search for. Bodies of mails stay as they were written, and what
/// was sent as it was sent.
const TEXTS: [(&str, &str); 13] = [
    ("recipients", "full_name"),
    ("recipients", "comment"),
    ("messages", "subject"),
    ("users", "full_name"),
    ("users", "phone"),
    ("users", "block_reason"),
    ("mailings", "disabled_reason"),
    ("articles", "title"),
    ("articles", "excerpt"),
    ("articles", "beginning"),
    ("smtp_servers", "name"),
    ("smtp_servers", "from_name"),
    ("api_tokens", "name"),
];

/// Brings them into their form, some at a time; their number.
pub(super) fn pass(conn: &mut PgConnection) -> QueryResult<usize> {
    let mut changed = 0;
    for (table, column) in TEXTS {
        loop {
            let some = normalize(conn, table, column)?;
            changed += some;
            if i64::try_from(some) != Ok(BATCH) {
                break;
            }
        }
    }
    Ok(changed)
}

/// A text that grows, as a few old letters do, may not fit into its column: it stays as it is.
fn normalize(conn: &mut PgConnection, table: &str, column: &str) -> QueryResult<usize> {
    unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "UPDATE {table} SET {column} = normalize({column}, NFC) WHERE ctid = ANY (ARRAY (
                 SELECT ctid FROM {table}
                 WHERE {column} IS NOT NFC NORMALIZED AND length(normalize({column}, NFC)) <= length({column})
                 LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
        ))
        .execute(conn)
    })
}
