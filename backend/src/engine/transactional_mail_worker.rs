//! The transactional mail worker: sends confirmations, invitations, password resets and other mails of the service
//! through an SMTP session of its own, so that mailings do not delay them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::Connection;
use mime::compose::Mail;
use smtp::failure::Failure;
use smtp::reply::Reply;
use smtp::server::Server;
use smtp::timeouts::Timeouts;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::counted_session::CountedSession;
use super::database_error::DatabaseError;
use super::send_failure::{self, SendFailure};
use super::signing_composer::envelope;
use super::transactional_job::{self, ComposeSettings};
use crate::accounts::tokens::signed_token::TokenSigner;
use crate::accounts::transactional_mails::composer::Composer;
use crate::accounts::transactional_mails::model::DueMail;
use crate::accounts::transactional_mails::store;
use crate::core::clock::Clock;
use crate::core::db::Db;
use crate::delivery::smtp_servers::settings::MailSettings;

/// Time-out of one mail, from connecting to the last reply. Users wait for these mails, and a second copy is harmless.
const MAIL_TIMEOUT: Duration = Duration::from_mins(3);
/// Longer than `MAIL_TIMEOUT`: the lease of a mail expires only if its worker has died.
const LEASE_DURATION: TimeDelta = TimeDelta::minutes(4);

/// The first retry delay, which doubles with every attempt.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(30);
const MAX_RETRY_DELAY: TimeDelta = TimeDelta::hours(1);
/// A mail is retried for this time after it was created.
const RETRY_PERIOD: TimeDelta = TimeDelta::hours(24);

/// Sends queued transactional mails. Each process may run one.
pub struct TransactionalMailWorker {
    db: Db,
    clock: Clock,
    server: Server,
    settings: ComposeSettings,
    tokens: TokenSigner,
    poll_interval: Duration,
    session: Option<CountedSession>,
}

/// Settings of the worker.
#[derive(Debug, Clone)]
pub struct TransactionalMailSettings {
    pub mail: MailSettings,
    /// Links in mails start with it.
    pub public_url: String,
    pub message_id_key: [u8; 32],
    /// Key of the MAC of tokens in mailed links.
    pub mailed_token_key: [u8; 32],
    pub poll_interval: Duration,
}

/// The result of looking for a due mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueueStep {
    NothingDue,
    Done,
    /// The next mail would fail, too.
    ServerUnavailable,
}

impl TransactionalMailWorker {
    /// Creates a worker; connects to nothing yet.
    pub fn new(settings: TransactionalMailSettings, db: Db, clock: Clock) -> Self {
        let TransactionalMailSettings {
            mail,
            public_url,
            message_id_key,
            mailed_token_key,
            poll_interval,
        } = settings;
        let settings = ComposeSettings {
            composer: Composer::new(mail.from.clone(), &public_url, message_id_key),
            from: mail.from,
            signer: mail.signer,
            public_url,
            message_id_key,
        };
        Self {
            db,
            clock,
            server: mail.server,
            settings,
            tokens: TokenSigner::new(&mailed_token_key),
            poll_interval,
            session: None,
        }
    }

