//! The SMTP session against a scripted server: what may be called accepted, and what is left of a connection after.

mod accepted;
mod authenticated;
mod broken;
mod encrypted;
mod limits;
mod refused;

use std::{future::Future, time::Duration};

use smtp::{
    disposition::{Disposition, Outcome, Reason},
    envelope::Envelope,
    failure::Failure,
    reply::{Reply, Stage},
    server::Server,
    session::SmtpSession,
    timeouts::Timeouts,
};

use crate::support::smtp_server::{Action, At, Rule, ScriptedServer};

const BODY: &[u8] = b"Subject: hello\r\n\r\n.a line with a dot\r\nthe end\r\n";

fn to(address: &str) -> Envelope<'_> {
    Envelope::new("news@example.org", address, BODY)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test)
}

/// Long enough for a busy machine; a test that waits for one of them shortens that one.
fn patient() -> Timeouts {
    let long = Duration::from_secs(20);
    Timeouts {
        connect: long,
        tls: long,
        command: long,
        data: long,
        body_least: long,
        body_most: long,
        dot: long,
        quit: Duration::from_millis(200),
        ..Timeouts::default()
    }
}

async fn session(server: &ScriptedServer) -> SmtpSession {
    SmtpSession::connect(&server.server(), &patient())
        .await
        .unwrap()
}

async fn send(session: &mut SmtpSession, address: &str) -> Result<Reply, Failure> {
    session.open(&to(address)).await?;
    session.transmit(BODY, None).await
}

/// Larger than what the sockets on both sides hold: it cannot have left before the server has read of it.
fn large_body() -> Vec<u8> {
    b"a line of a large mail\r\n".repeat(400_000)
}

/// Sends a single mail over a connection of its own.
async fn send_one(server: &Server, timeouts: &Timeouts, body: &[u8]) -> Result<Reply, Failure> {
    let mut session = SmtpSession::connect(server, timeouts).await?;
    session
        .open(&Envelope::new("news@example.org", "bob@example.org", body))
        .await?;
    session.transmit(body, None).await
}

/// What a mail to bob comes to under these rules, with and without PIPELINING.
fn verdicts(rules: &[Rule]) -> Vec<(Stage, Outcome, Reason)> {
    let both = [
        ScriptedServer::setup(),
        ScriptedServer::setup().without("PIPELINING"),
    ];
    both.into_iter()
        .map(|setup| {
            let server = rules
                .iter()
                .fold(setup.start(), |server, rule| server.on("*", rule.clone()));
            let failure = run(send_one(&server.server(), &patient(), BODY)).unwrap_err();
            let Disposition { outcome, reason } = failure.disposition();
            (failure.stage, outcome, reason)
        })
        .collect()
}

fn assert_verdict(at: At, action: Action, stage: Stage, outcome: Outcome, reason: Reason) {
    let rule = Rule::act(at, action.clone());
    assert_eq!(
        verdicts(&[rule]),
        [(stage, outcome, reason); 2],
        "{at:?} {action:?}"
    );
}

fn say(text: &str) -> Action {
    Action::Say(text.as_bytes().to_vec())
}
