//! Publishes the mail servers with which the sessions of this process work, and queries those of the other processes:
//! a process without a session must not consider a server failing that only limits the number of sessions.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::prelude::*;

use crate::delivery::smtp_server_health::working as store;
use crate::engine::egress_queue::EgressQueue;

/// The servers published by this connection.
#[derive(Default)]
pub(super) struct PublishedServers(HashSet<Option<i64>>);

impl PublishedServers {
    /// Called when the connection is lost, and its locks with it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Publishes what has changed, and asks about the servers that have refused this process.
    pub(super) fn exchange(
        &mut self,
        conn: &mut PgConnection,
        queues: &[Arc<EgressQueue>],
    ) -> QueryResult<()> {
        let works: HashSet<Option<i64>> = queues
            .iter()
            .filter(|queue| queue.works())
            .map(|queue| queue.target.server_key.smtp_server_id)
            .collect();
        for ended in self.0.difference(&works) {
            store::withdraw(conn, *ended)?;
        }
        for new in works.difference(&self.0) {
            store::publish(conn, *new)?;
        }
        self.0 = works;
        for queue in queues.iter().filter(|queue| queue.asks_others()) {
            let server = queue.target.server_key.smtp_server_id;
            queue.set_works_elsewhere(store::is_elsewhere(conn, server)?);
        }
        Ok(())
    }
}
