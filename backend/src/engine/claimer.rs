//! The claimer: leases chunks in turn for every owner and every run, so that the sessions always have something to do.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use tokio::sync::mpsc::UnboundedSender;

use super::chunk::Chunk;
use super::coordinator::Room;
use super::egress_queue::EgressQueue;
use super::fair_queue::{Batch, in_turn};
use super::job::Job;
use super::journal::{Journal, LeaseFile, Line, unusable};
use super::prepare::prepare;
use super::recovery;
use super::shared::{AttemptEvent, LEASE_S, Shared, Until};
use super::smtp_target::SmtpTarget;
use crate::delivery::deliveries::claims::{self, ClaimableRun, Lease};
use crate::delivery::deliveries::leases;
use crate::delivery::smtp_servers;

/// After the database or the journal failed.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for what dead workers have left.
const REPLAY: Duration = Duration::from_secs(5);

pub(super) struct Claimer<'a> {
    shared: &'a Shared,
    events: mpsc::Sender<AttemptEvent>,
    /// Gates that need sessions.
    newcomers: UnboundedSender<Arc<EgressQueue>>,
    journal: Option<Journal>,
    replayed: Option<Instant>,
    conn: Option<PgConnection>,
    /// The runs that had something to send when the database was last asked, and when that was.
    runs: Vec<ClaimableRun>,
    asked: Option<Instant>,
    /// Whose turn it is.
    turns: VecDeque<ClaimableRun>,
    /// Leases that we may or may not have: the database broke off in the middle.
    doubtful: Vec<i64>,
}

/// What came of looking for work.
enum Step {
    Claimed,
    /// There is work, and enough of it in hand.
    Enough,
    Nothing,
}