    /// Sends due mails until `stop` becomes true or is dropped; a mail in flight is finished first.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut stopped = *stop.borrow();
        while !stopped {
            match self.step().await {
                Ok(QueueStep::Done) => stopped = *stop.borrow(),
                Ok(QueueStep::NothingDue | QueueStep::ServerUnavailable) => {
                    stopped = self.pause(&mut stop).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "transactional mails delayed: database unavailable");
                    stopped = self.pause(&mut stop).await;
                }
            }
        }
        self.close_session().await;
    }

    /// Sends the due mails, until the mail server is unavailable.
    pub async fn send_due(&mut self) -> Result<(), DatabaseError> {
        while self.step().await? == QueueStep::Done {}
        self.close_session().await;
        Ok(())
    }

    /// Waits for the next poll; returns whether to stop instead.
    async fn pause(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        self.close_session().await;
        tokio::select! {
            changed = stop.changed() => changed.is_err() || *stop.borrow(),
            () = sleep(self.poll_interval) => false,
        }
    }

    async fn step(&mut self) -> Result<QueueStep, DatabaseError> {
        let (now, tokens) = (self.clock.now(), self.tokens.clone());
        let take = move |conn: &mut _| {
            transactional_job::take(conn, &tokens, now, LEASE_DURATION).map_err(DatabaseError::from)
        };
        let Some(job) = self.db.run(move |conn| conn.transaction(take)).await? else {
            return Ok(QueueStep::NothingDue);
        };
        let result = match job.compose(&self.settings, now) {
            Ok(mail) => self.deliver(&mail).await,
            Err(reason) => Err(SendFailure::permanent(&reason)),
        };
        match result {
            Ok(reply) => self.record_sent(job.mail, reply).await,
            Err(failure) => self.record_failure(job.mail, failure).await,
        }
    }

    async fn deliver(&mut self, mail: &Mail) -> Result<Reply, SendFailure> {
        // Taken out, so that a timeout drops the session.
        let session = self.session.take();
        let (session, reply) = timeout(MAIL_TIMEOUT, send_through(&self.server, session, mail))
            .await
            .map_err(|_elapsed| SendFailure::timed_out())?;
        self.session = session;
        reply.map_err(SendFailure::from)
    }

    async fn record_sent(&self, mail: DueMail, reply: Reply) -> Result<QueueStep, DatabaseError> {
        let (id, kind, now) = (mail.id, mail.kind.as_str(), self.clock.now());
        let response = send_failure::shortened(&reply.to_string());
        self.db
            .run(move |conn| {
                store::record_sent(conn, &mail, &response, now).map_err(DatabaseError::from)
            })
            .await?;
        tracing::info!(account_mail.id = id, kind, "transactional mail accepted");
        Ok(QueueStep::Done)
    }

    async fn record_failure(
        &self,
        mail: DueMail,
        failure: SendFailure,
    ) -> Result<QueueStep, DatabaseError> {
        let (id, kind, attempt) = (mail.id, mail.kind.as_str(), mail.attempts);
        let next = next_attempt(&mail, self.clock.now()).filter(|_| !failure.is_final);
        // Without the response, which may contain the address; it is stored in the row.
        let (server_unavailable, next_attempt_at) = (
            failure.server_unavailable,
            next.map(|next| next.to_rfc3339()),
        );
        tracing::warn!(
            account_mail.id = id,
            kind,
            attempt,
            server_unavailable,
            next_attempt_at,
            "transactional mail not sent"
        );
        self.db
            .run(move |conn| {
                store::record_failure(conn, &mail, &failure.response, next)
                    .map_err(DatabaseError::from)
            })
            .await?;
        Ok(if server_unavailable {
            QueueStep::ServerUnavailable
        } else {
            QueueStep::Done
        })
    }

    async fn close_session(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }
}

/// Sends a mail through the session, or through a new one if that cannot be used; returns the session if it can be
/// reused.
async fn send_through(
    server: &Server,
    session: Option<CountedSession>,
    mail: &Mail,
) -> (Option<CountedSession>, Result<Reply, Failure>) {
    if let Some(mut session) = session.and_then(reusable) {
        let reply = transfer(&mut session, mail).await;
        // The server had closed this connection before reading the mail: it is sent through another.
        if !session.is_worn_out() {
            return (reusable(session), reply);
        }
    }
    match CountedSession::connect(server, &Timeouts::default()).await {
        Ok(mut session) => {
            let reply = transfer(&mut session, mail).await;
            (reusable(session), reply)
        }
        Err(failure) => (None, Err(failure)),
    }
}

async fn transfer(session: &mut CountedSession, mail: &Mail) -> Result<Reply, Failure> {
    session.open(&envelope(mail)).await?;
    session.transmit(&mail.data, None).await
}

fn reusable(mut session: CountedSession) -> Option<CountedSession> {
    session.is_reusable().then_some(session)
}

/// Retry delays: 30 s, 1 min, 2 min … 1 h; none once the mail is a day old.
fn next_attempt(mail: &DueMail, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doubled = u32::try_from(mail.attempts - 1).unwrap_or_default().min(7);
    let delay = (RETRY_DELAY * 2_i32.pow(doubled)).min(MAX_RETRY_DELAY);
    Some(now + delay).filter(|next| *next < mail.created_at + RETRY_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::transactional_mails::model::MailKind;

    #[test]
    fn the_retry_delay_doubles_from_half_a_minute_to_an_hour_for_a_day() {
        let created_at = DateTime::UNIX_EPOCH;
        let mail = |attempts| DueMail {
            id: 1,
            user_id: 1,
            kind: MailKind::Confirm,
            to_email: "ada@example.org".into(),
            message_id: None,
            attempts,
            created_at,
        };
        let waits = [1, 2, 3, 7, 8, 9, i32::MAX]
            .map(|attempts| next_attempt(&mail(attempts), created_at).map(|at| at.timestamp()));
        assert_eq!(waits, [30, 60, 120, 1920, 3600, 3600, 3600].map(Some));
        let almost_a_day = created_at + TimeDelta::hours(23);
        assert_eq!(next_attempt(&mail(9), almost_a_day), None);
    }
}
