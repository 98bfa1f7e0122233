//! Sessions shared by all processes: each is an advisory lock held by the control loop's connection, released when
//! the process dies.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use crate::delivery::smtp_server_health::store;
use crate::engine::egress_queue::EgressQueue;

/// The sessions held by this connection, by server.
#[derive(Default)]
pub(super) struct SharedSessions(HashMap<Option<i64>, Vec<i32>>);

impl SharedSessions {
    /// Called when the connection is lost, and its locks with it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Acquires free session slots for each queue and releases those no longer needed; returns how many each queue
    /// with shared sessions now holds.
    pub(super) fn share<'a>(
        &mut self,
        conn: &mut PgConnection,
        queues: &'a [Arc<EgressQueue>],
    ) -> QueryResult<Vec<(&'a EgressQueue, usize)>> {
        self.release_unused(conn, queues)?;
        let mut held = Vec::new();
        for queue in queues {
            let Some(in_all) = queue.shared_sessions() else {
                continue;
            };
            let own = queue.target.server_key.smtp_server_id;
            let mine = self.0.entry(own).or_default();
            let above: Vec<i32> = mine.extract_if(.., |number| *number >= in_all).collect();
            if !above.is_empty() {
                store::give_sessions_back(conn, own, &above)?;
            }
            let missing = queue.target.sessions.saturating_sub(mine.len());
            let free: Vec<i32> = (0..in_all)
                .filter(|number| !mine.contains(number))
                .collect();
            if missing > 0 && !free.is_empty() {
                mine.extend(store::take_sessions(conn, own, &free, missing)?);
            }
            held.push((queue.as_ref(), mine.len().min(queue.target.sessions)));
        }
        Ok(held)
    }

    fn release_unused(
        &mut self,
        conn: &mut PgConnection,
        queues: &[Arc<EgressQueue>],
    ) -> QueryResult<()> {
        let is_open = |own: &Option<i64>| {
            let mut open = queues
                .iter()
                .map(|queue| queue.target.server_key.smtp_server_id);
            open.any(|server_key| server_key == *own)
        };
        let closed: Vec<_> = self.0.keys().filter(|own| !is_open(own)).copied().collect();
        for own in closed {
            if let Some(numbers) = self.0.remove(&own) {
                store::give_sessions_back(conn, own, &numbers)?;
            }
        }
        Ok(())
    }
}
