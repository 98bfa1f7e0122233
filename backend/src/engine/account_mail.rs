//! Sends the mails that the service owes its own users, through an SMTP session of their own: a mailing to a million
//! keeps nobody from confirming an address, and a mail server that is away keeps nobody from signing up.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::Connection;
use mime::compose::Mail;
use smtp::reply::Reply;
use smtp::server::{Server, Timeouts};
use smtp::verdict::Failure;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::account_job::{self, ComposeSettings};
use super::counted_session::CountedSession;
use super::send_failure::{self, SendFailure};
use super::signing_composer::envelope;
use crate::accounts::tokens::signed_token::TokenSigner;
use crate::accounts::transactional_mails::composer::Composer;
use crate::accounts::transactional_mails::model::DueMail;
use crate::accounts::transactional_mails::store;
use crate::core::clock::Clock;
use crate::core::db::{Db, Unavailable};
use crate::delivery::smtp_servers::settings::MailSettings;

/// For one mail from connecting to the last reply; somebody is waiting for it, and a second copy does no harm.
const CONVERSATION: Duration = Duration::from_mins(3);
/// Longer than a conversation can last: only a worker that died leaves a mail to this.
const LEASE: TimeDelta = TimeDelta::minutes(4);

/// Empties the queue of account mails. Any number of processes may have one.
pub struct Worker {
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
pub struct WorkerSettings {
    pub mail: MailSettings,
    /// Links in mails start with it.
    pub public_url: String,
    pub message_id_key: [u8; 32],
    /// Key of the MAC of tokens in mailed links.
    pub mailed_token_key: [u8; 32],
    pub poll_interval: Duration,
}

/// The database is unavailable, or a query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// The result of looking for a due mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum QueueStep {
    NothingDue,
    Done,
    /// The next mail would fail, too.
    ServerAway,
}

impl Worker {
    /// Creates a worker; connects to nothing yet.
    pub fn new(settings: WorkerSettings, db: Db, clock: Clock) -> Self {
        let WorkerSettings {
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
                Ok(QueueStep::NothingDue | QueueStep::ServerAway) => {
                    stopped = self.pause(&mut stop).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "account mails are delayed: the database is unavailable");
                    stopped = self.pause(&mut stop).await;
                }
            }
        }
        self.hang_up().await;
    }

    /// Sends what is due now, or as much of it as the mail server lets us.
    pub async fn send_due(&mut self) -> Result<(), QueueError> {
        while self.step().await? == QueueStep::Done {}
        self.hang_up().await;
        Ok(())
    }

    /// Until it is time to look again; whether to stop instead.
    async fn pause(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        self.hang_up().await;
        tokio::select! {
            changed = stop.changed() => changed.is_err() || *stop.borrow(),
            () = sleep(self.poll_interval) => false,
        }
    }

    async fn step(&mut self) -> Result<QueueStep, QueueError> {
        let (now, tokens) = (self.clock.now(), self.tokens.clone());
        let take = move |conn: &mut _| {
            account_job::take(conn, &tokens, now, LEASE).map_err(QueueError::from)
        };
        let Some(job) = self.db.run(move |conn| conn.transaction(take)).await? else {
            return Ok(QueueStep::NothingDue);
        };
        let result = match job.compose(&self.settings, now) {
            Ok(mail) => self.deliver(&mail).await,
            Err(reason) => Err(SendFailure::never(&reason)),
        };
        match result {
            Ok(reply) => self.record_sent(job.mail, reply).await,
            Err(setback) => self.record_setback(job.mail, setback).await,
        }
    }

    async fn deliver(&mut self, mail: &Mail) -> Result<Reply, SendFailure> {
        // Taken out: a conversation that is broken off takes its session with it.
        let session = self.session.take();
        let (session, reply) = timeout(CONVERSATION, converse(&self.server, session, mail))
            .await
            .map_err(|_elapsed| SendFailure::timed_out())?;
        self.session = session;
        reply.map_err(SendFailure::from)
    }

    async fn record_sent(&self, mail: DueMail, reply: Reply) -> Result<QueueStep, QueueError> {
        let (id, kind, now) = (mail.id, mail.kind.as_str(), self.clock.now());
        let response = send_failure::shortened(&reply.to_string());
        self.db
            .run(move |conn| {
                store::record_sent(conn, &mail, &response, now).map_err(QueueError::from)
            })
            .await?;
        tracing::info!(
            account_mail.id = id,
            kind,
            "the mail server took an account mail"
        );
        Ok(QueueStep::Done)
    }

    async fn record_setback(
        &self,
        mail: DueMail,
        setback: SendFailure,
    ) -> Result<QueueStep, QueueError> {
        let (id, kind, attempt) = (mail.id, mail.kind.as_str(), mail.attempts);
        let next = next_attempt(&mail, self.clock.now()).filter(|_| !setback.is_final);
        // Without the server's words, which may hold the address; they are in the row.
        let (server_away, next_attempt_at) =
            (setback.server_away, next.map(|next| next.to_rfc3339()));
        tracing::warn!(
            account_mail.id = id,
            kind,
            attempt,
            server_away,
            next_attempt_at,
            "an account mail did not leave"
        );
        self.db
            .run(move |conn| {
                store::record_failure(conn, &mail, &setback.response, next)
                    .map_err(QueueError::from)
            })
            .await?;
        Ok(if server_away {
            QueueStep::ServerAway
        } else {
            QueueStep::Done
        })
    }

    async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }
}

/// One mail through the session, or through a new one where the old cannot be used; gives it back if it can be used on.
async fn converse(
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

/// 30 s, 1 min, 2 min … 1 h after the attempt; never, once the mail is a day old.
fn next_attempt(mail: &DueMail, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let doubled = u32::try_from(mail.attempts - 1).unwrap_or_default().min(7);
    let wait = (TimeDelta::seconds(30) * 2_i32.pow(doubled)).min(TimeDelta::hours(1));
    Some(now + wait).filter(|next| *next < mail.created_at + TimeDelta::hours(24))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::transactional_mails::model::MailKind;

    #[test]
    fn the_waits_double_from_half_a_minute_to_an_hour_for_a_day() {
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
