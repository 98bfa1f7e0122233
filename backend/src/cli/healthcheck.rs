//! `dispatch healthcheck`: whether the process on this machine that has these settings is ready for work; for containers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::{Failure, say};
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(3);
/// More than this is not our answer.
const LONGEST: u64 = 64 * 1024;

/// Asks the API where it listens. Where nobody does, the process is an engine, and asked where it shows its metrics.
pub(super) fn whoever_runs() -> Result<(), Failure> {
    let http = Config::from_env()?.http;
    match http.metrics_bind {
        Some(metrics) if !listens(http.bind) => ask(metrics),
        _ => ask(http.bind),
    }
}

/// Asks an engine, also where an API listens on the same machine.
pub(super) fn engine() -> Result<(), Failure> {
    let address = Config::from_env()?.http.metrics_bind;
    ask(address.ok_or("METRICS_BIND is not set: an engine can be asked nowhere else")?)
}

fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&from_here(address), PATIENCE).is_ok()
}

fn ask(address: SocketAddr) -> Result<(), Failure> {
    let address = from_here(address);
    let answer =
        answer(address).map_err(|error| format!("nobody answers at {address}: {error}"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    let body = answer
        .split_once("\r\n\r\n")
        .map_or("", |(_, body)| body.trim());
    if status == "200" {
        Ok(say("ready")?)
    } else {
        Err(format!("not ready: {status} {body}").into())
    }
}

/// A server that listens everywhere is asked on this machine's own address.
fn from_here(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

fn answer(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_found_on_this_machine() {
        let found = |text: &str| from_here(text.parse().unwrap()).to_string();
        assert_eq!(found("0.0.0.0:8000"), "127.0.0.1:8000");
        assert_eq!(found("[::]:8000"), "[::1]:8000");
        assert_eq!(found("192.0.2.1:8000"), "192.0.2.1:8000");
    }
}
