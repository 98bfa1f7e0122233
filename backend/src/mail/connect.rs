//! From a server's name to a connection that is ready for its first mail: TCP, TLS, EHLO, AUTH.

use std::net::SocketAddr;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};

use super::{
    envelope::Capabilities,
    reply::Stage,
    server::{Server, Timeouts, Tls},
    verdict::{Failure, Fault},
    wire::{Stream, Wire, within},
};

/// A name may stand for many addresses; more than this are not tried.
const MAX_ADDRESSES: usize = 4;

pub(super) async fn connect(
    server: &Server,
    timeouts: &Timeouts,
) -> Result<(Wire, Capabilities), Failure> {
    let tcp = Box::new(dial(server, timeouts.connect).await?);
    let mut wire = match &server.tls {
        Tls::Implicit(connector) => encrypt(connector, server, tcp, timeouts.tls).await?,
        Tls::None | Tls::StartTls(_) => Wire::new(tcp, false),
    };
    wire.ask(Stage::Greeting, "", timeouts.command).await?;
    let mut offered = ehlo(&mut wire, server, timeouts.command).await?;
    if let Tls::StartTls(connector) = &server.tls {
        if !offered.has("STARTTLS") {
            return Err(Failure::new(
                Stage::Tls,
                Fault::NotOffered,
                "the server does not offer STARTTLS",
            ));
        }
        wire.ask(Stage::Tls, "STARTTLS\r\n", timeouts.command)
            .await?;
        let stream = wire.into_stream().map_err(|broken| broken.at(Stage::Tls))?;
        wire = encrypt(connector, server, stream, timeouts.tls).await?;
        // What was offered in clear may have been written by anybody (RFC 3207, 4.2).
        offered = ehlo(&mut wire, server, timeouts.command).await?;
    }
    if let Some(credentials) = &server.credentials {
        authenticate(&mut wire, &offered, credentials, timeouts.command).await?;
    }
    Ok((wire, offered))
}

/// The first address that answers. `TCP_NODELAY`, or each mail waits 40 ms for a delayed ACK.
async fn dial(server: &Server, limit: Duration) -> Result<TcpStream, Failure> {
    let mut failure = Failure::new(Stage::Connect, Fault::NotFound, "the name has no address");
    for address in addresses(server, limit).await? {
        let open = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        match within(limit, Stage::Connect, open).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Where the server may be connected to. What was checked is what is connected to: the name is not looked up again.
async fn addresses(server: &Server, limit: Duration) -> Result<Vec<SocketAddr>, Failure> {
    let resolve = async { Ok(lookup_host((server.host.as_str(), server.port)).await?) };
    let found = within(limit, Stage::Connect, resolve).await;
    let found: Vec<_> = found
        .map_err(|failure| match failure.fault {
            Fault::Closed => Failure::new(Stage::Connect, Fault::NotFound, failure.detail),
            _ => failure,
        })?
        .collect();
    let Some(reach) = &server.reach else {
        return Ok(found.into_iter().take(MAX_ADDRESSES).collect());
    };
    let had_any = !found.is_empty();
    let allowed =
        |address: &SocketAddr| reach.allows_port(address.port()) && reach.allows(address.ip());
    let allowed: Vec<_> = found
        .into_iter()
        .filter(allowed)
        .take(MAX_ADDRESSES)
        .collect();
    if had_any && allowed.is_empty() {
        let why = "this leads where servers of users may not be";
        return Err(Failure::new(Stage::Connect, Fault::NotAllowed, why));
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
        .map_err(|error| Failure::new(Stage::Tls, Fault::Certificate, error))?;
    let handshake = async { Ok(connector.connect(name, stream).await?) };
    Ok(Wire::new(
        Box::new(within(limit, Stage::Tls, handshake).await?),
        true,
    ))
}

async fn ehlo(wire: &mut Wire, server: &Server, limit: Duration) -> Result<Capabilities, Failure> {
    let exchange = async {
        wire.send_all(format!("EHLO {}\r\n", server.hello).as_bytes())
            .await?;
        wire.reply_and_lines().await
    };
    let (reply, lines) = within(limit, Stage::Ehlo, exchange).await?;
    Failure::judge(Stage::Ehlo, reply)?;
    Ok(Capabilities::parse(&lines))
}

/// PLAIN, else LOGIN. In clear only where the server's settings say `tls=none`: with anything else the connection is
/// encrypted by now, or there is none.
async fn authenticate(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    limit: Duration,
) -> Result<(), Failure> {
    let not_offered =
        |detail: &dyn std::fmt::Display| Failure::new(Stage::Auth, Fault::NotOffered, detail);
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
        // User, then password, whatever the server calls them in its prompts.
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
        let stream = runtime
            .block_on(dial(&server, Duration::from_secs(20)))
            .unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
