//! A worker: one SMTP session after another, one mail after another. What became of each goes to the result writer.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::attempt_outcome::AttemptOutcome;
use super::chunk::Chunk;
use super::egress_queue::EgressQueue;
use super::fair_queue::Batch;
use super::journal::{Line, Taken};
use super::shared::{AttemptEvent, Shared};
use crate::deliveries::claims::Claimed;
use crate::mail::compose::{Addressee, Mail};
use crate::mail::session::Session;
use crate::mail::verdict::Failure;
use crate::monitoring::meters::meters;

/// A session without work is closed after this: servers do not like to be kept waiting.
const IDLE: Duration = Duration::from_secs(5);
/// However slow the mail server, others have their turn after this.
const TURN: Duration = Duration::from_millis(100);

pub(super) struct SmtpWorker {
    number: usize,
    queue: Arc<EgressQueue>,
    shared: Arc<Shared>,
    reports: mpsc::Sender<AttemptEvent>,
    session: Option<Session>,
    batch: Option<(Batch, Instant)>,
}

/// A mail to be sent.
struct Outgoing {
    chunk: Arc<Chunk>,
    delivery: Claimed,
    mail: Mail,
    /// Its envelope may have been announced behind the mail before.
    has_leave: bool,
}

impl SmtpWorker {
    pub(super) fn new(
        queue: &Arc<EgressQueue>,
        number: usize,
        shared: &Arc<Shared>,
        reports: mpsc::Sender<AttemptEvent>,
    ) -> Self {
        Self {
            number,
            queue: Arc::clone(queue),
            shared: Arc::clone(shared),
            reports,
            session: None,
            batch: None,
        }
    }

    /// Sends what there is until no more comes.
    pub(super) async fn run(mut self) {
        let mut upcoming = None;
        loop {
            let next = upcoming.take().or_else(|| self.make_next(None));
            if let Some(outgoing) = next {
                upcoming = self.send(outgoing).await;
            } else if !self.wait_for_work().await {
                break;
            }
        }
        self.hang_up().await;
    }

    /// `false` when there will be no more work.
    async fn wait_for_work(&mut self) -> bool {
        let next = self.shared.coordinator.next_ever(&self.queue, self.number);
        let batch = if self.session.is_none() {
            next.await
        } else if let Ok(batch) = meters().idle(timeout(IDLE, next)).await {
            batch
        } else {
            self.hang_up().await;
            return true;
        };
        self.batch = batch.map(|batch| (batch, Instant::now()));
        self.batch.is_some()
    }

