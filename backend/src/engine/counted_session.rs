//! An SMTP session that is counted by the metric of open sessions, and numbered in traces.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};

use smtp::failure::Failure;
use smtp::server::Server;
use smtp::session::SmtpSession;
use smtp::timeouts::Timeouts;

use crate::core::metrics::OpenSession;

/// A session, counted until it is dropped.
pub(super) struct CountedSession {
    session: SmtpSession,
    /// `session.id` in traces; unique in this process.
    id: u64,
    _open: OpenSession,
}

impl CountedSession {
    pub(super) async fn connect(server: &Server, timeouts: &Timeouts) -> Result<Self, Failure> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        Ok(Self {
            session: SmtpSession::connect(server, timeouts).await?,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            _open: OpenSession::counted(),
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Sends QUIT, if the session allows it.
    pub(super) async fn quit(self) {
        self.session.quit().await;
    }
}

impl Deref for CountedSession {
    type Target = SmtpSession;

    fn deref(&self) -> &SmtpSession {
        &self.session
    }
}

impl DerefMut for CountedSession {
    fn deref_mut(&mut self) -> &mut SmtpSession {
        &mut self.session
    }
}
