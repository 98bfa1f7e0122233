//! Keeps in step with the other processes about how many sessions mail servers allow.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::engine::egress_queue::EgressQueue;
use crate::mail_servers::session_limits as store;

/// A server that has refused connections is tried with one session more after this, again and again.
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
        "mail server refused a connection; fewer sessions"
    );
    let revision = queue.target.server_key.smtp_server_revision;
    store::lower(conn, (&queue.name, revision), &refusal, now)?;
    queue.refusal_persisted(&refusal);
    Ok(())
}

/// Follows what all processes know, and raises a limit when its time has come.
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
        // Where nothing is sent nothing is learned.
        let is_due = |limit: &store::SessionLimit| limit.changed_at + RAISE_AFTER <= now;
        if let Some(limit) = limit.filter(is_due)
            && queue.chunks() > 0
        {
            store::raise(conn, &queue.name, (limit, queue.sessions_configured()), now)?;
        }
    }
    Ok(())
}
