//! The names of the metrics, as dashboards and alerts know them, and what they mean. Counters get `_total` behind theirs.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

use super::labels::Build;
use super::meters::Meters;

impl Meters {
    pub(super) fn register(&mut self) {
        let mut registry = std::mem::take(&mut self.registry);
        let to = &mut registry;
        self.register_engine(to);
        self.register_service(to);
        let build: Family<Build, Gauge> = Family::default();
        build
            .get_or_create(&Build {
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
            "How long attempts took, from the first command to the last reply",
            &self.delivery_seconds,
        );
        add(
            to,
            "smtp_sessions",
            "Connections to mail servers, busy or idle",
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
            "Mails about accounts that have not left",
            &self.account_mails,
        );
        add(
            to,
            "scheduler_lag_seconds",
            "For how long the oldest mailing has been due that has not begun",
            &self.scheduler_lag,
        );
        add(
            to,
            "run_lateness_seconds",
            "How late the latest of the runs began that began within the last five minutes",
            &self.run_lateness,
        );
        add(
            to,
            "mail_servers",
            "Mail servers that are in use, the installation's and people's own",
            &self.servers,
        );
        add(
            to,
            "mail_servers_shut",
            "Of them, those that are left alone for a while",
            &self.servers_shut,
        );
    }

    fn register_service(&self, to: &mut Registry) {
        add(
            to,
            "database_up",
            "Whether the database has answered",
            &self.db_up,
        );
        add(
            to,
            "db_connections",
            "Connections of the pool, in use or idle",
            &self.db_connections,
        );
        add(
            to,
            "db_connections_max",
            "Connections that the pool may have",
            &self.db_connections_max,
        );
        add(
            to,
            "db_wait_seconds",
            "How long work waited for a thread and a connection",
            &self.db_wait,
        );
        add(
            to,
            "db_timeouts",
            "Work that got no connection in time",
            &self.db_timeouts,
        );
        add(
            to,
            "http_requests",
            "Requests answered, by operation and class of status",
            &self.requests,
        );
        add(
            to,
            "http_request_duration_seconds",
            "How long the beginning of an answer took",
            &self.request_seconds,
        );
        add(
            to,
            "cache_answers",
            "Answers that were kept ready, or had to be made",
            &self.cache,
        );
        add(
            to,
            "redis_configured",
            "Whether REDIS_URL is set",
            &self.redis_configured,
        );
        add(to, "redis_up", "Whether Redis has answered", &self.redis_up);
    }
}

fn add(to: &mut Registry, name: &str, help: &str, metric: &(impl Metric + Clone)) {
    to.register(name, help, metric.clone());
}
