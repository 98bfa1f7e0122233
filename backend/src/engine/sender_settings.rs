//! What a sender needs to know.

use std::path::PathBuf;

use super::settings::EngineSettings;
use crate::core::clock::Clock;
use crate::delivery::smtp_servers::credentials::CredentialResolver;
use crate::delivery::smtp_servers::settings::MailSettings;

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
    /// Decrypts the credentials of users' servers.
    pub resolver: CredentialResolver,
    /// Directory of this installation's journals.
    pub journal: PathBuf,
}
