//! The names and help texts of the metrics. Counters get the suffix `_total`.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::Metrics;
use super::labels::BuildLabels;

impl Metrics {
    pub(super) fn register(&mut self) {
        let mut registry = std::mem::take(&mut self.registry);
        let to = &mut registry;
        self.register_engine(to);
        self.register_service(to);
        let build: Family<BuildLabels, Gauge> = Family::default();
        build
            .get_or_create(&BuildLabels {
                version: env!("CARGO_PKG_VERSION"),
            })
            .set(1);
        add(to, "build_info", "The program's version", &build);
        self.process.register(to);
        self.registry = registry;
    }

    fn register_engine(&self, to: &mut Registry) {
        add(
            to,
            "attempts",
            "Attempts recorded by this process, by outcome",
            &self.attempts,
        );
        add(
            to,
            "attempt_duration_seconds",
            "Duration of attempts, from the first command to the last reply",
            &self.delivery_seconds,
        );
        add(
            to,
            "smtp_sessions",
            "Connections to mail servers, by state",
            &self.sessions,
        );
        add(
            to,
            "scheduler_passes",
            "Passes of this process's scheduler",
            &self.passes,
        );
        add(
            to,
            "deliveries_waiting",
            "Mails of all open runs: pending, or deferred until a retry",
            &self.deliveries,
        );
        add(
            to,
            "account_mails_waiting",
            "Account mails that are queued",
            &self.account_mails,
        );
        add(
            to,
            "scheduler_lag_seconds",
            "Time for which the oldest due mailing has been waiting to start",
            &self.scheduler_lag,
        );
        add(
            to,
            "run_lateness_seconds",
            "Largest delay of a run started in the last five minutes",
            &self.run_lateness,
        );
        add(
            to,
            "mail_servers",
            "Mail servers in use, by kind: installation, own (of users)",
            &self.servers,
        );
        add(
            to,
            "mail_servers_shut",
            "Mail servers whose circuit breaker is open",
            &self.servers_with_open_breaker,
        );
    }

    fn register_service(&self, to: &mut Registry) {
        add(
            to,
            "database_up",
            "Whether the database responds",
            &self.db_up,
        );
        add(
            to,
            "db_connections",
            "Connections of the pool, by state",
            &self.db_connections,
        );
        add(
            to,
            "db_connections_max",
            "Maximum size of the pool",
            &self.db_connections_max,
        );
        add(
            to,
            "db_wait_seconds",
            "Time queries waited for a thread and a connection",
            &self.db_wait,
        );
        add(
            to,
            "db_timeouts",
            "Queries that timed out waiting for a connection",
            &self.db_timeouts,
        );
        add(
            to,
            "http_requests",
            "Requests, by operation and status class",
            &self.requests,
        );
        add(
            to,
            "http_request_duration_seconds",
            "Time to the start of the response",
            &self.request_seconds,
        );
        add(to, "cache_answers", "Cache lookups, by result", &self.cache);
        add(
            to,
            "redis_configured",
            "Whether REDIS_URL is set",
            &self.redis_configured,
        );
        add(to, "redis_up", "Whether Redis responds", &self.redis_up);
    }
}

fn add(to: &mut Registry, name: &str, help: &str, metric: &(impl Metric + Clone)) {
    to.register(name, help, metric.clone());
}
