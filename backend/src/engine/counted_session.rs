//! An SMTP session that the metric of open sessions counts.

use std::ops::{Deref, DerefMut};

use smtp::server::{Server, Timeouts};
use smtp::session::Session;
use smtp::verdict::Failure;

use crate::core::metrics::OpenSession;

/// A session, counted until it is dropped.
pub(super) struct CountedSession {
    session: Session,
    _open: OpenSession,
}

impl CountedSession {
    pub(super) async fn connect(server: &Server, timeouts: &Timeouts) -> Result<Self, Failure> {
        Ok(Self {
            session: Session::connect(server, timeouts).await?,
            _open: OpenSession::counted(),
        })
    }

    /// Sends QUIT, if the session allows it.
    pub(super) async fn quit(self) {
        self.session.quit().await;
    }
}

impl Deref for CountedSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for CountedSession {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