impl<'a> Claimer<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        events: mpsc::Sender<AttemptEvent>,
        newcomers: UnboundedSender<Arc<EgressQueue>>,
    ) -> Self {
        Self {
            shared,
            events,
            newcomers,
            journal: None,
            replayed: None,
            conn: None,
            runs: Vec::new(),
            asked: None,
            turns: VecDeque::new(),
            doubtful: Vec::new(),
        }
    }

    /// Claims until there is a reason to end; then the sessions are told that nothing more comes.
    pub(super) fn run(mut self, until: Until) {
        let coordinator = &self.shared.coordinator;
        while !coordinator.is_closing() {
            let in_flight = coordinator.chunks_in_flight();
            match self.step() {
                Ok(Step::Claimed) => {}
                Ok(Step::Nothing) if until == Until::Idle && in_flight == 0 => break,
                Ok(Step::Nothing | Step::Enough) => {
                    coordinator.wait_for_room(self.shared.settings.engine.poll_interval);
                }
                Err(error) => {
                    tracing::error!(%error, "nothing can be claimed: the database or the journal fails");
                    self.conn = None;
                    if until == Until::Idle {
                        break;
                    }
                    coordinator.wait_for_room(PAUSE);
                }
            }
        }
        coordinator.close();
        self.end();
    }

    /// Waits until everything is given back: the journal lasts as long as there is something in it.
    fn end(self) {
        while self.shared.coordinator.chunks_in_flight() > 0 {
            self.shared.coordinator.wait_for_the_rest(PAUSE);
        }
    }

    fn step(&mut self) -> Result<Step, Box<dyn Error>> {
        self.recover()?;
        if self.shared.coordinator.take_outdated() {
            self.asked = None;
            self.turns.clear();
        }
        if self.turns.is_empty() {
            self.take_turns()?;
        }
        let mut step = Step::Nothing;
        while let Some(run) = self.turns.pop_front() {
            let Some(queue) = self.queue(&run)? else {
                (self.asked, step) = (None, Step::Enough);
                continue;
            };
            match self.shared.coordinator.room_for(&queue, run.id) {
                Room::None => {}
                Room::Later => step = Step::Enough,
                Room::Free if self.claim(&run, &queue)? => return Ok(Step::Claimed),
                // The database is asked anew before it is given up.
                Room::Free => self.asked = None,
            }
        }
        Ok(step)
    }

    /// Opens the journal, and settles what dead workers have left in theirs.
    fn recover(&mut self) -> Result<(), Box<dyn Error>> {
        if self
            .replayed
            .is_some_and(|replayed| replayed.elapsed() < REPLAY)
        {
            return Ok(());
        }
        let Shared {
            settings, worker, ..
        } = self.shared;
        let mut conn = self.connection()?;
        if !self.doubtful.is_empty() {
            leases::drop_leases(&mut conn, &self.doubtful)?;
            self.doubtful.clear();
        }
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => {
                Journal::open(&settings.journal, worker).map_err(unusable(&settings.journal))?
            }
        };
        let replayed = recovery::replay(&mut conn, &journal, &settings.clock);
        self.journal = Some(journal);
        replayed?;
        self.conn = Some(conn);
        self.replayed = Some(Instant::now());
        Ok(())
    }

    /// The egress queue of the run, opened for its first run; `None` when its server has been deleted meanwhile.
    fn queue(&mut self, run: &ClaimableRun) -> Result<Option<Arc<EgressQueue>>, Box<dyn Error>> {
        if let Some(queue) = self.shared.coordinator.queue(run.server_key) {
            return Ok(Some(queue));
        }
        let Some(id) = run.server_key.smtp_server_id else {
            return Ok(None);
        };
        let mut conn = self.connection()?;
        let row = smtp_servers::store::any(&mut conn, id)?;
        self.conn = Some(conn);
        // One that was changed since is heard of with the next round.
        let row = row.filter(|row| Some(row.revision) == run.server_key.smtp_server_revision);
        let Some(row) = row else { return Ok(None) };
        let queue = Arc::new(EgressQueue::new(SmtpTarget::of(
            &row,
            &self.shared.settings,
        )));
        if self.newcomers.send(Arc::clone(&queue)).is_err() {
            return Err("the sessions with servers of users are gone".into());
        }
        self.shared.coordinator.add_queue(Arc::clone(&queue));
        Ok(Some(queue))
    }

    /// Leases the run's next chunk; `false` when there is none.
    fn claim(
        &mut self,
        run: &ClaimableRun,
        queue: &Arc<EgressQueue>,
    ) -> Result<bool, Box<dyn Error>> {
        let shared = self.shared;
        let Some(journal) = &self.journal else {
            return Ok(false);
        };
        let holder = claims::Holder {
            worker: &shared.worker,
            token: rand::random(),
            seconds: LEASE_S,
        };
        let file = journal
            .begin(holder.token)
            .map_err(unusable(&shared.settings.journal))?;
        let (now, then) = (shared.settings.clock.now(), Instant::now());
        let held = shared.coordinator.chunks_of(run.id);
        let mut conn = self.connection()?;
        // Together: a lease whose deliveries could not be read would be in nobody's hands.
        let claimed = conn.transaction(|conn| {
            let Some(leased) = claims::lease(conn, run.id, &holder, &held, now)? else {
                return Ok(None);
            };
            let deliveries = claims::claimed(conn, &leased.lease, now)?;
            Ok::<_, diesel::result::Error>(Some((leased, deliveries)))
        });
        let claimed = claimed.inspect_err(|_| {
            self.doubtful.push(holder.token);
            self.replayed = None;
            file.remove();
        })?;
        let Some((leased, deliveries)) = claimed else {
            file.remove();
            self.conn = Some(conn);
            return Ok(false);
        };
        let job = self.job(&mut conn, run, queue);
        self.conn = Some(conn);
        let job = match job.and_then(|job| begun(&job, &leased.lease, &file).map(|()| job)) {
            Ok(job) => job,
            Err(error) => {
                self.doubtful.push(holder.token);
                self.replayed = None;
                file.remove();
                return Err(error);
            }
        };
        let chunk = Arc::new(Chunk::new(job, (leased, file), deliveries.len(), then));
        let batch = Batch {
            chunk: Arc::clone(&chunk),
            deliveries: deliveries.into(),
        };
        // A chunk in which nothing is due after all is only given back.
        let is_empty = batch.deliveries.is_empty();
        shared.coordinator.add(batch);
        if is_empty {
            self.events.send(AttemptEvent::Untouched(chunk, 0)).ok();
        }
        Ok(true)
    }

    /// The run's job, made with its first chunk.
    fn job(
        &self,
        conn: &mut PgConnection,
        run: &ClaimableRun,
        queue: &Arc<EgressQueue>,
    ) -> Result<Arc<Job>, Box<dyn Error>> {
        if let Some(job) = self.shared.coordinator.job(run.id, queue) {
            return Ok(job);
        }
        let prepared = prepare(conn, run, (self.shared, queue))?;
        let job = Arc::new(Job::new(run, Arc::clone(queue), prepared));
        self.shared.coordinator.add_job(Arc::clone(&job));
        Ok(job)
    }

    /// A new round: the first run of every owner, then the second of every owner, and so on. The database is asked for the
    /// runs as often as for due mailings, and when one of them had nothing more; not for every chunk.
    fn take_turns(&mut self) -> Result<(), Box<dyn Error>> {
        let fresh = self.shared.settings.engine.poll_interval;
        let is_old = self.asked.is_none_or(|asked| asked.elapsed() >= fresh);
        if is_old || self.runs.is_empty() {
            let now = self.shared.settings.clock.now();
            let mut conn = self.connection()?;
            let runs = claims::claimable_runs(&mut conn, now)?;
            self.conn = Some(conn);
            self.asked = Some(Instant::now());
            self.shared.coordinator.keep_only(&runs);
            self.runs = in_turn(runs);
        }
        self.turns = self.runs.iter().cloned().collect();
        Ok(())
    }

    /// The connection, to be put back after use: one that has failed is not used again.
    fn connection(&mut self) -> ConnectionResult<PgConnection> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => claims::connect(&self.shared.settings.database_url),
        }
    }
}

/// Writes down what has been leased.
fn begun(job: &Job, lease: &Lease, file: &LeaseFile) -> Result<(), Box<dyn Error>> {
    Ok(file.write(&[&Line::Lease(*lease, job.place(lease))])?)
}
