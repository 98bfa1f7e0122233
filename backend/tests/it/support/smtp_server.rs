//! A mail server that does what a test tells it, over a real TCP socket, on a thread and a runtime of its own.
//!
//! Without rules it accepts everything and keeps SMTP's order (no nested MAIL, no DATA without a recipient):
//! `ScriptedServer::start().on("bob@example.org", Rule::refuse(550, "5.1.1 no such user"))`.

mod connection;
mod setup;

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Value, json};
use smtp::server::Server;
use tokio::{net::TcpListener, runtime, sync::oneshot};
use tokio_rustls::{TlsAcceptor, rustls::pki_types::CertificateDer};

use self::setup::Encryption;
pub(crate) use self::setup::Setup;

/// Where in the protocol a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    /// On a connection that has carried a mail; without such a rule treated like any other.
    NextMail,
    Rset,
    Rcpt,
    Data,
    /// After the first bytes of the body.
    Body,
    Dot,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// These bytes instead of the usual answer. After a 421 the connection is closed.
    Say(Vec<u8>),
    /// Sends these bytes instead of the usual reply, and closes the connection.
    SayAndClose(Vec<u8>),
    /// Closes the connection without an answer.
    Drop,
    /// Takes the mail, then closes the connection without an answer.
    AcceptAndDrop,
    /// Never answers again, and reads no more.
    FallSilent,
    /// Delays this connection, then does that.
    Late(Duration, Box<Action>),
    /// Does this first; meanwhile the whole server waits.
    After(Deed, Box<Action>),
}

/// Something that a test wants done at an exact point of the conversation.
#[derive(Clone)]
pub(crate) struct Deed(Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deed")
    }
}

impl Action {
    pub(crate) fn after(deed: impl Fn() + Send + Sync + 'static, then: Self) -> Self {
        Self::After(Deed(Arc::new(deed)), Box::new(then))
    }

    pub(crate) fn late(by: Duration, then: Self) -> Self {
        Self::Late(by, Box::new(then))
    }

    /// Whether a mail that ends like this was taken.
    fn takes_mail(&self) -> bool {
        match self {
            Self::Say(bytes) | Self::SayAndClose(bytes) => bytes.starts_with(b"250"),
            Self::AcceptAndDrop => true,
            Self::Drop | Self::FallSilent => false,
            Self::After(_, then) | Self::Late(_, then) => then.takes_mail(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    at: At,
    action: Action,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// As the sender wrote it: dots no longer doubled.
    pub(crate) data: Vec<u8>,
    /// Connections are numbered from 1.
    pub(crate) connection: usize,
    pub(crate) encrypted: bool,
}

pub(crate) struct ScriptedServer {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    setup: Setup,
    acceptor: TlsAcceptor,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Address or `*`, what to do, how many times more (`None`: always).
    rules: Vec<(String, Rule, Option<usize>)>,
    accepted: Vec<Mail>,
    commands: Vec<String>,
    connections: usize,
    /// Number of open connections.
    open: usize,
    /// Maximum number of connections open and greeted at a time.
    allowed: Option<usize>,
}

impl Rule {
    /// The recipient is refused, with any code.
    pub(crate) fn refuse(code: u16, text: &str) -> Self {
        Self::say(At::Rcpt, format!("{code} {text}\r\n"))
    }

    pub(crate) fn say(at: At, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            at,
            action: Action::Say(bytes.into()),
        }
    }

    pub(crate) fn act(at: At, action: Action) -> Self {
        Self { at, action }
    }
}

impl ScriptedServer {
    pub(crate) fn start() -> Self {
        Self::setup().start()
    }

    pub(crate) fn setup() -> Setup {
        Setup::default()
    }

    /// From now on. `whom` is the recipient, before RCPT the sender, or `*`; the first rule that fits applies.
    pub(crate) fn on(self, whom: &str, rule: Rule) -> Self {
        self.add(whom, rule, None);
        self
    }

    /// The next time only.
    pub(crate) fn once(self, whom: &str, rule: Rule) -> Self {
        self.add(whom, rule, Some(1));
        self
    }

    /// Like `on` (`times: None`) and `once`, while the server is in use.
    pub(crate) fn add(&self, whom: &str, rule: Rule, times: Option<usize>) {
        self.shared
            .state()
            .rules
            .push((whom.to_owned(), rule, times));
    }

    /// From now on greets this many connections at a time.
    pub(crate) fn allow(&self, connections: usize) {
        self.shared.state().allowed = Some(connections);
    }

    /// From now on it does nothing unusual any more.
    pub(crate) fn forget_rules(&self) {
        self.shared.state().rules.clear();
    }

    pub(crate) fn accepted(&self) -> Vec<Mail> {
        self.shared.state().accepted.clone()
    }

    /// How many mails were taken so far.
    pub(crate) fn taken(&self) -> usize {
        self.shared.state().accepted.len()
    }

    /// How many of them each address got.
    pub(crate) fn copies(&self) -> HashMap<String, usize> {
        let mut copies = HashMap::new();
        for address in self
            .shared
            .state()
            .accepted
            .iter()
            .flat_map(|mail| &mail.to)
        {
            *copies.entry(address.clone()).or_default() += 1;
        }
        copies
    }

    /// Every command line received, of all connections, in the order of arrival; no lines of bodies.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.state().commands.clone()
    }

    /// How many connections are open now.
    pub(crate) fn open(&self) -> usize {
        self.shared.state().open
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// As in `SMTP_URL`, with the password if one is wanted.
    pub(crate) fn url(&self) -> String {
        let setup = &self.shared.setup;
        let user = setup.credentials.map_or(String::new(), |(user, password)| {
            format!("{user}:{password}@")
        });
        let port = self.address.port();
        match setup.encryption {
            Encryption::None => format!("smtp://{user}127.0.0.1:{port}?tls=none"),
            Encryption::StartTls => format!("smtp+starttls://{user}localhost:{port}"),
            Encryption::Implicit => format!("smtps://{user}localhost:{port}"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone()
    }

    /// As a user describes it who has brought it.
    pub(crate) fn described(&self) -> Value {
        let setup = &self.shared.setup;
        let (tls, host) = match setup.encryption {
            Encryption::None => ("none", "127.0.0.1"),
            Encryption::StartTls => ("starttls", "localhost"),
            Encryption::Implicit => ("implicit", "localhost"),
        };
        let (username, password) = setup.credentials.unzip();
        json!({"name": "Own", "host": host, "port": self.port(), "tls": tls, "username": username, "password": password,
            "from_email": "own@sender.example", "from_name": "Own Sender"})
    }

    /// The server as its client sees it, its certificate being trusted.
    pub(crate) fn server(&self) -> Server {
        Server::parse_trusting(&self.url(), std::slice::from_ref(&self.certificate)).unwrap()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.stop.take();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn rule(&self, at: At, whom: &str) -> Option<Action> {
        let rules = &mut self.state().rules;
        let index = rules.iter().position(|(key, rule, times)| {
            (key == "*" || key == whom) && rule.at == at && *times != Some(0)
        })?;
        let (_, rule, times) = &mut rules[index];
        *times = times.map(|times| times - 1);
        Some(rule.action.clone())
    }
}

fn serve(listener: std::net::TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let accept = async {
        listener.set_nonblocking(true).unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection::serve(stream, Arc::clone(&shared)));
        }
    };
    // Ends, and with the runtime every connection, when the server is dropped.
    runtime.block_on(async {
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}
