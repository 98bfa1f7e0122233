//! Clients that take their time: nobody holds a connection for longer than they need.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dispatch::web::deadlines::Deadlines;

use crate::support::app::TestApp;

const SOON: Duration = Duration::from_millis(300);
/// Far more than it takes, far less than for ever.
const PATIENCE: Duration = Duration::from_secs(10);

fn impatient() -> TestApp {
    TestApp::start_tuned(&[("SMTP_URL", "smtp://127.0.0.1:9")], |config| {
        config.http.deadlines = Deadlines {
            head: SOON,
            body: SOON,
        };
    })
}

/// What is answered to somebody who has said only so much, until the connection is closed.
fn left_with(app: &TestApp, said: &str) -> String {
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(said.as_bytes()).unwrap();
    let (begun, mut answer) = (Instant::now(), Vec::new());
    stream
        .read_to_end(&mut answer)
        .expect("the app closes the connection");
    assert!(begun.elapsed() < PATIENCE);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status line of what is answered to somebody who has said only so much.
fn begin_of_answer(app: &TestApp, said: &str) -> String {
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(said.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("there is an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_does_not_arrive_times_out() {
    let app = impatient();
    let head =
        "POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    for begun in ["", "{\"email\":"] {
        let answer = left_with(&app, &format!("{head}Content-Length: 100\r\n\r\n{begun}"));
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("\"timeout\""), "{answer}");
    }
    // The server itself would go on listening for the chunks that are missing, after its answer.
    for begun in ["", "5\r\n{\"ema"] {
        let said = format!("{head}Transfer-Encoding: chunked\r\n\r\n{begun}");
        assert_eq!(begin_of_answer(&app, &said), "HTTP/1.1 408");
    }
}

#[test]
fn a_request_head_that_does_not_end_times_out() {
    let app = impatient();
    for said in [
        "GET",
        "GET /api/v1/me HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    ] {
        let answer = left_with(&app, said);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}

/// The server may go on listening for the rest, after its answer.
#[test]
fn an_unexpected_body_does_not_delay_the_response() {
    let app = impatient();
    for request in [
        "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n",
        "POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        "GET /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        assert!(begin_of_answer(&app, request).starts_with("HTTP/1.1 4"));
    }
}

#[test]
fn invalid_http_is_rejected_and_the_connection_closed() {
    let app = impatient();
    let many = "X-Header: 1\r\n".repeat(200);
    let long = "x".repeat(200_000);
    for request in [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_owned(),
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(app.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may hang up before all of it is said.
        stream.write_all(request.as_bytes()).ok();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:.60}: {answer}");
    }
    let alice = app.alice();
    app.get(&alice, "/me").expect(200);
}
