//! Metrics of this process, for Prometheus: counted by the code, or read from the database on a scrape (`store`). An
//! update costs tens of nanoseconds; mails are counted in the result writer's batches. Label values come from short lists,
//! never from addresses, names or client input.

mod fraction;
mod labels;
mod names;
pub(crate) mod process;
pub mod scrape;
pub mod store;

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use smtp::disposition::Outcome;
use strum::VariantArray;

use self::fraction::Fraction;
use self::labels::{
    CacheLabels, OutcomeLabels, RequestLabels, RouteLabels, ServerLabels, StateLabels,
};
use self::process::ProcessMetrics;

type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// All metrics of this process.
pub struct Metrics {
    registry: Registry,
    attempts: Family<OutcomeLabels, Counter>,
    delivery_seconds: Histogram,
    sessions_open: Gauge,
    sessions_idle: Gauge,
    sessions: Family<StateLabels, Gauge>,
    passes: Counter,
    last_pass: Mutex<Option<Instant>>,
    deliveries: Family<StateLabels, Gauge>,
    account_mails: Gauge,
    scheduler_lag: Fraction,
    run_lateness: Fraction,
    servers: Family<ServerLabels, Gauge>,
    servers_with_open_breaker: Family<ServerLabels, Gauge>,
    db_up: Gauge,
    db_connections: Family<StateLabels, Gauge>,
    db_connections_max: Gauge,
    pub db_wait: Histogram,
    pub db_timeouts: Counter,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Timed<RouteLabels>,
    cache: Family<CacheLabels, Counter>,
    pub redis_configured: Gauge,
    pub redis_up: Gauge,
    process: ProcessMetrics,
}

/// The metrics of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);
    &METRICS
}

/// Buckets from 1 ms to 1 min.
fn seconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

fn timed<L: Clone + Eq + std::hash::Hash>() -> Timed<L> {
    Family::new_with_constructor(seconds)
}

impl Metrics {
    fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("dispatch"),
            attempts: Family::default(),
            delivery_seconds: seconds(),
            sessions_open: Gauge::default(),
            sessions_idle: Gauge::default(),
            sessions: Family::default(),
            passes: Counter::default(),
            last_pass: Mutex::default(),
            deliveries: Family::default(),
            account_mails: Gauge::default(),
            scheduler_lag: Fraction::default(),
            run_lateness: Fraction::default(),
            servers: Family::default(),
            servers_with_open_breaker: Family::default(),
            db_up: Gauge::default(),
            db_connections: Family::default(),
            db_connections_max: Gauge::default(),
            db_wait: seconds(),
            db_timeouts: Counter::default(),
            requests: Family::default(),
            request_seconds: timed(),
            cache: Family::default(),
            redis_configured: Gauge::default(),
            redis_up: Gauge::default(),
            process: ProcessMetrics::default(),
        };
        metrics.register();
        // Present from the start, to distinguish zero from an unknown value.
        for outcome in Outcome::VARIANTS {
            drop(metrics.attempts_with(*outcome));
        }
        for result in ["hit", "miss"] {
            drop(metrics.cache.get_or_create(&CacheLabels { result }));
        }
        metrics
    }

    /// Counts recorded attempts: the outcome and duration in milliseconds of each.
    pub fn count_attempts(&self, attempts: impl Iterator<Item = (Outcome, i32)>) {
        for (outcome, duration_ms) in attempts {
            self.delivery_seconds
                .observe(f64::from(duration_ms) / 1000.0);
            self.attempts_with(outcome).inc();
        }
    }

    fn attempts_with(&self, outcome: Outcome) -> Counter {
        self.attempts.get_or_create_owned(&OutcomeLabels {
            outcome: outcome.as_str(),
        })
    }

    /// Counts a response of the API.
    pub fn count_request(
        &self,
        route: String,
        method: &'static str,
        status: &'static str,
        took: Duration,
    ) {
        let labels = RouteLabels { method, route };
        self.request_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
        let RouteLabels { method, route } = labels;
        let labels = RequestLabels {
            method,
            route,
            status,
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// Encodes all metrics in the `OpenMetrics` text format.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }

    /// Counts a pass of the scheduler.
    pub fn count_pass(&self) {
        self.passes.inc();
        let mut last = self
            .last_pass
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(Instant::now());
    }

    /// Time since the scheduler's last pass; `None` before the first.
    pub fn since_last_pass(&self) -> Option<Duration> {
        let last = self
            .last_pass
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.map(|pass| pass.elapsed())
    }

    /// Counts a session as idle while it waits.
    pub async fn idle<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.sessions_idle.inc();
        let waited = waiting.await;
        self.sessions_idle.dec();
        waited
    }

    /// Counts a lookup in the cache.
    pub fn count_lookup(&self, missed: bool) {
        let result = if missed { "miss" } else { "hit" };
        self.cache.get_or_create(&CacheLabels { result }).inc();
    }
}

/// Counts an open connection to an SMTP server until it is dropped.
#[derive(Debug)]
pub struct OpenSession(());

impl OpenSession {
    pub fn counted() -> Self {
        metrics().sessions_open.inc();
        Self(())
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        metrics().sessions_open.dec();
    }
}
