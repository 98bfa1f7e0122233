//! Probes whether a port uses implicit TLS or starts in clear text, in order to distinguish a server that waits for
//! the client to speak from one that is down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore};

/// The first bytes of a TLS record with a handshake or an alert (RFC 8446, 5.1).
const TLS_RECORDS: [[u8; 2]; 2] = [[22, 3], [21, 3]];

/// Whether the server answers a TLS handshake with TLS, even if only with an alert. Opens its own connection.
pub(super) async fn speaks_tls(address: SocketAddr, host: &str, limit: Duration) -> bool {
    let Some(hello) = client_hello(host) else {
        return false;
    };
    let first = first_bytes(address, &hello);
    let first: Option<[u8; 2]> = timeout(limit, first).await.ok().flatten();
    first.is_some_and(|first| TLS_RECORDS.contains(&first))
}

/// Whether the server sends an SMTP greeting in clear text. Opens its own connection. A refusal in clear text is
/// inconclusive: some servers with implicit TLS send one before the handshake when they have too many connections.
pub(super) async fn greets_in_clear(address: SocketAddr, limit: Duration) -> bool {
    let first = first_bytes(address, &[]);
    let first: Option<[u8; 4]> = timeout(limit, first).await.ok().flatten();
    matches!(first, Some([b'2', b'0'..=b'9', b'0'..=b'9', b' ' | b'-']))
}

async fn first_bytes<const N: usize>(address: SocketAddr, question: &[u8]) -> Option<[u8; N]> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(question).await.ok()?;
    let mut first = [0; N];
    stream.read_exact(&mut first).await.ok()?;
    Some(first)
}

/// The first flight of a handshake, which is then abandoned: no certificate is verified.
fn client_hello(host: &str) -> Option<Vec<u8>> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).ok()?;
    Some(hello)
}
