//! An SMTP worker: sends one mail after another through its session. Outcomes go to the result writer.

mod connection;
mod outgoing_mail;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use smtp::failure::Failure;
use tokio::time::timeout;
use tracing::Instrument;
use tracing::field::Empty;

use self::connection::{Connection, NotOpened};
use self::outgoing_mail::{OutgoingMail, compose, delivery_span, trace_end};
use super::attempt_event::AttemptEvent;
use super::attempt_outcome::{AttemptOutcome, AttemptStart, AttemptTimes};
use super::chunk::Chunk;
use super::coordinator::NextMail;
use super::egress_queue::EgressQueue;
use super::fair_queue::QueuedMail;
use super::journal::{JournalLine, TakenDelivery};
use super::sender_context::SenderContext;
use super::signing_composer::envelope;
use crate::core::metrics::metrics;
use crate::delivery::deliveries::claims::Claimed;

/// An idle session is closed after this time: servers dislike idle connections.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct SmtpWorker {
    queue: Arc<EgressQueue>,
    context: Arc<SenderContext>,
    events: mpsc::Sender<AttemptEvent>,
    connection: Connection,
}

impl SmtpWorker {
    pub(super) fn new(
        queue: &Arc<EgressQueue>,
        context: &Arc<SenderContext>,
        events: mpsc::Sender<AttemptEvent>,
    ) -> Self {
        Self {
            queue: Arc::clone(queue),
            context: Arc::clone(context),
            events,
            connection: Connection::new(queue, context.settings.engine.timeouts),
        }
    }

    /// Sends mails until no more will arrive.
    pub(super) async fn run(mut self) {
        let mut ahead = None;
        loop {
            let next = match ahead.take() {
                Some(outgoing) => Some(outgoing),
                None => self.next_mail().await,
            };
            let Some(outgoing) = next else { break };
            let span = outgoing.span.clone();
            ahead = self.send(outgoing).instrument(span).await;
        }
        self.connection.close().await;
    }

    /// Waits for the next mail that can be sent; `None` when no more will arrive.
    async fn next_mail(&mut self) -> Option<OutgoingMail> {
        loop {
            self.connection.release();
            match self.wait_for_mail().await {
                NextMail::Send(queued) => {
                    if let Some(outgoing) = self.prepare(queued, &mut None) {
                        return Some(outgoing);
                    }
                }
                NextMail::CloseSession => self.connection.close().await,
                NextMail::End => return None,
            }
        }
    }

    async fn wait_for_mail(&mut self) -> NextMail {
        let context = Arc::clone(&self.context);
        let has_session = self.connection.has_session();
        let next = context
            .coordinator
            .next_mail(&self.queue, &mut self.connection.slot);
        if !has_session {
            return next.await;
        }
        let waited = metrics().idle(timeout(IDLE_TIMEOUT, next)).await;
        waited.unwrap_or(NextMail::CloseSession)
    }

    /// Sends a mail; returns the next one, composed meanwhile so that its envelope could follow this body
    /// (PIPELINING).
    async fn send(&mut self, outgoing: OutgoingMail) -> Option<OutgoingMail> {
        let mut start = AttemptStart::now();
        let span = tracing::debug_span!(
            "smtp_session",
            server.name = self.queue.name,
            session.id = Empty
        );
        let current = envelope(&outgoing.mail);
        let opened = self.connection.open(&current);
        let mut session = match opened.instrument(span.clone()).await {
            Ok(session) => session,
            Err(NotOpened::NoConnection(failure)) if self.is_left_to_others(&failure).await => {
                self.put_back(outgoing);
                return None;
            }
            Err(NotOpened::NoConnection(failure) | NotOpened::Failed(failure)) => {
                self.report(&outgoing, AttemptOutcome::Failed(failure), start);
                return None;
            }
        };
        span.record("session.id", session.id());
        // Opening may have taken a while. A session dropped here has sent nothing of this mail.
        if !self.may_send(&outgoing.chunk, &outgoing.delivery) {
            self.leave_untouched(outgoing.chunk);
            return None;
        }
        let Ok(next) = self.begin(&outgoing) else {
            self.leave_untouched(outgoing.chunk);
            return None;
        };
        start.body_at = self.context.database_clock.now();
        let following = next.as_ref().map(|next| envelope(&next.mail));
        let sent = session
            .transmit(&outgoing.mail.data, following.as_ref())
            .instrument(span)
            .await;
        self.connection.keep(session);
        let outcome = sent.map_or_else(AttemptOutcome::Failed, AttemptOutcome::Accepted);
        self.report(&outgoing, outcome, start);
        next
    }

    /// Whether the failed connection exceeded the server's session limit: others are open and work.
    async fn is_left_to_others(&self, failure: &Failure) -> bool {
        self.queue.others_settled().await;
        let coordinator = &self.context.coordinator;
        coordinator.refused_connection(&self.queue, &failure.to_string())
    }

    /// Returns a mail for which there is no connection, to be sent through another session.
    fn put_back(&mut self, outgoing: OutgoingMail) {
        self.connection.release();
        self.queue.put_back(QueuedMail {
            chunk: outgoing.chunk,
            delivery: outgoing.delivery,
        });
    }

