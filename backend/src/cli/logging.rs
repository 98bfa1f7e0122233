//! The log on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::output::CommandError;
use crate::core::telemetry::settings::LogSettings;

/// Starts logging with these settings.
pub(super) fn start(log: &LogSettings) -> Result<(), CommandError> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    if log.json {
        lines.json().init();
    } else {
        lines.init();
    }
    Ok(())
}
