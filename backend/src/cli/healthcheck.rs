//! `dispatch healthcheck`: whether the process with these settings on this machine is ready; for containers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::output::{CommandError, print_line};
use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum length of a response.
const MAX_RESPONSE: u64 = 64 * 1024;

/// Asks the API at `BIND`. If nothing listens there, the process is an engine, which answers at `METRICS_BIND`.
pub(super) fn any() -> Result<(), CommandError> {
    let http = Config::from_env()?.http;
    match http.metrics_bind {
        Some(metrics) if !listens(http.bind) => ask(metrics),
        _ => ask(http.bind),
    }
}

/// Asks an engine, even if an API runs on the same machine.
pub(super) fn engine() -> Result<(), CommandError> {
    let address = Config::from_env()?.http.metrics_bind;
    ask(address.ok_or("METRICS_BIND is not set: an engine answers only there")?)
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&local(address), TIMEOUT).is_ok()
}

fn ask(address: SocketAddr) -> Result<(), CommandError> {
    let address = local(address);
    let answer =
        get_ready(address).map_err(|error| format!("no answer from {address}: {error}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    let body = answer
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body.trim());
    if status == "200" {
        Ok(print_line("ready")?)
    } else {
        Err(format!("not ready: {status} {body}").into())
    }
}

/// The loopback address for a server that listens on all addresses.
fn local(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

fn get_ready(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.take(MAX_RESPONSE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_addresses_is_asked_on_the_loopback_address() {
        let found = |text: &str| local(text.parse().unwrap()).to_string();
        assert_eq!(found("0.0.0.0:8000"), "127.0.0.1:8000");
        assert_eq!(found("[::]:8000"), "[::1]:8000");
        assert_eq!(found("192.0.2.1:8000"), "192.0.2.1:8000");
    }
}
