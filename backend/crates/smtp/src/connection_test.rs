//! A conversation with a mail server that ends before any mail: up to the sender, and no further.

use super::connect::Dialled;
use super::reply::{Reply, Stage};
use super::server::{Server, Timeouts};
use super::verdict::Failure;

/// The result of a test conversation.
#[derive(Debug)]
pub struct Trial {
    /// The EHLO name used, if a connection was established.
    pub ehlo_name: Option<String>,
    /// The reply to MAIL FROM.
    pub answer: Result<Reply, Failure>,
}

impl Trial {
    /// A conversation that failed.
    pub fn failed(failure: Failure) -> Self {
        Self {
            ehlo_name: None,
            answer: Err(failure),
        }
    }
}

/// Connects, encrypts, authenticates and sends MAIL FROM, as for a mail; then resets and quits.
pub async fn try_sender(server: &Server, timeouts: &Timeouts, from: &str) -> Trial {
    match Dialled::dial(server, timeouts.connect).await {
        Ok(dialled) => Trial {
            ehlo_name: Some(dialled.ehlo_name.clone()),
            answer: name_sender(dialled, server, (timeouts, from)).await,
        },
        Err(failure) => Trial::failed(failure),
    }
}

async fn name_sender(
    dialled: Dialled,
    server: &Server,
    (timeouts, from): (&Timeouts, &str),
) -> Result<Reply, Failure> {
    let (mut wire, _) = dialled.begin(server, timeouts).await?;
    let mail = format!("MAIL FROM:<{from}>\r\n");
    let answer = wire.ask(Stage::Mail, &mail, timeouts.command).await;
    // It is not waited for what the server thinks of that.
    wire.ask(Stage::Mail, "RSET\r\nQUIT\r\n", timeouts.quit)
        .await
        .ok();
    answer
}