    async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }

    /// Sends a mail; gives the next, which was made on the way so that its envelope could ride behind this one's body.
    async fn send(&mut self, outgoing: Outgoing) -> Option<Outgoing> {
        let shared = Arc::clone(&self.shared);
        let coordinator = &shared.coordinator;
        let has_leave = outgoing.has_leave
            || coordinator
                .leave_to_begin(&self.queue, || self.may_leave(&outgoing.chunk))
                .await;
        if !has_leave {
            self.leave_untouched(&outgoing, outgoing.has_leave);
            return None;
        }
        let began = Instant::now();
        let mut session = match self.take_session().await {
            Ok(session) => session,
            Err(failure) => {
                self.report(&outgoing, AttemptOutcome::Failed(failure), began);
                return None;
            }
        };
        if let Err(failure) = session.open(&outgoing.mail.envelope()).await {
            self.session = Some(session);
            self.report(&outgoing, AttemptOutcome::Failed(failure), began);
            return None;
        }
        // Opening may have taken its time. A session dropped here has sent nothing of this mail.
        if !coordinator.may_go_on(&self.queue) || !self.may_leave(&outgoing.chunk) {
            self.leave_untouched(&outgoing, true);
            return None;
        }
        let leaves = Line::Begin(outgoing.delivery.recipient_id);
        let Ok(next) = self.begin_and_make_next(&outgoing, &leaves) else {
            self.leave_untouched(&outgoing, true);
            return None;
        };
        let next = next.map(|next| Outgoing {
            has_leave: self.queue.may_begin(),
            ..next
        });
        let ahead = next.as_ref().filter(|next| next.has_leave);
        let envelope = ahead.map(|next| next.mail.envelope());
        let sent = session
            .transmit(&outgoing.mail.data, envelope.as_ref())
            .await;
        self.session = Some(session);
        let outcome = sent.map_or_else(AttemptOutcome::Failed, AttemptOutcome::Accepted);
        self.report(&outgoing, outcome, began);
        next
    }

    fn may_leave(&self, chunk: &Chunk) -> bool {
        chunk.is_held() && chunk.job.may_send(self.shared.settings.clock.now())
    }

    /// Journals that this body leaves now, in the same breath as that the next mail is taken in hand.
    fn begin_and_make_next(
        &mut self,
        outgoing: &Outgoing,
        leaves: &Line,
    ) -> Result<Option<Outgoing>, ()> {
        let mut written = false;
        let next = self.make_next(Some((&outgoing.chunk, leaves, &mut written)));
        if written || outgoing.chunk.journal(&[leaves]) {
            return Ok(next);
        }
        if let Some(next) = next {
            self.leave_untouched(&next, false);
        }
        Err(())
    }

    /// The next mail that can be made; those that cannot are reported. A line that has to be journaled before it goes
    /// with the next one's, where both go to the same file.
    fn make_next(
        &mut self,
        mut before: Option<(&Arc<Chunk>, &Line, &mut bool)>,
    ) -> Option<Outgoing> {
        loop {
            let (chunk, delivery) = self.next_delivery()?;
            let take = Line::Take(Taken {
                recipient_id: delivery.recipient_id,
                attempt_no: delivery.attempts.saturating_add(1),
                before: delivery.status,
            });
            let taken = match &mut before {
                Some((of, line, written)) if !**written && Arc::ptr_eq(of, &chunk) => {
                    **written = chunk.journal(&[line, &take]);
                    **written
                }
                _ => chunk.journal(&[&take]),
            };
            if !taken {
                self.tell(AttemptEvent::Untouched(chunk, 1));
                continue;
            }
            match self.make(&chunk, &delivery) {
                Ok(mail) => {
                    return Some(Outgoing {
                        chunk,
                        delivery,
                        mail,
                        has_leave: false,
                    });
                }
                Err(error) => {
                    self.record(
                        &chunk,
                        &delivery,
                        AttemptOutcome::Unmakeable(error),
                        Instant::now(),
                    );
                }
            }
        }
    }

    /// The next delivery whose turn it is, as far as can be seen at once.
    fn next_delivery(&mut self) -> Option<(Arc<Chunk>, Claimed)> {
        loop {
            let (coordinator, queue) = (&self.shared.coordinator, &self.queue);
            // What is to be given back needs no room.
            let has_room = queue.has_room_for(self.number) || coordinator.is_stopping();
            let (mut batch, since) = match self.batch.take() {
                Some((batch, _)) if !has_room => {
                    queue.put_back(batch);
                    return None;
                }
                Some((batch, since)) if since.elapsed() >= TURN && !batch.left.is_empty() => {
                    queue.put_back(batch);
                    continue;
                }
                Some(batch) => batch,
                None if has_room => (coordinator.next(queue)?, Instant::now()),
                None => return None,
            };
            if !self.may_leave(&batch.chunk) || !coordinator.may_go_on(queue) {
                self.tell(AttemptEvent::Untouched(batch.chunk, batch.left.len()));
            } else if let Some(delivery) = batch.left.pop_front() {
                let chunk = Arc::clone(&batch.chunk);
                self.batch = Some((batch, since));
                return Some((chunk, delivery));
            }
        }
    }

    fn make(&self, chunk: &Chunk, delivery: &Claimed) -> Result<Mail, String> {
        let addressee = Addressee {
            run_id: chunk.job.run_id,
            recipient_id: delivery.recipient_id,
            email: &delivery.email,
            full_name: &delivery.full_name,
        };
        let prepared = chunk.job.prepared.as_ref().map_err(Clone::clone)?;
        prepared
            .mail_for(&addressee, self.shared.settings.clock.now())
            .map_err(|error| error.to_string())
    }

    async fn take_session(&mut self) -> Result<Session, Failure> {
        if let Some(mut session) = self.session.take() {
            if session.is_reusable() {
                return Ok(session);
            }
            session.quit().await;
        }
        let server = self.queue.target.server.as_ref().map_err(Clone::clone)?;
        Session::connect(server, &self.shared.settings.engine.timeouts).await
    }

    /// Envelopes announced for what will not be sent cannot be taken back: the session goes too.
    fn leave_untouched(&mut self, outgoing: &Outgoing, had_leave: bool) {
        self.session = None;
        if had_leave {
            self.queue.not_tried();
        }
        self.tell(AttemptEvent::Untouched(Arc::clone(&outgoing.chunk), 1));
    }

    fn report(&self, outgoing: &Outgoing, outcome: AttemptOutcome, began: Instant) {
        let (coordinator, job) = (&self.shared.coordinator, &outgoing.chunk.job);
        if let AttemptOutcome::Failed(failure) = &outcome {
            let verdict = failure.verdict();
            coordinator.failed(&self.queue, verdict, &failure.to_string());
            if let Some(rest) = job.judge(verdict, failure.stage) {
                job.stop();
                self.tell(AttemptEvent::Rest(job.run_id, rest));
            }
        } else {
            coordinator.worked(&self.queue);
            job.went_well();
        }
        self.record(&outgoing.chunk, &outgoing.delivery, outcome, began);
    }

    fn record(
        &self,
        chunk: &Arc<Chunk>,
        delivery: &Claimed,
        outcome: AttemptOutcome,
        began: Instant,
    ) {
        let at = self.shared.settings.clock.now();
        let result = outcome.recorded(&chunk.job, delivery, at, began.elapsed());
        let line = Line::End(result);
        // Unwritten, it is still on its way to the database.
        chunk.journal(&[&line]);
        if let Line::End(result) = line {
            self.tell(AttemptEvent::Tried(Arc::clone(chunk), result));
        }
    }

    fn tell(&self, report: AttemptEvent) {
        if self.reports.send(report).is_err() {
            tracing::error!("the result writer is gone; the journal has the results");
        }
    }
}
