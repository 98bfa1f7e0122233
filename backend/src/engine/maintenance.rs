//! Maintenance: what has been kept long enough is deleted, a little at a time.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use tokio::sync::watch;
use tokio::time::timeout;

use super::database_error::DatabaseError;
use crate::accounts::audit_log;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::engine::normalization::result::NormalizationPass;
use crate::engine::normalization::{self, leftovers};

/// Deleted by one statement, so that no lock and no transaction is a long one.
const AT_ONCE: i64 = 1000;
/// How long it rests when there is nothing more to delete.
const REST: Duration = Duration::from_hours(1);

/// Processes of the previous release may run beside this one for a while.
const NORMALIZED_EVERY: Duration = Duration::from_hours(24);

/// Rows of accounts, articles and processes that are no longer needed. A session that was not refreshed has ended 30
/// days after its last use, or 90 days after its sign-in: see `accounts::sessions`. Keys: see
/// `idempotency_keys::store::KEPT`. A former address is needed as long as a delivery has it.
const LEFTOVERS: [&str; 8] = [
    "DELETE FROM account_tokens WHERE token_hash IN (SELECT token_hash FROM account_tokens WHERE expires_at <= $1 LIMIT $2)",
    "DELETE FROM account_mails WHERE id IN (SELECT id FROM account_mails
        WHERE next_attempt_at IS NULL AND coalesce(sent_at, created_at) < $1 - interval '30 days' LIMIT $2)",
    "DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE expires_at < $1 - interval '30 days' LIMIT $2)",
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
        WHERE least(revoked_at, last_used_at + interval '30 days', created_at + interval '90 days') < $1 - interval '30 days' LIMIT $2)",
    "DELETE FROM api_tokens WHERE id IN (SELECT id FROM api_tokens WHERE expires_at < $1 - interval '30 days' LIMIT $2)",
    "DELETE FROM idempotency_keys WHERE (owner_id, key) IN (SELECT owner_id, key FROM idempotency_keys
        WHERE created_at < $1 - interval '24 hours' LIMIT $2) AND created_at < $1 - interval '24 hours'",
    "DELETE FROM former_addresses WHERE (recipient_id, email) IN (SELECT recipient_id, email FROM former_addresses f
        WHERE replaced_at < $1 - interval '30 days' AND NOT EXISTS (
            SELECT FROM deliveries d WHERE d.recipient_id = f.recipient_id AND lower(d.email) = lower(f.email)) LIMIT $2)",
    // Once a picture is that old it is looked for in all articles, for another week and not for ever.
    "DELETE FROM images WHERE name IN (SELECT name FROM images
        WHERE created_at < $1 - interval '7 days' AND created_at > $1 - interval '14 days' AND NOT EXISTS (
            SELECT FROM articles WHERE articles.image = images.name OR strpos(articles.html, images.name) > 0) LIMIT $2)",
];

/// Deletes what is past its time.
#[derive(Clone)]
pub struct Maintenance {
    db: Db,
    clock: Clock,
    events_kept: TimeDelta,
}

impl Maintenance {
    /// Events are kept for so long.
    pub fn new(db: Db, clock: Clock, events_kept: TimeDelta) -> Self {
        Self {
            db,
            clock,
            events_kept,
        }
    }

    /// Makes passes until told to stop.
    pub(super) async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut normalized = None;
        while !*stopped.borrow() {
            if normalized.is_none_or(|at: Instant| at.elapsed() >= NORMALIZED_EVERY) {
                self.normalize().await;
                normalized = Some(Instant::now());
            }
            let pass = self.clone();
            let deleted = self
                .db
                .run(move |conn| pass.pass(conn).map_err(DatabaseError::from))
                .await;
            let more = deleted.unwrap_or_else(|error| {
                tracing::warn!(%error, "what is past its time stays for an hour");
                false
            });
            if !more {
                timeout(REST, stopped.changed()).await.ok();
            }
        }
    }

    /// Normalizes what a process of an earlier release has stored, and logs what has to be fixed by hand.
    async fn normalize(&self) {
        let now = self.clock.now();
        let work = move |conn: &mut PgConnection| {
            let done = normalization::pass(conn, now)?;
            Ok::<_, DatabaseError>((done, leftovers::find(conn)?))
        };
        match self.db.run(work).await {
            Err(error) => {
                tracing::warn!(%error, "could not normalize stored addresses and names; retrying in a day");
            }
            Ok((done, left)) => {
                if done != NormalizationPass::default() {
                    let NormalizationPass {
                        addresses,
                        merged,
                        texts,
                    } = done;
                    tracing::info!(
                        addresses,
                        merged,
                        texts,
                        "stored addresses and names normalized"
                    );
                }
                if !left.is_empty() {
                    tracing::warn!("some stored addresses need manual attention: {left}");
                }
            }
        }
    }

    /// Deletes some; whether there may be more.
    pub fn pass(&self, conn: &mut PgConnection) -> QueryResult<bool> {
        let now = self.clock.now();
        let events = audit_log::store::purge(conn, now - self.events_kept, AT_ONCE)?;
        let mut more = is_all_it_may(events);
        for leftovers in LEFTOVERS {
            more |= is_all_it_may(sweep(conn, leftovers, now)?);
        }
        Ok(more)
    }
}

fn sweep(conn: &mut PgConnection, leftovers: &str, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::sql_query(leftovers)
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(AT_ONCE)
        .execute(conn)
}

fn is_all_it_may(deleted: usize) -> bool {
    i64::try_from(deleted) == Ok(AT_ONCE)
}
