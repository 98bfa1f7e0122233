//! Settings of outgoing mail.

use std::sync::Arc;

use lettre::message::Mailbox;
use smtp::dkim::Signer;
use smtp::server::{Outside, Server};

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `SMTP_URL`
    pub server: Server,
    /// `MAIL_FROM`
    pub from: Mailbox,
    /// `DKIM_DOMAIN`, `DKIM_SELECTOR`, `DKIM_KEY_FILE`: signs mails sent through the installation's server.
    pub signer: Option<Arc<Signer>>,
    /// `OWN_SMTP_PORTS`, `OWN_SMTP_NETWORKS`: which servers of users may be connected to.
    pub outside: Outside,
}
