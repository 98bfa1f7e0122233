//! The connection of a worker: opened for its first mail, replaced when the server closes it, given up when the
//! server allows no more sessions.

use std::sync::Arc;
use std::time::Duration;

use smtp::envelope::Envelope;
use smtp::failure::Failure;
use smtp::timeouts::Timeouts;
use tokio::time::{Instant, sleep};

use crate::engine::counted_session::CountedSession;
use crate::engine::egress_queue::EgressQueue;
use crate::engine::egress_queue::slots::SessionSlot;

/// A connection this soon after another has ended is a replacement for it.
const REPLACEMENT: Duration = Duration::from_secs(1);
/// Retry delays of a replacement that is refused.
const RECONNECT_WAITS: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
];

pub(super) struct Connection {
    queue: Arc<EgressQueue>,
    timeouts: Timeouts,
    /// The right to have a session; acquired with the first mail, released with the session.
    pub(super) slot: Option<SessionSlot>,
    session: Option<CountedSession>,
    /// When the last session ended.
    ended_at: Option<Instant>,
}

/// Why a mail's body cannot be sent.
pub(super) enum NotOpened {
    /// No connection could be established: it may exceed the server's limit.
    NoConnection(Failure),
    Failed(Failure),
}

impl NotOpened {
    fn unconnected(failure: Failure) -> Self {
        if failure.refuses_credentials() {
            Self::Failed(failure)
        } else {
            Self::NoConnection(failure)
        }
    }
}

impl Connection {
    pub(super) fn new(queue: &Arc<EgressQueue>, timeouts: Timeouts) -> Self {
        Self {
            queue: Arc::clone(queue),
            timeouts,
            slot: None,
            session: None,
            ended_at: None,
        }
    }

    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// A session in which the server is ready for the body of a mail with this envelope. The caller returns it with
    /// `keep`.
    pub(super) async fn open(
        &mut self,
        envelope: &Envelope<'_>,
    ) -> Result<CountedSession, NotOpened> {
        if let Some(mut session) = self.take_session().await {
            match session.open(envelope).await {
                Ok(()) => return Ok(session),
                // The server had closed this connection before reading the mail: it is sent through the next one.
                Err(_) if session.is_worn_out() => self.ended(),
                Err(failure) => {
                    self.keep(session);
                    return Err(NotOpened::Failed(failure));
                }
            }
        }
        let mut session = self.connect().await.map_err(NotOpened::unconnected)?;
        let opened = session.open(envelope).await;
        if let Err(failure) = opened {
            if session.is_refused() {
                self.ended();
                return Err(NotOpened::NoConnection(failure));
            }
            self.keep(session);
            return Err(NotOpened::Failed(failure));
        }
        self.works();
        Ok(session)
    }

    /// Called when the server has answered a mail on a new connection: until then it may still refuse the connection.
    fn works(&mut self) {
        if let Some(slot) = &mut self.slot {
            slot.connected();
        }
    }

    /// Keeps a session for the next mail, unless its connection was given up.
    pub(super) fn keep(&mut self, session: CountedSession) {
        if session.is_open() {
            self.works();
            self.session = Some(session);
        } else {
            self.ended();
        }
    }

    /// The open session, if it can still be used.
    async fn take_session(&mut self) -> Option<CountedSession> {
        let mut session = self.session.take()?;
        if session.is_reusable() {
            return Some(session);
        }
        session.quit().await;
        self.ended();
        None
    }

    /// Opens a connection. A replacement may be refused because the server has not yet noticed that the old
    /// connection ended: then it is retried shortly after.
    async fn connect(&mut self) -> Result<CountedSession, Failure> {
        let ended_at = self.ended_at.take();
        let waits = match ended_at.filter(|at| at.elapsed() < REPLACEMENT) {
            Some(_) => RECONNECT_WAITS.as_slice(),
            None => &[],
        };
        for wait in waits {
            match self.connect_once().await {
                Err(failure) if failure.is_refused_connection() => sleep(*wait).await,
                other => return other,
            }
        }
        self.connect_once().await
    }

    async fn connect_once(&mut self) -> Result<CountedSession, Failure> {
        let server = self.queue.target.server.as_ref();
        let server = server.map_err(Clone::clone)?;
        let session = CountedSession::connect(server, &self.timeouts).await?;
        tracing::debug!(session.id = session.id(), "session opened");
        Ok(session)
    }

    /// Called when the session is over, regardless of who ended it.
    pub(super) fn ended(&mut self) {
        self.ended_at = Some(Instant::now());
        if let Some(slot) = &mut self.slot {
            slot.disconnected();
        }
    }

    /// Sends QUIT if there is a session, and releases the slot.
    pub(super) async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
        self.slot = None;
    }

    /// Releases the slot if there is no session.
    pub(super) fn release(&mut self) {
        if self.session.is_none() {
            self.slot = None;
        }
    }
}
