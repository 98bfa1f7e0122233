//! Recovery of the deliveries of dead workers: from their journals if these are on this machine, otherwise when their
//! leases expire. Interrupted attempts are recorded, and deliveries are retried where that is allowed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use smtp::disposition::{Disposition, Outcome, Reason};
use smtp::reply::Stage;

use super::journal::{Journal, JournalLine, OrphanedJournal, TakenDelivery};
use super::retry;
use crate::core::clock::Clock;
use crate::core::db::schema::attempts;
use crate::delivery::deliveries::claims::{self, Lease};
use crate::delivery::deliveries::expired_leases::{self, ExpiredLease};
use crate::delivery::deliveries::leases;
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::{self, AttemptResult, ChunkKey};

/// Responses of interrupted attempts. The first two are queried to count the deaths of workers.
const DIED_BEFORE: &str = "the worker died before this mail was sent";
const DIED_WITHIN: &str =
    "the worker died while this mail was being sent, or before it had the answer";
const LOST: &str = "the worker was lost: it is unknown whether this mail was sent";
/// A mail that was in flight at this number of deaths is considered their cause.
const MAX_DEATHS: i64 = 3;
const QUARANTINED: &str = "quarantined: three workers died while sending this mail";

/// How far a delivery had got when its worker died.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    Before,
    Within,
    Unknown,
}

/// Replays the journals of this machine's dead workers and releases their leases; returns the number of leases.
pub(super) fn replay(
    conn: &mut PgConnection,
    journal: &Journal,
    clock: &Clock,
) -> Result<usize, Box<dyn std::error::Error>> {
    let mut leases = 0;
    for orphan in journal.orphans()? {
        leases += replay_worker(conn, &orphan, clock)?;
        orphan.delete();
    }
    Ok(leases)
}

fn replay_worker(
    conn: &mut PgConnection,
    orphan: &OrphanedJournal,
    clock: &Clock,
) -> Result<usize, Box<dyn std::error::Error>> {
    let mut leases = 0;
    for (path, lines) in orphan.leases()? {
        if let Some(replayed) = ReplayedLease::parse(lines) {
            conn.transaction(|conn| replayed.record(conn, &orphan.worker, clock.now()))?;
            leases += 1;
        } else if let Some(token) = token(&path) {
            // The worker died before it journaled the lease: nothing was sent.
            leases::drop_leases(conn, &[token])?;
        }
        fs::remove_file(&path)?;
    }
    if leases > 0 {
        tracing::warn!(worker = %orphan.worker, leases, "worker died; journal replayed");
    }
    Ok(leases)
}

fn token(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.parse().ok()
}

/// A delivery without a result.
#[derive(Clone, Copy)]
struct InterruptedAttempt {
    taken: TakenDelivery,
    death: Death,
}

/// The content of a lease's file.
struct ReplayedLease {
    lease: Lease,
    place: ChunkKey,
    ended: Vec<AttemptResult>,
    open: BTreeMap<i64, InterruptedAttempt>,
}

impl ReplayedLease {
    fn parse(lines: Vec<JournalLine>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let Some(JournalLine::Lease(lease, place)) = lines.next() else {
            return None;
        };
        let (mut ended, mut open) = (Vec::new(), BTreeMap::new());
        for line in lines {
            match line {
                JournalLine::Lease(..) => {}
                JournalLine::Take(taken) => {
                    let death = Death::Before;
                    open.insert(taken.recipient_id, InterruptedAttempt { taken, death });
                }
                JournalLine::Begin(recipient_id) => {
                    if let Some(interrupted) = open.get_mut(&recipient_id) {
                        interrupted.death = Death::Within;
                    }
                }
                JournalLine::End(result) => {
                    open.remove(&result.recipient_id);
                    ended.push(result);
                }
            }
        }
        Some(Self {
            lease,
            place,
            ended,
            open,
        })
    }

