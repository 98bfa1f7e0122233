//! Tests a connection to an SMTP server, up to MAIL FROM.

use super::connect::Dialled;
use super::failure::Failure;
use super::reply::{Reply, Stage};
use super::server::Server;
use super::timeouts::Timeouts;

/// The result of a connection test.
#[derive(Debug)]
pub struct ConnectionTest {
    /// The EHLO name used, if a connection was established.
    pub ehlo_name: Option<String>,
    /// The reply to MAIL FROM.
    pub reply: Result<Reply, Failure>,
}

impl ConnectionTest {
    /// A test that failed.
    pub fn failed(failure: Failure) -> Self {
        Self {
            ehlo_name: None,
            reply: Err(failure),
        }
    }
}

/// Connects, encrypts, authenticates and sends MAIL FROM, as for a mail; then resets and quits.
pub async fn test_connection(server: &Server, timeouts: &Timeouts, from: &str) -> ConnectionTest {
    match Dialled::dial(server, timeouts.connect).await {
        Ok(dialled) => ConnectionTest {
            ehlo_name: Some(dialled.ehlo_name.clone()),
            reply: send_mail_from(dialled, server, timeouts, from).await,
        },
        Err(failure) => ConnectionTest::failed(failure),
    }
}

async fn send_mail_from(
    dialled: Dialled,
    server: &Server,
    timeouts: &Timeouts,
    from: &str,
) -> Result<Reply, Failure> {
    let (mut wire, _) = dialled.begin(server, timeouts).await?;
    let mail = format!("MAIL FROM:<{from}>\r\n");
    let reply = wire.ask(Stage::Mail, &mail, timeouts.command).await;
    // The replies to these do not matter.
    wire.ask(Stage::Mail, "RSET\r\nQUIT\r\n", timeouts.quit)
        .await
        .ok();
    reply
}
