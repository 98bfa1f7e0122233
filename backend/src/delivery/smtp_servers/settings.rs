//! `SMTP_URL`, `MAIL_FROM`, `SMTP_EHLO_NAME`, `DKIM_…`, `OWN_SMTP_…`: outgoing mail.

mod parsing;

use std::sync::Arc;

use lettre::message::Mailbox;
use smtp::dkim::Signer;
use smtp::server::Server;
use smtp::user_servers::UserServers;

use crate::core::settings::reader::SettingsReader;

#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `SMTP_URL`
    pub server: Server,
    /// `MAIL_FROM`
    pub from: Mailbox,
    /// `DKIM_DOMAIN`, `DKIM_SELECTOR`, `DKIM_KEY_FILE`: signs mails sent through the installation's server.
    pub signer: Option<Arc<Signer>>,
    /// `OWN_SMTP_PORTS`, `OWN_SMTP_NETWORKS`: which servers of users may be connected to.
    pub outside: UserServers,
}

pub fn read(reader: &mut SettingsReader<'_>) -> Option<MailSettings> {
    let url = reader.required("SMTP_URL", "smtp://[user:password@]host:port");
    let server = url.map(|url| Server::parse(&url).map_err(|error| format!("SMTP_URL: {error}")));
    let server = server.and_then(|server| reader.check(server));
    let from = reader
        .text("MAIL_FROM")
        .unwrap_or_else(|| "Dispatch <no-reply@dispatch.localhost>".to_owned());
    let from = parsing::mailbox(&from).map_err(|error| format!("MAIL_FROM={from}: {error}"));
    let from = reader.check(from);
    let reach = parsing::reach(
        reader.text("OWN_SMTP_PORTS").as_deref(),
        reader.text("OWN_SMTP_NETWORKS").as_deref(),
    );
    let signer = parsing::signer(
        reader.text("DKIM_DOMAIN").as_deref(),
        reader.text("DKIM_SELECTOR").as_deref(),
        reader.text("DKIM_KEY_FILE").as_deref(),
    );
    let (reach, signer) = (reader.check_all(reach), reader.check_all(signer));
    let ehlo_name = parsing::ehlo_name(reader.text("SMTP_EHLO_NAME").as_deref());
    let ehlo_name = reader.check_all(ehlo_name);
    let mut server = server?;
    if let Some(ehlo_name) = ehlo_name? {
        server.ehlo_name = ehlo_name;
    }
    Some(MailSettings {
        from: from?,
        signer: signer?,
        outside: UserServers::new(reach?, server.ehlo_name.clone()),
        server,
    })
}
