//! How the scripted server presents itself; fixed before it starts.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use rcgen::{CertificateParams, KeyPair};
use tokio::sync::oneshot;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs},
};

use super::{Action, At, ScriptedServer, Shared, serve};

pub(crate) struct Setup {
    pub(super) extensions: Vec<&'static str>,
    pub(super) encryption: Encryption,
    pub(super) name: &'static str,
    pub(super) expired: bool,
    pub(super) credentials: Option<(&'static str, &'static str)>,
    pub(super) trickles: bool,
    pub(super) reply_delay: Duration,
    pub(super) max_connections: usize,
    pub(super) surplus: Action,
    pub(super) surplus_at: At,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    StartTls,
    Implicit,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            extensions: vec![
                "PIPELINING",
                "8BITMIME",
                "SMTPUTF8",
                "SIZE 10000000",
                "ENHANCEDSTATUSCODES",
            ],
            encryption: Encryption::None,
            name: "localhost",
            expired: false,
            credentials: None,
            trickles: false,
            reply_delay: Duration::ZERO,
            max_connections: usize::MAX,
            surplus: Action::Drop,
            surplus_at: At::Greeting,
        }
    }
}

impl Setup {
    pub(crate) fn without(mut self, extension: &str) -> Self {
        self.extensions
            .retain(|offered| !offered.starts_with(extension));
        self
    }

    pub(crate) fn offering(mut self, extension: &'static str) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(crate) fn starttls(mut self) -> Self {
        self.encryption = Encryption::StartTls;
        self.offering("STARTTLS")
    }

    pub(crate) fn implicit_tls(mut self) -> Self {
        self.encryption = Encryption::Implicit;
        self
    }

    /// The name in the certificate; `localhost` otherwise.
    pub(crate) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Its certificate was good once.
    pub(crate) fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Wants these before MAIL. Which mechanisms are offered is said by `offering("AUTH …")`.
    pub(crate) fn knowing(mut self, user: &'static str, password: &'static str) -> Self {
        self.credentials = Some((user, password));
        self
    }

    /// Every reply comes byte by byte.
    pub(crate) fn trickling(mut self) -> Self {
        self.trickles = true;
        self
    }

    pub(crate) fn replying_after(mut self, delay: Duration) -> Self {
        self.reply_delay = delay;
        self
    }

    /// Greets at most this many connections at a time; others get this action instead of the greeting.
    pub(crate) fn allowing(mut self, connections: usize, surplus: Action) -> Self {
        (self.max_connections, self.surplus) = (connections, surplus);
        self
    }

    /// The others are greeted, and get their action only at this stage.
    pub(crate) fn refusing_others_at(mut self, stage: At) -> Self {
        self.surplus_at = stage;
        self
    }

    pub(crate) fn start(self) -> ScriptedServer {
        let mut params = CertificateParams::new([self.name.to_owned()]).unwrap();
        if self.expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let signing_key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], signing_key.into())
            .unwrap();
        let shared = Arc::new(Shared {
            setup: self,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            state: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(listener, serving, stopped));
        ScriptedServer {
            address,
            certificate: cert.der().clone(),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}
