//! What the parts of a sender share: configuration, identity, and the coordinator.

use std::path::PathBuf;
use std::sync::Arc;

use smtp::ehlo_name::host_name;

use super::chunk::Chunk;
use super::coordinator::Coordinator;
use super::database_clock::DatabaseClock;
use super::job::Rest;
use super::settings::EngineSettings;
use super::smtp_target::SmtpTarget;
use crate::core::clock::Clock;
use crate::delivery::deliveries::results::AttemptResult;
use crate::delivery::smtp_servers::opened::Opener;
use crate::delivery::smtp_servers::settings::MailSettings;

/// How long a chunk is ours without a word from us, in seconds of the database's clock.
pub(super) const LEASE_S: f64 = 60.0;

/// What a sender needs to know.
#[derive(Clone)]
pub struct SenderSettings {
    pub database_url: String,
    pub clock: Clock,
    pub mail: MailSettings,
    pub engine: EngineSettings,
    /// `Secrets::message_id`
    pub message_id_key: [u8; 32],
    /// `PUBLIC_URL`
    pub public_url: String,
    /// For the servers that users have brought.
    pub opener: Opener,
    /// Where this installation's workers keep their journals.
    pub journal: PathBuf,
}

pub(super) struct Shared {
    pub(super) settings: SenderSettings,
    pub(super) coordinator: Coordinator,
    pub(super) database_clock: DatabaseClock,
    /// Names this worker in leases, in the journal and in the log of attempts.
    pub(super) worker: String,
}

/// When to come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Nothing is due any more, or the mail server is away.
    Idle,
    /// `Sender::stop`.
    Stopped,
}

/// A message to the result writer.
pub(super) enum AttemptEvent {
    Tried(Arc<Chunk>, AttemptResult),
    /// So many of a chunk's deliveries were left as they were.
    Untouched(Arc<Chunk>, usize),
    /// A run is to rest.
    Rest(i64, Rest),
}

impl Shared {
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
