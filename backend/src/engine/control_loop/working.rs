//! Tells the other processes with which mail servers the sessions of this one work, and learns it from them: a process
//! that gets no session must not take a server for failing that merely allows no more.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::prelude::*;

use crate::delivery::smtp_server_health::working as store;
use crate::engine::egress_queue::EgressQueue;

/// The servers published by this connection.
#[derive(Default)]
pub(super) struct Working(HashSet<Option<i64>>);

impl Working {
    /// Called when the connection is lost, and its locks with it.
    pub(super) fn forget(&mut self) {
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
