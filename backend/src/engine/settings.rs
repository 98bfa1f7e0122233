//! Settings of the engine.

use std::path::PathBuf;
use std::time::Duration;

use smtp::server::Timeouts;

use crate::delivery::smtp_server_health::model::Pace;

/// How the engine works.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// `POLL_INTERVAL_MS`: interval of the search for due mailings.
    pub poll_interval: Duration,
    /// `SMTP_SESSIONS`: concurrent connections to the installation's SMTP server.
    pub sessions: usize,
    /// `SMTP_SESSIONS_IN_ALL`: limit of these connections over all processes; `None` if each process has its own.
    pub sessions_in_all: Option<i32>,
    /// `JOURNAL_DIR`: directory of the workers' journals, on a disk that outlives their process.
    pub journal_dir: PathBuf,
    /// `SMTP_RATE` and `SMTP_HOURLY`: rate limits of the installation's SMTP server over all processes.
    pub pace: Pace,
    /// Time-outs of the steps of an SMTP session.
    pub timeouts: Timeouts,
}
