//! Hostile request bodies before sign-in, to a process with little memory.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{Operation, operations};
use crate::support::app::TestApp;
use crate::support::process::Service;
use crate::support::shapes::{Shape, shapes};

const REQUESTS: usize = 10_000;
const AT_ONCE: usize = 256;
/// Maximum size of a body.
const LIMIT: usize = 64 * 1024;
/// Slightly less, to leave room for the enclosing syntax.
const SIZE: usize = LIMIT - 2048;
const LONGEST_ANSWER: usize = 32 * 1024;

/// A request to the `n`th of these operations.
fn request(n: usize, shape: &Shape, operations: &[Operation]) -> Vec<u8> {
    let operation = &operations[n % operations.len()];
    let body = shape.body(SIZE);
    let kind = match n % 16 {
        0 => "application/x-www-form-urlencoded",
        1 => "multipart/form-data; boundary=x",
        _ => "application/json",
    };
    let path = operation.at("1");
    format!(
        "{} /api/v1{path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        operation.method,
        body.len()
    )
    .into_bytes()
}

/// A client with a connection, which is reopened when the server has closed it.
struct Client {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    fn of(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            stream: None,
        }
    }

    /// The status of the response, and the length of its body.
    fn ask(&mut self, request: &[u8]) -> Option<(u16, usize)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(&self.address).ok()?),
        };
        // The server may reject the request before all of it has been sent.
        stream.get_mut().write_all(request).ok();
        let (mut status, mut length, mut chunked, mut close) = (0, 0, false, false);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let line = line.trim_end().to_ascii_lowercase();
            let Some((name, value)) = line.split_once(if status == 0 { ' ' } else { ':' }) else {
                break;
            };
            match (name, value.trim()) {
                ("http/1.1", value) => status = value.get(..3)?.parse().ok()?,
                ("content-length", value) => length = value.parse().ok()?,
                ("transfer-encoding", _) => chunked = true,
                ("connection", value) => close = value == "close",
                _ => {}
            }
        }
        if status == 0 {
            return None;
        }
        if chunked {
            length = skip_chunks(&mut stream)?;
        } else {
            stream.read_exact(&mut vec![0; length]).ok()?;
        }
        self.stream = (!close).then_some(stream);
        Some((status, length))
    }
}

fn skip_chunks(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut whole = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        stream.read_exact(&mut vec![0; size + 2]).ok()?;
        whole += size;
        if size == 0 {
            return Some(whole);
        }
    }
}

#[test]
fn ten_thousand_hostile_bodies_do_not_end_a_process_of_512_mb() {
    let app = TestApp::start();
    let mut service = Service::start_limited(&app, 512 * 1024, &[("LIMITS", "0")]);
    let address = service.url.trim_start_matches("http://").to_owned();
    let operations: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.body.is_some() && operation.path.starts_with("/auth/"))
        .collect();
    let mut runner = TestRunner::deterministic();
    let shape = || shapes().new_tree(&mut runner).unwrap().current();
    let fits = |shape: &Shape| shape.body(SIZE).len() <= LIMIT;
    let shapes = std::iter::repeat_with(shape).filter(fits).take(499);
    let requests: Vec<_> = shapes
        .enumerate()
        .map(|(n, shape)| request(n, &shape, &operations))
        .collect();
    let next = AtomicUsize::new(0);
    let send = || {
        let (mut client, mut statuses) = (Client::of(&address), BTreeSet::new());
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= REQUESTS {
                return statuses;
            }
            let request = &requests[n % requests.len()];
            // A connection that was idle for long has been closed by now.
            let answer = (0..5).find_map(|_| client.ask(request));
            let (status, length) = answer.unwrap_or_else(|| panic!("no answer to {n}"));
            assert!(length <= LONGEST_ANSWER, "{n}: {length}");
            statuses.insert(status);
        }
    };
    let statuses: BTreeSet<u16> = thread::scope(|scope| {
        let clients: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(send)).collect();
        let statuses = clients.into_iter().map(|client| client.join().unwrap());
        statuses.flatten().collect()
    });
    assert!(service.is_alive(), "{}", service.log());
    assert_eq!(statuses, BTreeSet::from([400, 415, 422]));
    let ready = app.send_to(&format!("{}/readyz", service.url), "GET", &[], None);
    assert_eq!(ready.status, 200);
}
