//! Upkeep: what has been kept long enough is forgotten, a little at a time.

use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use tokio::sync::watch;
use tokio::time::timeout;

use super::PassError;
use crate::clock::Clock;
use crate::db::Db;
use crate::events;

/// Forgotten by one statement.
const AT_ONCE: i64 = 1000;
/// How long it rests when there is nothing more to forget.
const REST: Duration = Duration::from_hours(1);

/// Forgets events that are older than they are kept.
#[derive(Clone)]
pub struct Upkeep {
    db: Db,
    clock: Clock,
    events_kept: TimeDelta,
}

impl Upkeep {
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
        while !*stopped.borrow() {
            let pass = self.clone();
            let forgotten = self
                .db
                .run(move |conn| pass.pass(conn).map_err(PassError::from))
                .await;
            let more = forgotten.unwrap_or_else(|error| {
                tracing::warn!(%error, "old events could not be forgotten; trying again in an hour");
                false
            });
            if !more {
                timeout(REST, stopped.changed()).await.ok();
            }
        }
    }

    /// Forgets some; whether there may be more.
    pub fn pass(&self, conn: &mut PgConnection) -> QueryResult<bool> {
        let before = self.clock.now() - self.events_kept;
        let forgotten = events::store::forget(conn, before, AT_ONCE)?;
        Ok(i64::try_from(forgotten) == Ok(AT_ONCE))
    }
}
