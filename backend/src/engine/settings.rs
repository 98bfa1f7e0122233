//! `POLL_INTERVAL_MS`, `SMTP_SESSIONS`, `SMTP_SESSIONS_IN_ALL`, `SMTP_RATE`, `SMTP_HOURLY`, `JOURNAL_DIR`.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use smtp::timeouts::Timeouts;

use crate::core::settings::reader::SettingsReader;
use crate::delivery::smtp_server_health::model::ServerRateLimit;

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
    pub pace: ServerRateLimit,
    /// Time-outs of the steps of an SMTP session.
    pub timeouts: Timeouts,
}

pub fn read(reader: &mut SettingsReader<'_>) -> Option<EngineSettings> {
    let poll_ms = reader.between("POLL_INTERVAL_MS", 1000, &(50..=60_000));
    let sessions = reader.between("SMTP_SESSIONS", 8_usize, &(1..=256));
    let per_second = reader.parsed("SMTP_RATE", 1000);
    let per_hour = reader.parsed("SMTP_HOURLY", 0);
    let journal_dir = reader.text("JOURNAL_DIR");
    let in_all = reader.parsed("SMTP_SESSIONS_IN_ALL", 0_u16);
    Some(EngineSettings {
        poll_interval: Duration::from_millis(poll_ms),
        sessions,
        sessions_in_all: Some(i32::from(in_all?)).filter(|sessions| *sessions > 0),
        journal_dir: journal_dir
            .map_or_else(|| env::temp_dir().join("dispatch-journal"), PathBuf::from),
        pace: ServerRateLimit {
            per_second: per_second?,
            per_hour: per_hour?,
        },
        timeouts: Timeouts::default(),
    })
}
