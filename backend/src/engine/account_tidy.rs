//! What accounts leave behind and nobody needs any more: links that have expired, mails and sessions of a month ago.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;

use super::account_mail::QueueError;
use crate::db::Db;

/// How often it is looked for; what is left then is left for the next time.
const EVERY: TimeDelta = TimeDelta::hours(1);

/// Each deletes a bounded number, so that no lock and no transaction is a long one. A session that was not continued has
/// ended 30 days after its last use: see `auth::sessions::LIFETIME_DAYS`.
const LEFTOVERS: [&str; 4] = [
    "DELETE FROM account_tokens WHERE token_hash IN (SELECT token_hash FROM account_tokens WHERE expires_at <= $1 LIMIT 5000)",
    "DELETE FROM account_mails WHERE id IN (SELECT id FROM account_mails
        WHERE next_attempt_at IS NULL AND coalesce(sent_at, created_at) < $1 - interval '30 days' LIMIT 5000)",
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
        WHERE least(revoked_at, last_used_at + interval '30 days') < $1 - interval '30 days' LIMIT 5000)",
    "DELETE FROM api_tokens WHERE id IN (SELECT id FROM api_tokens WHERE expires_at < $1 - interval '30 days' LIMIT 5000)",
];

/// Deletes it now and then.
#[derive(Default)]
pub(super) struct Broom {
    last: Option<DateTime<Utc>>,
}

impl Broom {
    /// Deletes some of it, unless the last time was less than an hour ago.
    pub(super) async fn sweep(&mut self, db: &Db, now: DateTime<Utc>) {
        if self.last.is_some_and(|at| now < at + EVERY) {
            return;
        }
        self.last = Some(now);
        match db.run(move |conn| pass(conn, now)).await {
            Ok(0) => {}
            Ok(deleted) => {
                tracing::info!(deleted, "expired links, old mails and sessions are gone");
            }
            Err(error) => tracing::warn!(%error, "what accounts leave behind stays for an hour"),
        }
    }
}

fn pass(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<usize, QueueError> {
    let mut deleted = 0;
    for leftovers in LEFTOVERS {
        deleted += diesel::sql_query(leftovers)
            .bind::<Timestamptz, _>(now)
            .execute(conn)?;
    }
    Ok(deleted)
}
