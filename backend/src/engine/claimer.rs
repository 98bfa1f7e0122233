//! The claimer: leases chunks in turn for every owner and every run, and hands them on in slices.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use tokio::sync::mpsc;

use super::job::{Job, Slice};
use super::sender::{LEASE_S, Sender, Until};
use crate::deliveries::claims::{self, ClaimableRun, Claimed, Lease};
use crate::mail::compose::{Content, Prepared};
use crate::runs;

/// Chunks in hand at once: one being sent, one being recorded, the rest to keep the lanes from waiting.
const LEASES: usize = 4;
/// Mails a lane sends before another lane, or another run, has its turn.
const SLICE: usize = 25;
/// After the database failed.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Claimer<'a> {
    sender: &'a Sender,
    conn: Option<PgConnection>,
    /// Whose turn it is.
    turns: VecDeque<ClaimableRun>,
}

impl<'a> Claimer<'a> {
    pub(super) fn new(sender: &'a Sender) -> Self {
        Self {
            sender,
            conn: None,
            turns: VecDeque::new(),
        }
    }

    /// Claims and hands on until there is a reason to end. Dropping `slices` tells the lanes.
    pub(super) fn run(mut self, slices: &mpsc::Sender<Slice>, until: Until) {
        let desk = &self.sender.desk;
        while !desk.is_stopping() {
            if let Some(left) = desk.trouble_left() {
                if until == Until::Idle && desk.leases() == 0 {
                    return;
                }
                desk.wait(left);
                continue;
            }
            if desk.leases() >= LEASES {
                desk.wait(PAUSE);
                continue;
            }
            match self.next() {
                Ok(Some((job, lease, deliveries))) => {
                    if !hand_on(slices, &job, lease, deliveries) {
                        return;
                    }
                }
                Ok(None) if until == Until::Idle && desk.leases() == 0 => return,
                Ok(None) => desk.wait(self.sender.poll_interval()),
                Err(error) => {
                    tracing::warn!(%error, "nothing can be claimed: the database does not answer");
                    self.conn = None;
                    if until == Until::Idle {
                        return;
                    }
                    desk.wait(PAUSE);
                }
            }
        }
    }

    /// Leases the next chunk there is.
    fn next(&mut self) -> Result<Option<Chunk>, ClaimError> {
        if self.turns.is_empty() {
            self.take_turns()?;
        }
        let sender = self.sender;
        let now = sender.settings.clock.now();
        while let Some(run) = self.turns.pop_front() {
            let holder = claims::Holder {
                worker: &sender.worker,
                token: rand::random(),
                seconds: LEASE_S,
            };
            let held = sender.desk.chunks_of(run.id);
            let conn = self.connection()?;
            // Together: a lease whose deliveries could not be read would be in nobody's hands.
            let claimed = conn.transaction(|conn| {
                let Some(lease) = claims::lease(conn, run.id, &holder, &held, now)? else {
                    return Ok(None);
                };
                Ok::<_, ClaimError>(Some((lease, claims::claimed(conn, &lease, now)?)))
            })?;
            let Some((lease, deliveries)) = claimed else {
                continue;
            };
            let job = match sender.desk.job(run.id) {
                Some(job) => job,
                None => prepare(conn, &run, sender)?,
            };
            sender.desk.take(lease, deliveries.len());
            return Ok(Some((job, lease, deliveries)));
        }
        Ok(None)
    }

    /// A new round: the first run of every owner, then the second of every owner, and so on.
    fn take_turns(&mut self) -> Result<(), ClaimError> {
        let now = self.sender.settings.clock.now();
        let runs = claims::claimable_runs(self.connection()?, now)?;
        self.sender.desk.forget_jobs_but(&runs);
        let mut rounds: Vec<(usize, ClaimableRun)> = Vec::with_capacity(runs.len());
        let (mut owner, mut round) = (None, 0);
        for run in runs {
            round = if owner == Some(run.owner_id) {
                round + 1
            } else {
                0
            };
            owner = Some(run.owner_id);
            rounds.push((round, run));
        }
        rounds.sort_by_key(|(round, _)| *round);
        self.turns = rounds.into_iter().map(|(_, run)| run).collect();
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PgConnection, ClaimError> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => claims::connect(&self.sender.settings.database_url)?,
        };
        Ok(self.conn.insert(conn))
    }
}

/// A leased chunk and what is to be sent of it.
type Chunk = (Arc<Job>, Lease, Vec<Claimed>);

#[derive(Debug, thiserror::Error)]
enum ClaimError {
    #[error(transparent)]
    Connect(#[from] diesel::ConnectionError),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Encodes the run's message, once. If that fails, every delivery of the run will say why.
fn prepare(conn: &mut PgConnection, run: &ClaimableRun, sender: &Sender) -> QueryResult<Arc<Job>> {
    let snapshot = runs::store::snapshot(conn, run.id)?;
    let prepared = Prepared::new(&Content {
        subject: &snapshot.subject,
        html: &snapshot.html,
        text: &snapshot.text,
        from: &sender.settings.mail.from,
        list: Some(&format!("mailing-{}", run.mailing_id)),
        message_id_key: &sender.settings.message_id_key,
    })
    .map_err(|error| error.to_string());
    if let Err(error) = &prepared {
        tracing::warn!(run.id = run.id, %error, "the run's message cannot be made into mails");
    }
    let job = Arc::new(Job::new(run, prepared));
    sender.desk.add_job(Arc::clone(&job));
    Ok(job)
}

/// Hands a chunk on in slices; waits while the lanes are busy. `false` when they are gone.
fn hand_on(
    slices: &mpsc::Sender<Slice>,
    job: &Arc<Job>,
    lease: Lease,
    deliveries: Vec<Claimed>,
) -> bool {
    let mut rest = deliveries;
    loop {
        let next = rest.split_off(rest.len().min(SLICE));
        let slice = Slice {
            job: Arc::clone(job),
            lease,
            deliveries: rest,
        };
        if slices.blocking_send(slice).is_err() {
            return false;
        }
        if next.is_empty() {
            return true;
        }
        rest = next;
    }
}
