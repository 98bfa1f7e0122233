//! Gauges with fractions, mostly seconds.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;

pub(super) type Fraction = Gauge<f64, AtomicU64>;
