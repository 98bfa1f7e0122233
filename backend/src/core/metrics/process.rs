//! Standard process metrics, under the names of Prometheus's client libraries. Read from `/proc`; 0 on other systems.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::fraction::Fraction;

/// `USER_HZ`, the unit of times in `/proc`, regardless of the frequency of the kernel.
const TICKS_A_SECOND: f64 = 100.0;
const PAGE: i64 = 4096;

/// Memory, files and processor time.
#[derive(Default)]
pub(super) struct ProcessMetrics {
    cpu_seconds: Counter<f64, AtomicU64>,
    resident_bytes: Gauge,
    open_files: Gauge,
    most_files: Gauge,
    started: Fraction,
}

impl ProcessMetrics {
    pub(super) fn register(&self, to: &mut Registry) {
        to.register(
            "process_cpu_seconds",
            "Processor time used",
            self.cpu_seconds.clone(),
        );
        to.register(
            "process_start_time_seconds",
            "Start time of the process, in seconds since the epoch",
            self.started.clone(),
        );
        let mut add = |name: &str, help: &str, number: &Gauge| {
            to.register(name, help, number.clone());
        };
        add(
            "process_resident_memory_bytes",
            "Memory in use",
            &self.resident_bytes,
        );
        add(
            "process_open_fds",
            "Open files and connections",
            &self.open_files,
        );
        add(
            "process_max_fds",
            "Maximum number of open files and connections",
            &self.most_files,
        );
    }

    /// Reads `/proc`; what cannot be read stays as it was.
    pub(super) fn update(&self) {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = read("/proc/self/stat");
        // The process name before the last bracket may contain anything.
        let fields: Vec<f64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        let field = |number: usize| fields.get(number).copied().unwrap_or_default();
        let cpu_seconds = (field(11) + field(12)) / TICKS_A_SECOND;
        // Counted by the kernel.
        self.cpu_seconds
            .inner()
            .store(cpu_seconds.to_bits(), Ordering::Relaxed);
        let boot = read("/proc/stat");
        let boot = boot.lines().find_map(|line| line.strip_prefix("btime "));
        let boot = boot.and_then(|seconds| seconds.trim().parse::<f64>().ok());
        self.started
            .set(boot.unwrap_or_default() + field(19) / TICKS_A_SECOND);
        let statm = read("/proc/self/statm");
        let pages = statm.split_whitespace().nth(1);
        let pages = pages.and_then(|pages| pages.parse::<i64>().ok());
        self.resident_bytes.set(pages.unwrap_or_default() * PAGE);
        let files = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.open_files
            .set(i64::try_from(files).unwrap_or_default());
        self.most_files.set(open_files_limit().unwrap_or_default());
    }
}

/// Maximum number of open files and connections of a process.
pub(crate) fn open_files_limit() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}
