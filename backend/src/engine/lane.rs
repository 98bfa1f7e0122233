//! A lane: one SMTP session after another, one mail after another. What became of each goes to the recorder.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::ending::Ending;
use super::gate::Gate;
use super::job::Chunk;
use super::journal::{Line, Taken};
use super::shared::{Report, Shared};
use super::turns::Slice;
use crate::deliveries::claims::Claimed;
use crate::mail::compose::{Addressee, Mail};
use crate::mail::session::Session;
use crate::mail::verdict::Failure;
use crate::monitoring::meters::meters;

/// A session without work is closed after this: servers do not like to be kept waiting.
const IDLE: Duration = Duration::from_secs(5);
/// However slow the mail server, others have their turn after this.
const TURN: Duration = Duration::from_millis(100);

pub(super) struct Lane {
    number: usize,
    gate: Arc<Gate>,
    shared: Arc<Shared>,
    reports: mpsc::Sender<Report>,
    session: Option<Session>,
    slice: Option<(Slice, Instant)>,
}

/// A mail to be sent.
struct Outgoing {
    chunk: Arc<Chunk>,
    delivery: Claimed,
    mail: Mail,
    /// Its envelope may have been announced behind the mail before.
    has_leave: bool,
}

impl Lane {
    pub(super) fn new(
        gate: &Arc<Gate>,
        number: usize,
        shared: &Arc<Shared>,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        Self {
            number,
            gate: Arc::clone(gate),
            shared: Arc::clone(shared),
            reports,
            session: None,
            slice: None,
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
        let next = self.shared.desk.next_ever(&self.gate, self.number);
        let slice = if self.session.is_none() {
            next.await
        } else if let Ok(slice) = meters().idle(timeout(IDLE, next)).await {
            slice
        } else {
            self.hang_up().await;
            return true;
        };
        self.slice = slice.map(|slice| (slice, Instant::now()));
        self.slice.is_some()
    }

    async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.quit().await;
        }
    }

    /// Sends a mail; gives the next, which was made on the way so that its envelope could ride behind this one's body.
    async fn send(&mut self, outgoing: Outgoing) -> Option<Outgoing> {
        let shared = Arc::clone(&self.shared);
        let desk = &shared.desk;
        let has_leave = outgoing.has_leave
            || desk
                .leave_to_begin(&self.gate, || self.may_leave(&outgoing.chunk))
                .await;
        if !has_leave {
            self.leave_untouched(&outgoing, outgoing.has_leave);
            return None;
        }
        let began = Instant::now();
        let mut session = match self.take_session().await {
            Ok(session) => session,
            Err(failure) => {
                self.report(&outgoing, Ending::Failed(failure), began);
                return None;
            }
        };
        if let Err(failure) = session.open(&outgoing.mail.envelope()).await {
            self.session = Some(session);
            self.report(&outgoing, Ending::Failed(failure), began);
            return None;
        }
        // Opening may have taken its time. A session dropped here has sent nothing of this mail.
        if !desk.may_go_on(&self.gate) || !self.may_leave(&outgoing.chunk) {
            self.leave_untouched(&outgoing, true);
            return None;
        }
        let leaves = Line::Begin(outgoing.delivery.recipient_id);
        let Ok(next) = self.begin_and_make_next(&outgoing, &leaves) else {
            self.leave_untouched(&outgoing, true);
            return None;
        };
        let next = next.map(|next| Outgoing {
            has_leave: self.gate.may_begin(),
            ..next
        });
        let ahead = next.as_ref().filter(|next| next.has_leave);
        let envelope = ahead.map(|next| next.mail.envelope());
        let sent = session
            .transmit(&outgoing.mail.data, envelope.as_ref())
            .await;
        self.session = Some(session);
        let ending = sent.map_or_else(Ending::Failed, Ending::Accepted);
        self.report(&outgoing, ending, began);
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
                self.tell(Report::Untouched(chunk, 1));
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
                    self.record(&chunk, &delivery, Ending::Unmakeable(error), Instant::now());
                }
            }
        }
    }

    /// The next delivery whose turn it is, as far as can be seen at once.
    fn next_delivery(&mut self) -> Option<(Arc<Chunk>, Claimed)> {
        loop {
            let (desk, gate) = (&self.shared.desk, &self.gate);
            // What is to be given back needs no room.
            let has_room = gate.has_room_for(self.number) || desk.is_stopping();
            let (mut slice, since) = match self.slice.take() {
                Some((slice, _)) if !has_room => {
                    gate.put_back(slice);
                    return None;
                }
                Some((slice, since)) if since.elapsed() >= TURN && !slice.left.is_empty() => {
                    gate.put_back(slice);
                    continue;
                }
                Some(slice) => slice,
                None if has_room => (desk.next(gate)?, Instant::now()),
                None => return None,
            };
            if !self.may_leave(&slice.chunk) || !desk.may_go_on(gate) {
                self.tell(Report::Untouched(slice.chunk, slice.left.len()));
            } else if let Some(delivery) = slice.left.pop_front() {
                let chunk = Arc::clone(&slice.chunk);
                self.slice = Some((slice, since));
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
        let server = self.gate.way.server.as_ref().map_err(Clone::clone)?;
        Session::connect(server, &self.shared.settings.engine.timeouts).await
    }

    /// Envelopes announced for what will not be sent cannot be taken back: the session goes too.
    fn leave_untouched(&mut self, outgoing: &Outgoing, had_leave: bool) {
        self.session = None;
        if had_leave {
            self.gate.not_tried();
        }
        self.tell(Report::Untouched(Arc::clone(&outgoing.chunk), 1));
    }

    fn report(&self, outgoing: &Outgoing, ending: Ending, began: Instant) {
        let (desk, job) = (&self.shared.desk, &outgoing.chunk.job);
        if let Ending::Failed(failure) = &ending {
            let verdict = failure.verdict();
            desk.failed(&self.gate, verdict, &failure.to_string());
            if let Some(rest) = job.judge(verdict, failure.stage) {
                job.stop();
                self.tell(Report::Rest(job.run_id, rest));
            }
        } else {
            desk.worked(&self.gate);
            job.went_well();
        }
        self.record(&outgoing.chunk, &outgoing.delivery, ending, began);
    }

    fn record(&self, chunk: &Arc<Chunk>, delivery: &Claimed, ending: Ending, began: Instant) {
        let at = self.shared.settings.clock.now();
        let result = ending.recorded(&chunk.job, delivery, at, began.elapsed());
        let line = Line::End(result);
        // Unwritten, it is still on its way to the database.
        chunk.journal(&[&line]);
        if let Line::End(result) = line {
            self.tell(Report::Tried(Arc::clone(chunk), result));
        }
    }

    fn tell(&self, report: Report) {
        if self.reports.send(report).is_err() {
            tracing::error!("the recorder is gone; the journal has the results");
        }
    }
}
