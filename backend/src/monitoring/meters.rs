//! The meters of this process. They cost tens of nanoseconds, and nothing where they are not touched: what happens for each
//! mail is counted in the recorder's batches.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{Answered, CacheResult, Outcome, Route, State, Whose};
use crate::deliveries::results::AttemptResult;

/// A number with fractions: seconds, mostly.
pub type Fraction = Gauge<f64, std::sync::atomic::AtomicU64>;
type Timed<L> = Family<L, Histogram, fn() -> Histogram>;

/// Everything that is measured.
pub struct Meters {
    pub(super) registry: Registry,
    pub(super) attempts: Family<Outcome, Counter>,
    pub(super) delivery_seconds: Histogram,
    pub(super) sessions_open: Gauge,
    pub(super) sessions_idle: Gauge,
    pub(super) sessions: Family<State, Gauge>,
    pub(super) passes: Counter,
    last_pass: Mutex<Option<Instant>>,
    pub(super) deliveries: Family<State, Gauge>,
    pub(super) account_mails: Gauge,
    pub(super) scheduler_lag: Fraction,
    pub(super) run_lateness: Fraction,
    pub(super) servers: Family<Whose, Gauge>,
    pub(super) servers_shut: Family<Whose, Gauge>,
    pub(super) db_up: Gauge,
    pub(super) db_connections: Family<State, Gauge>,
    pub(super) db_connections_max: Gauge,
    pub db_wait: Histogram,
    pub db_timeouts: Counter,
    pub(super) requests: Family<Answered, Counter>,
    pub(super) request_seconds: Timed<Route>,
    pub(super) cache: Family<CacheResult, Counter>,
    pub redis_configured: Gauge,
    pub redis_up: Gauge,
    pub(super) process: super::process::Process,
}

/// Those of this process.
pub fn meters() -> &'static Meters {
    static METERS: LazyLock<Meters> = LazyLock::new(Meters::new);
    &METERS
}

/// From a thousandth of a second to a minute.
fn seconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

fn timed<L: Clone + Eq + std::hash::Hash>() -> Timed<L> {
    Family::new_with_constructor(seconds)
}

impl Meters {
    fn new() -> Self {
        let mut meters = Self {
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
            servers_shut: Family::default(),
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
            process: super::process::Process::default(),
        };
        meters.register();
        // There from the beginning: what has not happened yet is told apart from what nobody counts.
        meters.recorded(&[]);
        for result in ["hit", "miss"] {
            drop(meters.cache.get_or_create(&CacheResult { result }));
        }
        meters
    }

    /// Results that have been recorded.
    pub fn recorded(&self, results: &[AttemptResult]) {
        for result in results {
            self.delivery_seconds
                .observe(f64::from(result.duration_ms) / 1000.0);
        }
        for outcome in crate::mail::verdict::Outcome::ALL {
            let of_it = results.iter().filter(|result| result.outcome == *outcome);
            let label = Outcome {
                outcome: outcome.as_str(),
            };
            let count = u64::try_from(of_it.count()).unwrap_or_default();
            self.attempts.get_or_create(&label).inc_by(count);
        }
    }

    /// The scheduler has made a pass.
    pub fn passed(&self) {
        self.passes.inc();
        let mut last = self
            .last_pass
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(Instant::now());
    }

    /// How long ago that was; `None` where it has made none.
    pub(super) fn since_last_pass(&self) -> Option<Duration> {
        let last = self
            .last_pass
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.map(|pass| pass.elapsed())
    }

    /// Waits while a session has nothing to do.
    pub async fn idle<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.sessions_idle.inc();
        let waited = waiting.await;
        self.sessions_idle.dec();
        waited
    }

    /// An answer was kept ready, or made.
    pub fn asked_cache(&self, made: bool) {
        let result = if made { "miss" } else { "hit" };
        self.cache.get_or_create(&CacheResult { result }).inc();
    }
}

/// A connection to a mail server, counted as long as it lasts.
#[derive(Debug)]
pub struct OpenSession(());

impl OpenSession {
    pub fn counted() -> Self {
        meters().sessions_open.inc();
        Self(())
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        meters().sessions_open.dec();
    }
}
