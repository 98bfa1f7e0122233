//! Converts names and searched texts to NFC, in PostgreSQL.

use diesel::prelude::*;

use super::rows::{BATCH, unhurried};

/// Columns that are shown as a name or can be searched. Bodies of messages stay as they were written, and sent mails
/// as they were sent.
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

/// Converts a batch at a time; returns the number of converted texts.
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

/// NFC may make a text longer than its column allows, as with a few compatibility characters: it is left unchanged.
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
