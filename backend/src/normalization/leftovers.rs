//! What cannot be normalized automatically and needs manual attention.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};

use super::{OUT_OF_FORM, unhurried};

/// Rows whose address is not normalized. Ids and counts only: addresses are never logged.
#[derive(Debug, PartialEq, Eq, QueryableByName)]
pub struct Leftovers {
    /// Accounts with the same mailbox as another one, or with an invalid address; at most ten.
    #[diesel(sql_type = Array<BigInt>)]
    pub user_ids: Vec<i64>,
    /// Recipients that are not mailed, or are merged once their pending mails have been sent.
    #[diesel(sql_type = BigInt)]
    pub recipients: i64,
    #[diesel(sql_type = BigInt)]
    pub suppressions: i64,
    /// Mail servers of users, by sender.
    #[diesel(sql_type = BigInt)]
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
    unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "SELECT ARRAY(SELECT id FROM users WHERE {OUT_OF_FORM} ORDER BY id LIMIT 10) AS user_ids,
                    (SELECT count(*) FROM recipients WHERE {OUT_OF_FORM}) AS recipients,
                    (SELECT count(*) FROM suppressions WHERE {OUT_OF_FORM}) AS suppressions,
                    (SELECT count(*) FROM (SELECT from_email AS email FROM smtp_servers) AS senders
                     WHERE {OUT_OF_FORM}) AS senders"
        ))
        .get_result(conn)
    })
}
