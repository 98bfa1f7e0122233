//! A lane: one SMTP session after another, one mail after another. What became of each goes to the recorder.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::ending::{Ending, Said};
use super::job::{Job, Report, Slice};
use super::retry::{self, Next};
use super::sender::Sender;
use crate::deliveries::claims::{AttemptResult, Claimed, Lease};
use crate::mail::compose::{Addressee, Mail};
use crate::mail::envelope::Envelope;
use crate::mail::session::Session;
use crate::mail::verdict::{Cause, Failure, Outcome, Verdict};

/// A session without work is closed after this: servers do not like to be kept waiting.
const IDLE: Duration = Duration::from_secs(5);

pub(super) struct Lane {
    sender: Sender,
    slices: Arc<Mutex<tokio::sync::mpsc::Receiver<Slice>>>,
    reports: mpsc::Sender<Report>,
    session: Option<Session>,
}

impl Lane {
    pub(super) fn new(
        sender: &Sender,
        slices: Arc<Mutex<tokio::sync::mpsc::Receiver<Slice>>>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        Self {
            sender: sender.clone(),
            slices,
            reports,
            session: None,
        }
    }

    /// Sends slices until there will be no more.
    pub(super) async fn run(mut self) {
        loop {
            let next = async { self.slices.lock().await.recv().await };
            let slice = if self.session.is_none() {
                next.await
            } else {
                match timeout(IDLE, next).await {
                    Ok(slice) => slice,
                    Err(_idle) => {
                        self.hang_up().await;
                        continue;
                    }
                }
            };
            let Some(slice) = slice else { break };
            self.send(slice).await;
        }
        self.hang_up().await;
    }

    async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }

    /// Sends a slice. Each mail is made while the one before it is still to be sent, so that its envelope can ride
    /// behind the other's body.
    async fn send(&mut self, slice: Slice) {
        let Slice {
            job,
            lease,
            deliveries,
        } = slice;
        // A chunk in which nothing was due is only given back.
        let was_empty = deliveries.is_empty();
        let mut left = deliveries.into_iter();
        let mut untouched = 0;
        let mut upcoming = self.make_next(&job, lease, &mut left);
        while let Some((delivery, mail)) = upcoming {
            if !self.may_send(&job, lease) {
                // Envelopes announced for what will not be sent cannot be taken back.
                self.session = None;
                untouched += 1 + left.len();
                break;
            }
            upcoming = self.make_next(&job, lease, &mut left);
            let next = upcoming.as_ref().map(|(_, mail)| mail.envelope());
            let began = Instant::now();
            match self.hand_over(&job, lease, &mail, next.as_ref()).await {
                Some(ending) => self.report(&job, lease, &delivery, &ending, began),
                None => untouched += 1,
            }
        }
        if untouched > 0 || was_empty {
            self.tell(Report::Untouched(lease, untouched));
        }
    }

    fn may_send(&self, job: &Job, lease: Lease) -> bool {
        let desk = &self.sender.desk;
        job.may_send(self.sender.settings.clock.now())
            && desk.holds(&lease)
            && !desk.is_stopping()
            && desk.trouble_left().is_none()
    }

    /// The next mail that can be made; those that cannot are reported.
    fn make_next(
        &self,
        job: &Job,
        lease: Lease,
        left: &mut std::vec::IntoIter<Claimed>,
    ) -> Option<(Claimed, Mail)> {
        for delivery in left {
            let addressee = Addressee {
                run_id: job.run_id,
                recipient_id: delivery.recipient_id,
                email: &delivery.email,
                full_name: &delivery.full_name,
            };
            let made = match &job.prepared {
                Ok(prepared) => prepared
                    .mail_for(&addressee, self.sender.settings.clock.now())
                    .map_err(|error| error.to_string()),
                Err(error) => Err(error.clone()),
            };
            match made {
                Ok(mail) => return Some((delivery, mail)),
                Err(error) => self.report(
                    job,
                    lease,
                    &delivery,
                    &Ending::Unmakeable(error),
                    Instant::now(),
                ),
            }
        }
        None
    }

    /// Opens the envelope and sends the body; `None` when there was no longer leave to send it.
    async fn hand_over(
        &mut self,
        job: &Job,
        lease: Lease,
        mail: &Mail,
        next: Option<&Envelope<'_>>,
    ) -> Option<Ending> {
        let mut session = match self.take_session().await {
            Ok(session) => session,
            Err(failure) => return Some(self.failed(failure)),
        };
        let sent = match session.open(&mail.envelope()).await {
            // Opening may have taken its time. A session dropped here has sent nothing of this mail.
            Ok(()) if !self.may_send(job, lease) => return None,
            Ok(()) => {
                self.sender.desk.no_trouble();
                session.transmit(&mail.data, next).await
            }
            Err(failure) => Err(failure),
        };
        self.session = Some(session);
        Some(sent.map_or_else(|failure| self.failed(failure), Ending::Accepted))
    }

    /// A failure; one that says something about the server keeps everybody from it for a while.
    fn failed(&self, failure: Failure) -> Ending {
        let cause = failure.verdict().cause;
        if matches!(
            cause,
            Cause::ServerTrouble | Cause::Protocol | Cause::Configuration
        ) {
            self.sender.desk.trouble();
        }
        Ending::Failed(failure)
    }

    async fn take_session(&mut self) -> Result<Session, Failure> {
        if let Some(mut session) = self.session.take() {
            if session.is_reusable() {
                return Ok(session);
            }
            session.quit().await;
        }
        let settings = &self.sender.settings;
        Session::connect(&settings.mail.server, &settings.engine.timeouts).await
    }

    fn report(&self, job: &Job, lease: Lease, delivery: &Claimed, ending: &Ending, began: Instant) {
        let settings = &self.sender.settings;
        let at = settings.clock.now();
        let attempt_no = delivery.attempts.saturating_add(1);
        let (outcome, next) = match ending {
            Ending::Accepted(_) => (Outcome::Accepted, retry::DONE),
            Ending::Failed(failure) => judged(failure.verdict(), attempt_no, at, job),
            Ending::Unmakeable(_) => judged(
                Verdict {
                    outcome: Outcome::Rejected,
                    cause: Cause::Unsendable,
                },
                attempt_no,
                at,
                job,
            ),
        };
        let said = Said::of(ending);
        self.tell(Report::Tried(
            lease,
            AttemptResult {
                run_id: job.run_id,
                chunk_no: lease.chunk_no,
                recipient_id: delivery.recipient_id,
                owner_id: job.owner_id,
                mailing_id: job.mailing_id,
                attempt_no,
                at,
                outcome,
                stage: said.stage.as_str(),
                smtp_code: said.code,
                enhanced_code: said.enhanced,
                response: said.text,
                duration_ms: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
                after: next.status,
                next_attempt_at: next.at,
            },
        ));
    }

    fn tell(&self, report: Report) {
        if self.reports.send(report).is_err() {
            tracing::error!("the recorder is gone; results wait for the lease to expire");
        }
    }
}

fn judged(
    verdict: Verdict,
    attempt_no: i16,
    at: chrono::DateTime<chrono::Utc>,
    job: &Job,
) -> (Outcome, Next) {
    (
        verdict.outcome,
        retry::after(
            verdict,
            attempt_no,
            at,
            job.retries_end_at(),
            rand::random(),
        ),
    )
}
