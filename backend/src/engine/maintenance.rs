//! Maintenance: deletes expired rows, a few at a time, and normalizes rows of earlier releases.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use tokio::sync::watch;
use tokio::time::timeout;

use super::database_error::DatabaseError;
use crate::accounts::{api_tokens, audit_log, auth, invitations, sessions, transactional_mails};
use crate::audience::recipients;
use crate::content::images;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::engine::normalization::result::NormalizationPass;
use crate::engine::normalization::{self, leftovers};

/// Interval between passes when no expired rows are left.
const INTERVAL: Duration = Duration::from_hours(1);
/// Interval of normalization: processes of the previous release may run for a while.
const NORMALIZATION_INTERVAL: Duration = Duration::from_hours(24);

/// Deletes some expired rows of a slice; returns whether more may be left.
pub type Purge = fn(&mut PgConnection, DateTime<Utc>) -> QueryResult<bool>;

const PURGES: [Purge; 7] = [
    auth::purge::purge,
    sessions::purge::purge,
    transactional_mails::purge::purge,
    invitations::purge::purge,
    api_tokens::purge::purge,
    recipients::purge::purge,
    images::purge::purge,
];

#[derive(Clone)]
pub struct Maintenance {
    db: Db,
    clock: Clock,
    audit_log_retention: TimeDelta,
    purges: Vec<Purge>,
}

impl Maintenance {
    /// Entries of the audit log are kept for `audit_log_retention`.
    pub fn new(db: Db, clock: Clock, audit_log_retention: TimeDelta) -> Self {
        Self {
            db,
            clock,
            audit_log_retention,
            purges: PURGES.to_vec(),
        }
    }

    /// Adds the purge of a module that the engine does not import.
    #[must_use]
    pub fn with(mut self, purge: Purge) -> Self {
        self.purges.push(purge);
        self
    }

    /// Runs passes until stopped.
    pub(super) async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut normalized = None;
        while !*stopped.borrow() {
            if normalized.is_none_or(|at: Instant| at.elapsed() >= NORMALIZATION_INTERVAL) {
                self.normalize().await;
                normalized = Some(Instant::now());
            }
            let pass = self.clone();
            let passed = self
                .db
                .run(move |conn| pass.pass(conn).map_err(DatabaseError::from))
                .await;
            let more = passed.unwrap_or_else(|error| {
                tracing::warn!(%error, "could not delete expired rows; retrying in an hour");
                false
            });
            if !more {
                timeout(INTERVAL, stopped.changed()).await.ok();
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

    /// Deletes some expired rows of each slice; returns whether more may be left.
    pub fn pass(&self, conn: &mut PgConnection) -> QueryResult<bool> {
        let now = self.clock.now();
        let mut more = audit_log::purge::purge_before(conn, now - self.audit_log_retention)?;
        for purge in &self.purges {
            more |= purge(conn, now)?;
        }
        Ok(more)
    }
}