    fn record(self, conn: &mut PgConnection, worker: &str, now: DateTime<Utc>) -> QueryResult<()> {
        let Self {
            lease,
            place,
            mut ended,
            open,
        } = self;
        // If the lease has expired already, its open deliveries were recorded as uncertain then; results are recorded in
        // any case.
        if let Some(left) = expired_leases::left_by(conn, &lease)? {
            for interrupted in open.into_values() {
                ended.push(interrupted_attempt(conn, &left, interrupted, now)?);
            }
        }
        results::record(conn, worker, &place, &ended)?;
        leases::give_back(conn, &[lease])?;
        Ok(())
    }
}

/// Recovers one expired lease: deliveries without a result become uncertain. Returns `false` if there is none. The
/// caller repeats it, each time in a transaction of its own.
pub(super) fn recover_expired_lease(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let Some(lost) = expired_leases::lost(conn)? else {
        return Ok(false);
    };
    let mut uncertain = Vec::new();
    for delivery in claims::claimed(conn, &lost.lease, now)? {
        let taken = TakenDelivery {
            recipient_id: delivery.recipient_id,
            attempt_no: delivery.attempts.saturating_add(1),
            before: delivery.status,
        };
        let interrupted = InterruptedAttempt {
            taken,
            death: Death::Unknown,
        };
        uncertain.push(interrupted_attempt(conn, &lost, interrupted, now)?);
    }
    let place = ChunkKey {
        run_id: lost.lease.run_id,
        chunk_no: lost.lease.chunk_no,
        mailing_id: lost.mailing_id,
        owner_id: lost.owner_id,
    };
    results::record(conn, &lost.lease_owner, &place, &uncertain)?;
    leases::give_back(conn, &[lost.lease])?;
    tracing::warn!(
        worker = %lost.lease_owner, run.id = lost.lease.run_id, uncertain = uncertain.len(),
        "lease expired and no journal found; deliveries in flight are uncertain"
    );
    Ok(true)
}

/// The interrupted attempt of a dead worker.
fn interrupted_attempt(
    conn: &mut PgConnection,
    lost: &ExpiredLease,
    interrupted: InterruptedAttempt,
    now: DateTime<Utc>,
) -> QueryResult<AttemptResult> {
    let InterruptedAttempt { taken, death } = interrupted;
    let (outcome, stage, response) = match death {
        Death::Before => (Outcome::Unreachable, Stage::Compose, DIED_BEFORE),
        Death::Within => (Outcome::Uncertain, Stage::Body, DIED_WITHIN),
        Death::Unknown => (Outcome::Uncertain, Stage::Body, LOST),
    };
    let result = |outcome, response: &str, next: retry::NextAttempt| AttemptResult {
        recipient_id: taken.recipient_id,
        attempt_no: taken.attempt_no,
        at: now,
        outcome,
        stage,
        smtp_code: None,
        enhanced_code: None,
        response: response.to_owned(),
        duration_ms: 0,
        before: taken.before,
        after: next.status,
        next_attempt_at: next.at,
        body_at: None,
    };
    let is_suspect = death != Death::Unknown && taken.attempt_no > 1;
    if is_suspect && deaths(conn, lost, &taken)? + 1 >= MAX_DEATHS {
        let never = retry::NextAttempt {
            status: DeliveryStatus::Rejected,
            at: None,
        };
        return Ok(result(Outcome::Rejected, QUARANTINED, never));
    }
    let next = match death {
        // Nothing was sent: the delivery is due immediately.
        Death::Before => retry::NextAttempt {
            status: DeliveryStatus::Deferred,
            at: Some(now),
        },
        Death::Within | Death::Unknown => retry::after(
            Disposition {
                outcome,
                reason: Reason::Uncertain,
            },
            &retry::RetryTerms {
                tries: taken.attempt_no,
                until: lost.terms.retries_end_at,
                holds_uncertain: lost.terms.holds_uncertain,
            },
            now,
            rand::random(),
        ),
    };
    Ok(result(outcome, response, next))
}

/// How often a worker has died while sending this mail.
fn deaths(conn: &mut PgConnection, lost: &ExpiredLease, taken: &TakenDelivery) -> QueryResult<i64> {
    attempts::table
        .filter(attempts::run_id.eq(lost.lease.run_id))
        .filter(attempts::recipient_id.eq(taken.recipient_id))
        .filter(attempts::response.eq_any([DIED_BEFORE, DIED_WITHIN]))
        .select(count_star())
        .first(conn)
}
