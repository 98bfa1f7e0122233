//! What the parts of a sender share: settings, the worker's name, and the coordinator.

use smtp::ehlo_name::host_name;

use super::coordinator::Coordinator;
use super::database_clock::DatabaseClock;
use super::sender_settings::SenderSettings;
use super::smtp_target::SmtpTarget;

pub(super) struct SenderContext {
    pub(super) settings: SenderSettings,
    pub(super) coordinator: Coordinator,
    pub(super) database_clock: DatabaseClock,
    /// Names this worker in leases, in the journal and in the log of attempts.
    pub(super) worker: String,
}

impl SenderContext {
    pub(super) fn new(settings: SenderSettings) -> Self {
        let host = host_name();
        let host = host.replace(
            |c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-',
            "_",
        );
        let worker = format!(
            "{host}:{}:{:08x}",
            std::process::id(),
            rand::random::<u32>()
        );
        Self {
            coordinator: Coordinator::new(SmtpTarget::of_installation(&settings)),
            database_clock: DatabaseClock::new(),
            worker,
            settings,
        }
    }
}
