//! A conversation with a mail server that ends before any mail: up to the sender, and no further.

use super::connect::Dialled;
use super::reply::{Reply, Stage};
use super::server::{Server, Timeouts};
use super::verdict::Failure;

/// What came of a conversation.
#[derive(Debug)]
pub struct Trial {
    /// How we introduced ourselves, if a connection came about.
    pub ehlo_name: Option<String>,
    /// The answer to the sender.
    pub answer: Result<Reply, Failure>,
}

impl Trial {
    /// One that came nowhere.
    pub fn failed(failure: Failure) -> Self {
        Self {
            ehlo_name: None,
            answer: Err(failure),
        }
    }
}

/// Connects, encrypts, signs in and names the sender, as for a mail; then takes it back and says good-bye.
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
