//! Gauges that are updated when Prometheus scrapes the process.

use super::Metrics;
use super::labels::{ServerLabels, StateLabels};
use super::store::{Backlog, Waiting};

/// Connections of the database pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolConnections {
    pub in_use: u32,
    pub idle: u32,
    pub max: u32,
}

impl Metrics {
    /// Updates the gauges of this process: memory, files, pool and SMTP sessions.
    pub fn update_process(&self, pool: PoolConnections) {
        self.process.update();
        let connections = |state| {
            self.db_connections
                .get_or_create_owned(&StateLabels { state })
        };
        connections("in_use").set(pool.in_use.into());
        connections("idle").set(pool.idle.into());
        self.db_connections_max.set(pool.max.into());
        let idle = self.sessions_idle.get();
        let sessions = |state| self.sessions.get_or_create_owned(&StateLabels { state });
        sessions("idle").set(idle);
        sessions("busy").set((self.sessions_open.get() - idle).max(0));
    }

    /// Updates the gauges read from the database; `None` if it did not respond.
    pub fn update_backlog(&self, read: Option<(Waiting, Backlog)>) {
        self.db_up.set(read.is_some().into());
        let Some((waiting, backlog)) = read else {
            return;
        };
        let deliveries = |state| self.deliveries.get_or_create_owned(&StateLabels { state });
        deliveries("pending").set(waiting.pending);
        deliveries("deferred").set(waiting.deferred);
        self.account_mails.set(backlog.account_mails);
        self.scheduler_lag.set(backlog.scheduler_lag_s.max(0.0));
        self.run_lateness.set(backlog.run_lateness_s.max(0.0));
        for (server, in_use, open) in [
            ("installation", 1, backlog.installation_shut),
            ("own", backlog.own_servers, backlog.own_shut),
        ] {
            let labels = ServerLabels { server };
            self.servers.get_or_create(&labels).set(in_use);
            self.servers_with_open_breaker
                .get_or_create(&labels)
                .set(open);
        }
    }
}
