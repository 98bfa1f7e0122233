//! A connection to an SMTP server that carries one mail after another. Tracks what may have been sent at any time.
//!
//! A mail takes two calls: [`SmtpSession::open`] sends the envelope up to DATA and [`SmtpSession::transmit`] sends the
//! body. Between them the caller can write its journal, or drop the session to send nothing. The envelope of the next
//! mail follows the body if the server supports pipelining (RFC 2920).
//!
//! If a future fails, times out or is dropped midway, the connection is closed: later commands would read the replies to
//! earlier ones.

use std::mem;

use tokio::time::{Duration, Instant};

use super::{
    body::append_body,
    connect,
    envelope::{Capabilities, Envelope},
    failure::{Failure, FailureClass},
    reply::{Reply, Stage},
    server::Server,
    timeouts::Timeouts,
    wire::{Wire, within},
};

pub struct SmtpSession {
    /// `None` once the connection must not be used again, and while a step uses it.
    wire: Option<Wire>,
    phase: Phase,
    offered: Capabilities,
    pipelining: bool,
    timeouts: Timeouts,
    mails_left: u32,
    born: Instant,
    /// The server has replied to a mail on this connection.
    is_used: bool,
    /// The stage of the last mail at which the server closed the connection.
    closed_at: Option<Stage>,
}

/// The protocol state between two calls.
#[derive(Default)]
enum Phase {
    #[default]
    Idle,
    /// An envelope was refused: RSET is due.
    Refused,
    /// These commands were sent after the last body; their replies are outstanding.
    Ahead(String),
    /// The server waits for a body.
    Open,
}

impl SmtpSession {
    pub async fn connect(server: &Server, timeouts: &Timeouts) -> Result<Self, Failure> {
        let (wire, offered) = connect::connect(server, timeouts).await?;
        Ok(Self {
            wire: Some(wire),
            phase: Phase::Idle,
            pipelining: offered.has("PIPELINING"),
            offered,
            timeouts: *timeouts,
            mails_left: server.mails_per_connection,
            born: Instant::now(),
            is_used: false,
            closed_at: None,
        })
    }

    /// Whether another mail may be sent through this connection: it is open as far as known, and within its limits. Checked
    /// before `open`, so that a connection that the server closed meanwhile does not count as a failure.
    pub fn is_reusable(&mut self) -> bool {
        let used_up = self.mails_left == 0 || self.born.elapsed() >= self.timeouts.lifetime;
        match (&mut self.wire, &self.phase) {
            (None, _) | (_, Phase::Open) => false,
            (_, Phase::Ahead(_)) => true,
            (Some(wire), Phase::Idle | Phase::Refused) => !used_up && wire.expect_silence().is_ok(),
        }
    }

    /// Whether the connection is open.
    pub fn is_open(&self) -> bool {
        self.wire.is_some()
    }

    /// Announces a mail; returns when the server is ready for its body. If this envelope was sent behind the last body,
    /// only its replies are read; another one cannot be opened in its place, for a DATA cannot be taken back.
    ///
    /// After a refusal the session remains usable, see [`SmtpSession::is_reusable`].
    pub async fn open(&mut self, envelope: &Envelope<'_>) -> Result<(), Failure> {
        self.closed_at = None;
        let commands = envelope.commands(&self.offered)?;
        let (mut wire, phase) = self.take(Stage::Mail)?;
        let ahead = matches!(&phase, Phase::Ahead(sent) if *sent == commands);
        if !ahead && let Err(failure) = self.announce(&mut wire, phase, &commands).await {
            self.closed_at = Some(Stage::Mail);
            return Err(failure);
        }
        let mut refusal: Option<Failure> = None;
        let mut is_open = false;
        let stages = [Stage::Mail, Stage::Rcpt, Stage::Data];
        for (command, stage) in commands.split_inclusive('\n').zip(stages) {
            let command = if self.pipelining { "" } else { command };
            match wire.ask(stage, command, self.timeouts.reply(stage)).await {
                Ok(_) => is_open = stage == Stage::Data,
                Err(failure) if refusal.is_none() && failure.ends_connection() => {
                    self.closed_at = Some(stage);
                    return Err(failure);
                }
                Err(failure) if failure.leaves_connection_usable() => {
                    refusal.get_or_insert(failure);
                    if !self.pipelining {
                        break;
                    }
                }
                Err(failure) => return Err(refusal.unwrap_or(failure)),
            }
        }
        self.is_used = true;
        let Some(refusal) = refusal else {
            self.put_back(wire, Phase::Open);
            return Ok(());
        };
        if !is_open || refusal.stage == Stage::Rcpt && self.close_empty(&mut wire).await.is_ok() {
            self.put_back(wire, Phase::Refused);
        }
        Err(refusal)
    }

    /// Whether the last `open` failed because the server closed a connection on which it had answered mails before,
    /// without answering this one: it may be sent immediately through another connection.
    pub fn is_worn_out(&self) -> bool {
        self.is_used && self.closed_at == Some(Stage::Mail)
    }

    /// Whether the last `open` failed because the server closed the connection before it was ready for the body of any
    /// mail, and refused no recipient: equivalent to a refused connection.
    pub fn is_refused(&self) -> bool {
        !self.is_used && self.closed_at.is_some()
    }

