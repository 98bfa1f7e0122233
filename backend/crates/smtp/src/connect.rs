//! Establishes a connection that is ready for its first mail: TCP, TLS, EHLO, AUTH.

use std::net::SocketAddr;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::{
    encryption_probe::{greets_in_clear, speaks_tls},
    envelope::Capabilities,
    failure::{Failure, FailureClass},
    reply::Stage,
    server::{Server, Tls},
    timeouts::Timeouts,
    wire::{Stream, Wire, within},
};

/// Maximum number of addresses tried for a name.
const MAX_ADDRESSES: usize = 4;

pub(super) async fn connect(
    server: &Server,
    timeouts: &Timeouts,
) -> Result<(Wire, Capabilities), Failure> {
    let dialled = Dialled::dial(server, timeouts.connect).await?;
    dialled.begin(server, timeouts).await
}

/// A connection before any SMTP exchange.
pub(super) struct Dialled {
    tcp: TcpStream,
    peer: SocketAddr,
    /// The EHLO name.
    pub(super) ehlo_name: String,
}

impl Dialled {
    /// Connects to the first address that answers. Sets `TCP_NODELAY`; otherwise each mail waits 40 ms for a delayed
    /// ACK.
    pub(super) async fn dial(server: &Server, limit: Duration) -> Result<Self, Failure> {
        let mut failure = Failure::new(
            Stage::Connect,
            FailureClass::NotFound,
            "the name has no address",
        );
        for peer in addresses(server, limit).await? {
            let open = async {
                let tcp = TcpStream::connect(peer).await?;
                tcp.set_nodelay(true)?;
                let own = tcp.local_addr()?.ip();
                Ok((tcp, own))
            };
            match within(limit, Stage::Connect, open).await {
                Ok((tcp, own)) => {
                    return Ok(Self {
                        tcp,
                        peer,
                        ehlo_name: server.ehlo_name.at(own),
                    });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Proceeds until a mail can be announced.
    pub(super) async fn begin(
        self,
        server: &Server,
        timeouts: &Timeouts,
    ) -> Result<(Wire, Capabilities), Failure> {
        let Self {
            tcp,
            peer,
            ehlo_name,
        } = self;
        let tcp = Box::new(tcp);
        let mut wire = match &server.tls {
            Tls::Implicit(connector) => match encrypt(connector, server, tcp, timeouts.tls).await {
                Ok(wire) => wire,
                Err(failure) => return Err(explained(failure, peer, timeouts).await),
            },
            Tls::None | Tls::StartTls(_) => Wire::new(tcp, false),
        };
        greeting(&mut wire, server, peer, timeouts).await?;
        let mut offered = introduce(&mut wire, &ehlo_name, timeouts.command).await?;
        if let Tls::StartTls(connector) = &server.tls {
            if !offered.has("STARTTLS") {
                let why = "the server does not offer STARTTLS";
                return Err(Failure::new(Stage::Tls, FailureClass::NotOffered, why));
            }
            wire.ask(Stage::Tls, "STARTTLS\r\n", timeouts.command)
                .await?;
            let stream = wire.into_stream().map_err(|broken| broken.at(Stage::Tls))?;
            wire = encrypt(connector, server, stream, timeouts.tls).await?;
            // Capabilities announced in clear text may have been tampered with (RFC 3207, 4.2).
            offered = introduce(&mut wire, &ehlo_name, timeouts.command).await?;
        }
        if let Some(credentials) = &server.credentials {
            authenticate(&mut wire, &offered, credentials, timeouts.command).await?;
        }
        Ok((wire, offered))
    }
}

/// Waits for the greeting. Without any data, both sides may be waiting for each other: a port with implicit TLS is
/// silent until the client speaks. A server that has started to greet is not probed: it may penalise early talkers.
async fn greeting(
    wire: &mut Wire,
    server: &Server,
    peer: SocketAddr,
    timeouts: &Timeouts,
) -> Result<(), Failure> {
    let patience = timeouts.command;
    // If this read is cancelled midway, what has been received is kept.
    let at_once = timeout(timeouts.silence, wire.ask(Stage::Greeting, "", patience)).await;
    if let Ok(answer) = at_once {
        return answer.map(drop);
    }
    let may_expect_tls = wire.is_silent() && !matches!(server.tls, Tls::Implicit(_));
    let greeting = wire.ask(Stage::Greeting, "", patience);
    if !may_expect_tls {
        return greeting.await.map(drop);
    }
    tokio::select! {
        answer = greeting => answer.map(drop),
        true = speaks_tls(peer, &server.host, timeouts.tls) => {
            let why = "the server expects TLS from the first byte: choose implicit TLS (smtps://) for this port";
            Err(Failure::new(Stage::Greeting, FailureClass::ExpectsTls, why))
        }
    }
}

/// Why the TLS handshake failed: perhaps because the server greets in clear text.
async fn explained(failure: Failure, peer: SocketAddr, timeouts: &Timeouts) -> Failure {
    let may_be_clear = matches!(
        failure.class,
        FailureClass::Tls | FailureClass::Closed | FailureClass::Timeout
    );
    if !may_be_clear || !greets_in_clear(peer, timeouts.silence).await {
        return failure;
    }
    let why = "the server begins in clear: choose STARTTLS (smtp+starttls://) for this port";
    Failure::new(Stage::Tls, FailureClass::BeginsInClear, why)
}

/// The allowed addresses of the server. The name is not looked up again: the checked address is connected to.
async fn addresses(server: &Server, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let resolve = async { Ok(lookup_host((server.host.as_str(), server.port)).await?) };
    let found = within(limit, Stage::Connect, resolve).await;
    let found: Vec<_> = found
        .map_err(|failure| match failure.class {
            FailureClass::Closed => {
                Failure::new(Stage::Connect, FailureClass::NotFound, failure.detail)
            }
            _ => failure,
        })?
        .collect();
    let Some(policy) = &server.egress_policy else {
        return Ok(found.into_iter().take(MAX_ADDRESSES).collect());
    };
    let had_any = !found.is_empty();
    let allowed =
        |address: &SocketAddr| policy.allows_port(address.port()) && policy.allows(address.ip());
    let allowed: Vec<_> = found
        .into_iter()
        .filter(allowed)
        .take(MAX_ADDRESSES)
        .collect();
    if had_any && allowed.is_empty() {
        let why = "the egress policy does not allow this address";
        return Err(Failure::new(Stage::Connect, FailureClass::NotAllowed, why));
    }
    Ok(allowed)
}

async fn encrypt(
    connector: &TlsConnector,
    server: &Server,
    stream: Box<dyn Stream>,
    limit: Duration,
) -> Result<Wire, Failure> {
    let name = ServerName::try_from(server.host.clone())
        .map_err(|error| Failure::new(Stage::Tls, FailureClass::Certificate, error))?;
    let handshake = async { Ok(connector.connect(name, stream).await?) };
    Ok(Wire::new(
        Box::new(within(limit, Stage::Tls, handshake).await?),
        true,
    ))
}

/// Sends EHLO, or HELO if the server does not know EHLO or refuses it (RFC 5321, 2.2.1 and 3.2): then there are no
/// extensions, and required ones are missing.
async fn introduce(
    wire: &mut Wire,
    ehlo_name: &str,
    limit: Duration,
) -> Result<Capabilities, Failure> {
    let exchange = async {
        wire.send_all(format!("EHLO {ehlo_name}\r\n").as_bytes())
            .await?;
        wire.reply_and_lines().await
    };
    let (reply, lines) = within(limit, Stage::Ehlo, exchange).await?;
    let is_permanent = reply.code >= 500;
    let refusal = match Failure::judge(Stage::Ehlo, reply) {
        Ok(_) => return Ok(Capabilities::parse(&lines)),
        Err(refusal) if refusal.class == FailureClass::Refused && is_permanent => refusal,
        Err(failure) => return Err(failure),
    };
    let helo = format!("HELO {ehlo_name}\r\n");
    match wire.ask(Stage::Ehlo, &helo, limit).await {
        Ok(_) => Ok(Capabilities::default()),
        // The refusal is more informative than the closed connection that follows.
        Err(failure) if failure.reply.is_none() => Err(refusal),
        Err(failure) => Err(failure),
    }
}

/// Authenticates with PLAIN, or LOGIN. The connection is encrypted, unless the settings of the server say `tls=none`.
async fn authenticate(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), Failure> {
    let not_offered = |detail: &dyn std::fmt::Display| {
        Failure::new(Stage::Auth, FailureClass::NotOffered, detail)
    };
    let encoded = |mechanism: Mechanism, prompt: Option<&str>| match mechanism
        .response(credentials, prompt)
    {
        Ok(response) => Ok(STANDARD.encode(response)),
        Err(error) => Err(not_offered(&error)),
    };
    let mechanisms: Vec<_> = offered.parameters("AUTH").into_iter().flatten().collect();
    let lines = if mechanisms.contains(&"PLAIN") {
        vec![format!("AUTH PLAIN {}", encoded(Mechanism::Plain, None)?)]
    } else if mechanisms.contains(&"LOGIN") {
        // User name, then password, regardless of the text of the prompts.
        let [user, password] =
            ["Username", "Password"].map(|prompt| encoded(Mechanism::Login, Some(prompt)));
        vec!["AUTH LOGIN".to_owned(), user?, password?]
    } else {
        return Err(not_offered(
            &"the server offers neither AUTH PLAIN nor AUTH LOGIN",
        ));
    };
    let last = lines.len() - 1;
    for (number, line) in lines.into_iter().enumerate() {
        let exchange = async {
            wire.send_all(format!("{line}\r\n").as_bytes()).await?;
            wire.reply().await
        };
        let reply = within(limit, Stage::Auth, exchange).await?;
        if number == last || reply.code != 334 {
            return Failure::judge(Stage::Auth, reply).map(drop);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::runtime;

    use super::*;

    #[test]
    fn small_packets_do_not_wait_for_delayed_acknowledgements() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Server::parse(&url).unwrap();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let dialled = runtime
            .block_on(Dialled::dial(&server, Duration::from_secs(20)))
            .unwrap();
        assert!(dialled.tcp.nodelay().unwrap());
    }
}
