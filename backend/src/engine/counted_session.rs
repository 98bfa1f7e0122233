//! An SMTP session that the metric of open sessions counts.

use std::ops::{Deref, DerefMut};

use smtp::failure::Failure;
use smtp::server::Server;
use smtp::session::SmtpSession;
use smtp::timeouts::Timeouts;

use crate::core::metrics::OpenSession;

/// A session, counted until it is dropped.
pub(super) struct CountedSession {
    session: SmtpSession,
    _open: OpenSession,
}

impl CountedSession {
    pub(super) async fn connect(server: &Server, timeouts: &Timeouts) -> Result<Self, Failure> {
        Ok(Self {
            session: SmtpSession::connect(server, timeouts).await?,
            _open: OpenSession::counted(),
        })
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
