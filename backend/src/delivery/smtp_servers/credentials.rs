//! A user's mail server with its seals opened: how it is reached, and who sends through it.

use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use mime::header;
use smtp::dkim::{DkimKey, Signer, domain};
use smtp::ehlo_name::EhloName;
use smtp::failure::{Failure, FailureClass};
use smtp::reply::Stage;
use smtp::server::Server;
use smtp::user_servers::{TlsMode, UserServers};

use super::encryption::{AssociatedData, Column, CredentialCipher};
use super::model::{Encryption, SmtpServerRow};

/// What it takes to reach such servers.
#[derive(Debug, Clone)]
pub struct CredentialResolver {
    pub cipher: CredentialCipher,
    pub outside: UserServers,
}

/// Under which sender mails leave.
#[derive(Debug, Clone)]
pub struct SenderIdentity {
    pub from: Mailbox,
    /// Signs them.
    pub signer: Option<Arc<Signer>>,
}

impl CredentialResolver {
    /// Decrypts with this key, and connects as the settings allow.
    pub fn new(key: [u8; 32], outside: UserServers) -> Self {
        Self {
            cipher: CredentialCipher::new(key),
            outside,
        }
    }

    /// How the server is reached, or why it cannot be.
    pub fn server(&self, row: &SmtpServerRow) -> Result<Server, Failure> {
        let password = row.password.as_deref();
        let password =
            password.map(|encrypted| self.decrypt((Column::Password, row.id), encrypted));
        let credentials = match (&row.username, password.transpose()?) {
            (Some(username), Some(password)) => Some(Credentials::new(username.clone(), password)),
            _ => None,
        };
        let wanted = match row.tls {
            Encryption::None => TlsMode::None,
            Encryption::StartTls => TlsMode::StartTls,
            Encryption::Implicit => TlsMode::Implicit,
        };
        let port = u16::try_from(row.port).unwrap_or_default();
        let mut server = self
            .outside
            .server(&row.host, port, wanted, credentials)
            .map_err(|error| Failure::new(Stage::Tls, FailureClass::Unreadable, error))?;
        if let Some(name) = row.ehlo_name.as_deref().and_then(EhloName::parse) {
            server.ehlo_name = name;
        }
        Ok(server)
    }

    /// The sender of what leaves through the server. Nothing leaves unsigned that is to be signed.
    pub fn sender(&self, row: &SmtpServerRow) -> Result<SenderIdentity, Failure> {
        let unusable = |why: &str| Failure::new(Stage::Auth, FailureClass::Unreadable, why);
        let email = header::address(&row.from_email).ok();
        let email: Option<Address> = email.and_then(|email| email.parse().ok());
        let email = email.ok_or_else(|| unusable("its sender is no address"))?;
        let signer = match (&row.dkim_domain, &row.dkim_selector, &row.dkim_key) {
            (Some(name), Some(selector), Some(encrypted)) => {
                let pem = self.decrypt((Column::DkimKey, row.id), encrypted)?;
                let key = DkimKey::parse(&pem).map_err(|error| unusable(&error.to_string()))?;
                let name = domain(name).ok_or_else(|| unusable("the key's domain is none"))?;
                Some(Arc::new(Signer::new(&name, selector, key)))
            }
            _ => None,
        };
        Ok(SenderIdentity {
            from: Mailbox::new(row.from_name.clone(), email),
            signer,
        })
    }

    fn decrypt(&self, place: AssociatedData, encrypted: &[u8]) -> Result<String, Failure> {
        self.cipher
            .decrypt(place, encrypted)
            .map_err(|unreadable| Failure::new(Stage::Auth, FailureClass::Unreadable, unreadable))
    }
}