    /// Sends the body of the mail that was opened, and behind it the envelope that will be opened next, if that is known
    /// and can be had. The body is the plain message: line ends and dots are seen to here.
    ///
    /// The mail is accepted if, and only if, a reply is returned.
    pub async fn transmit(
        &mut self,
        body: &[u8],
        next: Option<&Envelope<'_>>,
    ) -> Result<Reply, Failure> {
        let (mut wire, phase) = self.take(Stage::Body)?;
        if !matches!(phase, Phase::Open) {
            return Err(given_up(Stage::Body, "no envelope is open"));
        }
        let silence = wire.expect_silence();
        silence.map_err(|broken| broken.at(Stage::Body))?;
        self.mails_left = self.mails_left.saturating_sub(1);
        let mut flight = Vec::new();
        append_body(&mut flight, body);
        let end_of_body = flight.len();
        let ahead = self.ahead(next);
        flight.extend_from_slice(ahead.as_deref().unwrap_or_default().as_bytes());

        let (reply, is_all_sent) = deliver(&mut wire, &flight, end_of_body, &self.timeouts).await?;
        let answer = Failure::judge(Stage::Dot, reply);
        let is_agreed = match &answer {
            Ok(_) => true,
            Err(failure) => failure.leaves_connection_usable(),
        };
        if is_agreed && is_all_sent {
            self.put_back(wire, ahead.map_or(Phase::Idle, Phase::Ahead));
        }
        answer
    }

    /// Sends QUIT if possible; ignores the reply.
    pub async fn quit(mut self) {
        if let Ok((mut wire, Phase::Idle | Phase::Refused)) = self.take(Stage::Mail) {
            // All mails have their replies, so this one does not matter.
            let _ = wire.ask(Stage::Mail, "QUIT\r\n", self.timeouts.quit).await;
        }
    }

    /// Takes the connection, to be returned by `put_back`: dropping the caller's future closes it.
    fn take(&mut self, stage: Stage) -> Result<(Wire, Phase), Failure> {
        let phase = mem::take(&mut self.phase);
        let wire = self.wire.take();
        Ok((
            wire.ok_or_else(|| given_up(stage, "the connection was given up"))?,
            phase,
        ))
    }

    fn put_back(&mut self, wire: Wire, phase: Phase) {
        self.wire = Some(wire);
        self.phase = phase;
    }

    /// Starts an envelope: RSET if due, and all commands if the server supports PIPELINING.
    async fn announce(&self, wire: &mut Wire, phase: Phase, commands: &str) -> Result<(), Failure> {
        let reset = match phase {
            Phase::Idle => "",
            Phase::Refused => "RSET\r\n",
            Phase::Ahead(_) | Phase::Open => {
                return Err(given_up(Stage::Mail, "another envelope was under way"));
            }
        };
        let behind = if self.pipelining { commands } else { "" };
        let limit = self.timeouts.reply(Stage::Mail);
        let begin = async {
            wire.expect_silence()?;
            wire.send_all(format!("{reset}{behind}").as_bytes()).await
        };
        within(limit, Stage::Mail, begin).await?;
        if reset.is_empty() {
            return Ok(());
        }
        // A refused RSET is not about this envelope.
        let answer = wire.ask(Stage::Mail, "", limit).await;
        answer.map(drop).map_err(|failure| Failure {
            class: FailureClass::Protocol,
            ..failure
        })
    }

    /// Ends the mail with a single dot if the server accepted DATA after it had refused the only recipient (RFC 2920, 3.1).
    async fn close_empty(&self, wire: &mut Wire) -> Result<Reply, Failure> {
        let exchange = async {
            wire.send_all(b".\r\n").await?;
            wire.reply().await
        };
        within(self.timeouts.data, Stage::Data, exchange).await
    }

    /// The commands of the next envelope, if they may be sent before the reply to this mail.
    fn ahead(&self, next: Option<&Envelope<'_>>) -> Option<String> {
        let allowed =
            self.pipelining && self.mails_left > 0 && self.born.elapsed() < self.timeouts.lifetime;
        // An envelope that this server does not support is reported when it is opened.
        next.filter(|_| allowed)
            .and_then(|next| next.commands(&self.offered).ok())
    }
}

/// Sends body and dot, and what follows; returns the reply to the dot, and whether everything was sent.
async fn deliver(
    wire: &mut Wire,
    flight: &[u8],
    end_of_body: usize,
    timeouts: &Timeouts,
) -> Result<(Reply, bool), Failure> {
    let mut sent = 0;
    let body = wire.send(flight, &mut sent, end_of_body);
    if let Err(mut failure) = within(timeouts.body(end_of_body), Stage::Body, body).await {
        if sent >= end_of_body {
            failure.stage = Stage::Dot;
        }
        let words = early_refusal(wire, timeouts.quit).await;
        return Err(words.unwrap_or(failure));
    }
    let answer = async {
        // Even if the next envelope cannot be sent, this mail may have its reply.
        let is_all_sent = wire.send(flight, &mut sent, flight.len()).await.is_ok();
        Ok((wire.reply().await?, is_all_sent))
    };
    within(timeouts.reply(Stage::Dot), Stage::Dot, answer).await
}

/// The reply of a server that refuses the body before it is complete: more informative than a broken pipe.
async fn early_refusal(wire: &mut Wire, limit: Duration) -> Option<Failure> {
    let reply = within(limit, Stage::Body, wire.reply()).await.ok()?;
    Failure::judge(Stage::Body, reply)
        .err()
        .filter(|failure| failure.class == FailureClass::Refused)
}

fn given_up(stage: Stage, why: &str) -> Failure {
    Failure::new(stage, FailureClass::Closed, why)
}
