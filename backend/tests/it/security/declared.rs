//! What a request says of its body is believed or refused, never ignored.

use serde_json::json;

use super::{administrator, say};
use crate::support::answer::Answer;
use crate::support::app::TestApp;

/// `{}` as gzip packs it.
const PACKED: [u8; 22] = [
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
];

#[test]
fn a_compressed_body_is_refused_undecompressed() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let refused = |answer: Answer| {
        assert_eq!(answer.header("accept-encoding"), "identity");
        answer.expect_problem(415, "unsupported_media_type");
    };
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, gzip", "unknown"] {
        let headers = |kind: &str| {
            let coding = ("content-encoding", coding.to_owned());
            [admin.bearer(), ("content-type", kind.to_owned()), coding]
        };
        let json = headers("application/json");
        refused(app.send_bytes("POST", "/recipients", &json, &PACKED));
        let image = headers("image/png");
        refused(app.send_bytes("PUT", "/me/avatar", &image, &PACKED));
    }
    let headers = [admin.bearer(), ("content-encoding", "identity".to_owned())];
    let new = json!({"email": "ada@example.org"});
    app.send("POST", "/recipients", &headers, Some(&new))
        .expect(201);
}

#[test]
fn json_in_another_charset_is_refused() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let body = json!({"email": "ada@example.org"}).to_string();
    for (kind, status) in [
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=windows-1251", 415),
        ("application/json; version=1; charset=\"UTF-8\"", 201),
    ] {
        let headers = [admin.bearer(), ("content-type", kind.to_owned())];
        let answer = app.send_text("POST", "/recipients", &headers, &body);
        assert_eq!(answer.status, status, "{kind}");
    }
}

#[test]
fn a_transfer_coding_that_is_not_chunked_is_refused() {
    let app = TestApp::start();
    let admin = administrator(&app);
    let bearer = admin.bearer().1;
    for coding in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let request = format!(
            "POST /api/v1/recipients HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {bearer}\r\n\
             Content-Type: application/json\r\n{coding}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
        );
        let answer = say(&app, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{coding}: {answer}");
    }
}
