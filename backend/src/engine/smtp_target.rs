//! An SMTP server to send through: connection, sender address, signature and limits.

use std::sync::Arc;

use lettre::message::Mailbox;
use smtp::dkim::Signer;
use smtp::failure::Failure;
use smtp::server::Server;

use super::sender_settings::SenderSettings;
use crate::delivery::smtp_server_health::model::{ServerRateLimit, SmtpServerKey};
use crate::delivery::smtp_servers::model::SmtpServerRow;

pub(super) struct SmtpTarget {
    pub(super) server_key: SmtpServerKey,
    /// The failure to report if its settings cannot be used.
    pub(super) server: Result<Server, Failure>,
    /// The sender of the mails.
    pub(super) from: Mailbox,
    pub(super) signer: Option<Arc<Signer>>,
    pub(super) pace: ServerRateLimit,
    /// Maximum number of connections of this process.
    pub(super) sessions: usize,
    /// Maximum of all processes together, where they share the connections.
    pub(super) sessions_in_all: Option<i32>,
}

impl SmtpTarget {
    /// The installation's server.
    pub(super) fn of_installation(settings: &SenderSettings) -> Self {
        let (mail, engine) = (&settings.mail, &settings.engine);
        Self {
            server_key: SmtpServerKey::default(),
            server: Ok(mail.server.clone()),
            from: mail.from.clone(),
            signer: mail.signer.clone(),
            pace: engine.pace,
            sessions: engine.sessions,
            sessions_in_all: engine.sessions_in_all,
        }
    }

    /// A user's server.
    pub(super) fn of_user(row: &SmtpServerRow, settings: &SenderSettings) -> Self {
        let sender = settings.resolver.sender(row);
        let server = settings.resolver.server(row);
        let (server, from, signer) = match sender {
            Ok(sender) => (server, sender.from, sender.signer),
            // Nothing is sent under another name.
            Err(failure) => (Err(failure), settings.mail.from.clone(), None),
        };
        let mails = |limit: i32| u32::try_from(limit).unwrap_or_default();
        Self {
            server_key: SmtpServerKey {
                smtp_server_id: Some(row.id),
                smtp_server_revision: Some(row.revision),
            },
            server,
            from,
            signer,
            pace: ServerRateLimit {
                per_second: mails(row.rate_per_second),
                per_hour: mails(row.rate_per_hour),
            },
            sessions: usize::try_from(row.sessions).unwrap_or(1),
            sessions_in_all: Some(row.sessions),
        }
    }
}
