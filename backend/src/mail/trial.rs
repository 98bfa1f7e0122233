//! A conversation with a mail server that ends before any mail: up to the sender, and no further.

use super::connect::connect;
use super::reply::{Reply, Stage};
use super::server::{Server, Timeouts};
use super::verdict::Failure;

/// Connects, encrypts, signs in and names the sender, as for a mail; then takes it back and says good-bye. Gives the answer to
/// the sender.
pub async fn try_sender(
    server: &Server,
    timeouts: &Timeouts,
    from: &str,
) -> Result<Reply, Failure> {
    let (mut wire, _) = connect(server, timeouts).await?;
    let answer = wire
        .ask(
            Stage::Mail,
            &format!("MAIL FROM:<{from}>\r\n"),
            timeouts.command,
        )
        .await;
    // It is not waited for what the server thinks of that.
    wire.ask(Stage::Mail, "RSET\r\nQUIT\r\n", timeouts.quit)
        .await
        .ok();
    answer
}
