//! The byte stream under an SMTP session: whole replies in, bytes out, bounded memory.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf},
    time::timeout,
};
use tokio_rustls::rustls;

use super::{
    failure::{Failure, FailureClass},
    reply::{Malformed, Reply, Stage},
};

/// Maximum size of a reply; beyond it the connection is closed.
const MAX_REPLY: usize = 64 * 1024;

/// Maximum size of a write, so that what a failed write may have sent is known to within one TLS record.
const MAX_WRITE: usize = 16 * 1024;

/// A TCP connection, or TLS over one.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why the connection is unusable.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the server closed the connection")]
    Eof,
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("the server sent something that is not an SMTP reply: {0}")]
    Garbage(String),
    #[error("the server's reply is longer than 64 kB")]
    TooLong,
    #[error("the server sent an unexpected reply: {0}")]
    Unasked(String),
}

impl Broken {
    pub(super) fn at(self, stage: Stage) -> Failure {
        let class = match self {
            Self::Eof => FailureClass::Closed,
            Self::Io(ref error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(
                    rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented,
                ) => FailureClass::Certificate,
                Some(_) => FailureClass::Tls,
                None => FailureClass::Closed,
            },
            Self::Garbage(_) | Self::TooLong | Self::Unasked(_) => FailureClass::Protocol,
        };
        Failure::new(stage, class, self)
    }
}

/// Limits the time of a step.
pub(super) async fn within<T>(
    limit: Duration,
    stage: Stage,
    step: impl Future<Output = Result<T, Broken>>,
) -> Result<T, Failure> {
    match timeout(limit, step).await {
        Ok(done) => done.map_err(|broken| broken.at(stage)),
        Err(_) => Err(Failure::new(
            stage,
            FailureClass::Timeout,
            format_args!("nothing for {limit:?}"),
        )),
    }
}

pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// Received and not yet consumed.
    received: Vec<u8>,
    pub(super) encrypted: bool,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>, encrypted: bool) -> Self {
        Self {
            stream,
            received: Vec::with_capacity(1024),
            encrypted,
        }
    }

    /// The next complete reply.
    pub(super) async fn reply(&mut self) -> Result<Reply, Broken> {
        let (reply, length) = self.complete_reply().await?;
        self.received.drain(..length);
        Ok(reply)
    }

    /// The next complete reply and its bytes; EHLO needs the separate lines.
    pub(super) async fn reply_and_lines(&mut self) -> Result<(Reply, Vec<u8>), Broken> {
        let (reply, length) = self.complete_reply().await?;
        Ok((reply, self.received.drain(..length).collect()))
    }

    async fn complete_reply(&mut self) -> Result<(Reply, usize), Broken> {
        let mut seen = 0;
        loop {
            // Parsed again only after a line end, so that replies that arrive byte by byte stay cheap.
            if self
                .received
                .get(seen..)
                .is_some_and(|new| new.contains(&b'\n'))
            {
                match Reply::parse(&self.received) {
                    Ok(Some(complete)) => return Ok(complete),
                    Ok(None) => {}
                    Err(Malformed) => return Err(Broken::Garbage(self.excerpt())),
                }
            }
            if self.received.len() > MAX_REPLY {
                return Err(Broken::TooLong);
            }
            seen = self.received.len();
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(Broken::Eof);
            }
        }
    }

    /// Writes `bytes` from `*sent` to at least `until`. `sent` is updated on the way, so that after a failure or a timeout
    /// the caller knows how much may have been sent.
    pub(super) async fn send(
        &mut self,
        bytes: &[u8],
        sent: &mut usize,
        until: usize,
    ) -> Result<(), Broken> {
        while *sent < until {
            let rest = bytes.get(*sent..).unwrap_or_default();
            let chunk = rest.get(..MAX_WRITE).unwrap_or(rest);
            match self.stream.write(chunk).await {
                Ok(0) => return Err(Broken::Eof),
                Ok(written) => *sent += written,
                Err(error) => {
                    // A failed write to a socket has sent nothing. TLS may have sent records of this chunk before it failed.
                    if self.encrypted {
                        *sent += chunk.len();
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(self.stream.flush().await?)
    }

    /// Sends a command (none for the greeting) and waits for its reply.
    pub(super) async fn ask(
        &mut self,
        stage: Stage,
        command: &str,
        limit: Duration,
    ) -> Result<Reply, Failure> {
        let exchange = async {
            self.send_all(command.as_bytes()).await?;
            self.reply().await
        };
        Failure::judge(stage, within(limit, stage, exchange).await?)
    }

    pub(super) async fn send_all(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.send(bytes, &mut 0, bytes.len()).await
    }

    /// Checks that nothing has been received while no reply is outstanding: neither an extra reply, which would be taken for
    /// the reply to the next command, nor the end of the connection.
    pub(super) fn expect_silence(&mut self) -> Result<(), Broken> {
        let mut space = [0; 256];
        let mut buffer = ReadBuf::new(&mut space);
        let read = Pin::new(&mut self.stream)
            .poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer);
        self.received.extend_from_slice(buffer.filled());
        match read {
            // The server closes an idle connection.
            _ if self.received.starts_with(b"421") => Err(Broken::Eof),
            _ if !self.received.is_empty() => Err(Broken::Unasked(self.excerpt())),
            Poll::Pending => Ok(()),
            Poll::Ready(Ok(())) => Err(Broken::Eof),
            Poll::Ready(Err(error)) => Err(error.into()),
        }
    }

    /// Whether there is no received data left to consume.
    pub(super) fn is_silent(&self) -> bool {
        self.received.is_empty()
    }

    /// The stream, to be wrapped in TLS. Fails if data followed the reply to STARTTLS in clear text: it must not be read as if
    /// it had been encrypted (STARTTLS injection).
    pub(super) fn into_stream(mut self) -> Result<Box<dyn Stream>, Broken> {
        if self.received.is_empty() {
            Ok(self.stream)
        } else {
            Err(Broken::Unasked(self.excerpt()))
        }
    }

    fn excerpt(&mut self) -> String {
        self.received.truncate(200);
        self.received.escape_ascii().to_string()
    }
}
