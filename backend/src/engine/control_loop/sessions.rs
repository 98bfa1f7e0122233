//! Sessions that all processes share: each is a lock of the control loop's connection, free again when the process dies.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;

use crate::engine::egress_queue::EgressQueue;
use crate::mail_servers::store;

/// Those that are ours as long as the connection lasts, by their server.
#[derive(Default)]
pub(super) struct Sessions(HashMap<Option<i64>, Vec<i32>>);

impl Sessions {
    /// The connection is gone, and the locks with it.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Takes what is free of each queue's sessions, and gives back what is not needed any more; tells how many there are now
    /// of each queue whose sessions are shared.
    pub(super) fn share<'a>(
        &mut self,
        conn: &mut PgConnection,
        queues: &'a [Arc<EgressQueue>],
    ) -> QueryResult<Vec<(&'a EgressQueue, usize)>> {
        self.give_back_but(conn, queues)?;
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
            let most = queue.target.sessions.saturating_sub(mine.len());
            let free: Vec<i32> = (0..in_all)
                .filter(|number| !mine.contains(number))
                .collect();
            if most > 0 && !free.is_empty() {
                mine.extend(store::take_sessions(conn, own, (&free, most))?);
            }
            held.push((queue.as_ref(), mine.len().min(queue.target.sessions)));
        }
        Ok(held)
    }

    fn give_back_but(
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
