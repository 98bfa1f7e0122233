//! SMTP servers of users, subject to the egress policy of the operator.

use std::sync::{Arc, OnceLock};

use lettre::transport::smtp::authentication::Credentials;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::egress_policy::EgressPolicy;
use crate::ehlo_name::EhloName;
use crate::server::{Server, ServerError, Tls, connector};

/// Creates the settings of servers of users. Cheap to clone.
#[derive(Clone)]
pub struct UserServers {
    pub egress_policy: Arc<EgressPolicy>,
    /// Root certificates trusted in addition to those of the machine; for tests.
    pub roots: Vec<CertificateDer<'static>>,
    /// The EHLO name unless the server's owner sets another one: the same as for the installation's server.
    pub ehlo_name: EhloName,
    /// Created with the first server: loading the root certificates of the machine takes time.
    connector: Arc<OnceLock<TlsConnector>>,
}

/// The encryption configured for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    None,
    StartTls,
    Implicit,
}

impl std::fmt::Debug for UserServers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserServers")
            .field("egress_policy", &self.egress_policy)
            .finish_non_exhaustive()
    }
}

impl UserServers {
    /// With this egress policy.
    pub fn new(egress_policy: EgressPolicy, ehlo_name: EhloName) -> Self {
        Self {
            egress_policy: Arc::new(egress_policy),
            roots: Vec::new(),
            ehlo_name,
            connector: Arc::default(),
        }
    }

    /// A server at this host and port.
    pub fn server(
        &self,
        host: &str,
        port: u16,
        tls: TlsMode,
        credentials: Option<Credentials>,
    ) -> Result<Server, ServerError> {
        let tls = match tls {
            TlsMode::None => Tls::None,
            TlsMode::StartTls => Tls::StartTls(self.connector()?),
            TlsMode::Implicit => Tls::Implicit(self.connector()?),
        };
        Ok(Server {
            host: host.to_owned(),
            port,
            tls,
            credentials,
            ehlo_name: self.ehlo_name.clone(),
            mails_per_connection: 1000,
            egress_policy: Some(Arc::clone(&self.egress_policy)),
        })
    }

    fn connector(&self) -> Result<TlsConnector, ServerError> {
        if let Some(made) = self.connector.get() {
            return Ok(made.clone());
        }
        let made = connector(&self.roots)?;
        Ok(self.connector.get_or_init(|| made).clone())
    }
}