    /// Whether the body of this delivery may be sent now.
    fn may_send(&self, chunk: &Chunk, delivery: &Claimed) -> bool {
        let now = self.context.settings.clock.now();
        self.context.coordinator.may_go_on(&self.queue)
            && chunk.is_held()
            && chunk.job.may_send(now)
            && !chunk.is_withdrawn(delivery.recipient_id)
    }

    /// Journals that this body starts now and that the next mail is taken, in a single write; returns the next mail.
    fn begin(&self, outgoing: &OutgoingMail) -> Result<Option<OutgoingMail>, NotJournaled> {
        let begin = JournalLine::Begin(outgoing.delivery.recipient_id);
        let mut unwritten = Some((&outgoing.chunk, &begin));
        let mut next = None;
        while next.is_none()
            && let Some(queued) = self.context.coordinator.mail_ahead(&self.queue)
        {
            next = self.prepare(queued, &mut unwritten);
        }
        match unwritten {
            Some((chunk, line)) if !chunk.journal(&[line]) => {
                if let Some(next) = next {
                    self.not_sent(next.chunk);
                }
                Err(NotJournaled)
            }
            _ => Ok(next),
        }
    }

    /// Composes a mail that was taken; one that may not be sent or cannot be composed is reported. A pending line is
    /// journaled together with this one's if both go to the same file.
    fn prepare(
        &self,
        queued: QueuedMail,
        before: &mut Option<(&Arc<Chunk>, &JournalLine)>,
    ) -> Option<OutgoingMail> {
        let QueuedMail { chunk, delivery } = queued;
        if !self.may_send(&chunk, &delivery) {
            self.not_sent(chunk);
            return None;
        }
        let take = JournalLine::Take(TakenDelivery {
            recipient_id: delivery.recipient_id,
            attempt_no: delivery.attempts.saturating_add(1),
            before: delivery.status,
        });
        let is_same_file = |(of, _): &mut (&Arc<Chunk>, &JournalLine)| Arc::ptr_eq(of, &chunk);
        let is_journaled = match before.take_if(is_same_file) {
            Some((of, line)) => {
                let written = chunk.journal(&[line, &take]);
                if !written {
                    *before = Some((of, line));
                }
                written
            }
            None => chunk.journal(&[&take]),
        };
        if !is_journaled {
            self.not_sent(chunk);
            return None;
        }
        let span = delivery_span(&chunk, &delivery);
        let _entered = span.enter();
        match compose(&chunk, &delivery, self.context.settings.clock.now()) {
            Ok(mail) => Some(OutgoingMail {
                chunk,
                delivery,
                mail,
                span: span.clone(),
            }),
            Err(error) => {
                self.queue.not_tried();
                let outcome = AttemptOutcome::NotComposed(error);
                self.record(&chunk, &delivery, outcome, AttemptStart::now());
                None
            }
        }
    }

    /// Envelopes already announced for mails that will not be sent cannot be revoked, so the session is dropped too.
    fn leave_untouched(&mut self, chunk: Arc<Chunk>) {
        self.connection.ended();
        self.not_sent(chunk);
    }

    /// Returns a taken mail unchanged.
    fn not_sent(&self, chunk: Arc<Chunk>) {
        self.queue.not_tried();
        self.emit(AttemptEvent::Untouched(chunk, 1));
    }

    fn report(&self, outgoing: &OutgoingMail, outcome: AttemptOutcome, start: AttemptStart) {
        let (coordinator, job) = (&self.context.coordinator, &outgoing.chunk.job);
        if let AttemptOutcome::Failed(failure) = &outcome {
            if failure.reply.is_some() {
                self.queue.answered();
            }
            coordinator.failed(&self.queue, failure);
            if let Some(pause) = job.judge(failure) {
                job.stop();
                self.emit(AttemptEvent::Pause(job.run_id, pause));
            }
        } else {
            coordinator.worked(&self.queue);
            job.accepted();
        }
        self.record(&outgoing.chunk, &outgoing.delivery, outcome, start);
    }

    fn record(
        &self,
        chunk: &Arc<Chunk>,
        delivery: &Claimed,
        outcome: AttemptOutcome,
        start: AttemptStart,
    ) {
        let times = AttemptTimes {
            at: self.context.settings.clock.now(),
            took: start.at.elapsed(),
            body_at: start.body_at,
        };
        let result = outcome.recorded(&chunk.job, delivery, times);
        trace_end(&result);
        let line = JournalLine::End(result);
        // If this fails, the result is still written to the database.
        chunk.journal(&[&line]);
        if let JournalLine::End(result) = line {
            self.emit(AttemptEvent::Tried(Arc::clone(chunk), result));
        }
    }

    fn emit(&self, event: AttemptEvent) {
        if self.events.send(event).is_err() {
            tracing::error!("result writer has stopped; results remain in the journal");
        }
    }
}

/// The journal could not be written, so this body must not be sent.
struct NotJournaled;
