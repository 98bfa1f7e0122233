//! Synchronises the session limits of the mail servers with the other processes.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::delivery::smtp_server_health::model::ServerRevision;
use crate::delivery::smtp_server_health::session_limits as store;
use crate::engine::egress_queue::EgressQueue;

/// Interval after which one more session is tried with a server that has refused connections.
const RAISE_AFTER: TimeDelta = TimeDelta::minutes(2);

/// Persists that the server has refused a connection.
pub(super) fn persist_refusal(
    conn: &mut PgConnection,
    queue: &EgressQueue,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let Some(refusal) = queue.refusal() else {
        return Ok(());
    };
    tracing::warn!(
        server = queue.name,
        sessions = refusal.sessions,
        "mail server refused a connection; session limit lowered"
    );
    let revision = queue.target.server_key.smtp_server_revision;
    let server = ServerRevision {
        name: &queue.name,
        revision,
    };
    store::lower(conn, server, &refusal, now)?;
    queue.refusal_persisted(&refusal);
    Ok(())
}

/// Applies the shared session limits, and raises one when it is due.
pub(super) fn follow(
    conn: &mut PgConnection,
    queues: &[Arc<EgressQueue>],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let names: Vec<String> = queues.iter().map(|queue| queue.name.clone()).collect();
    let limits = store::limits(conn, &names)?;
    for queue in queues {
        let found = limits.iter().find(|(name, _)| *name == queue.name);
        let limit = found.map(|(_, limit)| *limit);
        queue.follow_limit(limit.map(|limit| limit.sessions));
        // Without traffic a higher limit cannot be verified.
        let is_due = |limit: &store::SessionLimit| limit.changed_at + RAISE_AFTER <= now;
        if let Some(limit) = limit.filter(is_due)
            && queue.chunks() > 0
        {
            store::raise(conn, &queue.name, limit, queue.sessions_configured(), now)?;
        }
    }
    Ok(())
}
