//! What cannot be normalized automatically and needs manual attention.

use std::fmt;

use diesel::prelude::*;

use super::rows::{SENDERS, USERS, visit};

/// Maximum number of accounts that are named.
const MAX_USERS: usize = 10;

/// Rows whose address is not normalized. Ids and counts only: addresses are never logged.
#[derive(Debug, PartialEq, Eq)]
pub struct Leftovers {
    /// Accounts with the same mailbox as another one, or with an invalid address; at most ten.
    pub user_ids: Vec<i64>,
    /// Recipients that are not mailed, or are merged once their pending mails have been sent.
    pub recipients: i64,
    pub suppressions: i64,
    /// Mail servers of users, by sender.
    pub senders: i64,
}

impl Leftovers {
    pub fn is_empty(&self) -> bool {
        self.user_ids.is_empty() && self.recipients + self.suppressions + self.senders == 0
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            user_ids,
            recipients,
            suppressions,
            senders,
        } = self;
        let mut parts = Vec::new();
        if !user_ids.is_empty() {
            let ids: Vec<_> = user_ids.iter().map(ToString::to_string).collect();
            let ids = ids.join(", ");
            parts.push(format!(
                "users {ids}: another account has the same mailbox, or the address is invalid"
            ));
        }
        for (count, what) in [
            (
                recipients,
                "recipients are not mailed: their address is invalid, or they wait to be merged",
            ),
            (suppressions, "suppressions have an invalid address"),
            (
                senders,
                "mail servers of users have an invalid sender address",
            ),
        ] {
            if *count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        f.write_str(&parts.join("; "))
    }
}

/// Counts the leftovers.
pub fn find(conn: &mut PgConnection) -> QueryResult<Leftovers> {
    let mut user_ids = Vec::new();
    visit(conn, USERS, |_, row| {
        if user_ids.len() < MAX_USERS {
            user_ids.push(row.id);
        }
        Ok(())
    })?;
    Ok(Leftovers {
        user_ids,
        recipients: count(conn, "recipients")?,
        suppressions: count(conn, "suppressions")?,
        senders: count(conn, SENDERS)?,
    })
}

fn count(conn: &mut PgConnection, table: &str) -> QueryResult<i64> {
    let mut count = 0;
    visit(conn, table, |_, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}
