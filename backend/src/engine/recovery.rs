//! What dead workers have left: read from their journals where these are at hand, written off when their leases expire.
//! Either way every delivery gets the attempt that was made, and is sent again if, and only if, that may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use smtp::reply::Stage;
use smtp::verdict::{Cause, Outcome, Verdict};

use super::journal::{Journal, Line, Orphan, Taken};
use super::retry;
use crate::core::clock::Clock;
use crate::core::db::schema::attempts;
use crate::delivery::deliveries::claims::{self, Lease};
use crate::delivery::deliveries::leases;
use crate::delivery::deliveries::losses::{self, Lost};
use crate::delivery::deliveries::model::DeliveryStatus;
use crate::delivery::deliveries::results::{self, AttemptResult, Place};

/// Words of the log, by which the deaths of workers are counted.
const DIED_BEFORE: &str = "the worker died before this mail was sent";
const DIED_WITHIN: &str =
    "the worker died while this mail was being sent, or before it had the answer";
const CUT_OFF: &str = "the worker was lost: nobody knows whether this mail was sent";
/// A mail that was in hand at so many deaths is taken for their cause.
const DEATHS: i64 = 3;
const QUARANTINED: &str = "quarantined: three times a worker died with this mail in hand";

/// How far a delivery had come when its worker died.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Death {
    Before,
    Within,
    Unknown,
}

/// Records what the journals of this machine's dead workers tell, and gives their leases back; gives the number of leases.
pub(super) fn replay(
    conn: &mut PgConnection,
    journal: &Journal,
    clock: &Clock,
) -> Result<usize, Box<dyn std::error::Error>> {
    let mut leases = 0;
    for orphan in journal.orphans()? {
        leases += replay_worker(conn, &orphan, clock)?;
        orphan.forget();
    }
    Ok(leases)
}

fn replay_worker(
    conn: &mut PgConnection,
    orphan: &Orphan,
    clock: &Clock,
) -> Result<usize, Box<dyn std::error::Error>> {
    let mut leases = 0;
    for (path, lines) in orphan.leases()? {
        if let Some(told) = Told::by(lines) {
            conn.transaction(|conn| told.record(conn, &orphan.worker, clock.now()))?;
            leases += 1;
        } else if let Some(token) = token(&path) {
            // It died between leasing and writing down what: nothing was sent.
            leases::drop_leases(conn, &[token])?;
        }
        fs::remove_file(&path)?;
    }
    if leases > 0 {
        tracing::warn!(worker = %orphan.worker, leases, "a worker has died; what it had in hand is settled by its journal");
    }
    Ok(leases)
}

fn token(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.parse().ok()
}

/// What a lease's file tells.
struct Told {
    lease: Lease,
    place: Place,
    ended: Vec<AttemptResult>,
    open: BTreeMap<i64, (Taken, Death)>,
}

impl Told {
    fn by(lines: Vec<Line>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let Some(Line::Lease(lease, place)) = lines.next() else {
            return None;
        };
        let (mut ended, mut open) = (Vec::new(), BTreeMap::new());
        for line in lines {
            match line {
                Line::Lease(..) => {}
                Line::Take(taken) => {
                    open.insert(taken.recipient_id, (taken, Death::Before));
                }
                Line::Begin(recipient_id) => {
                    if let Some((_, death)) = open.get_mut(&recipient_id) {
                        *death = Death::Within;
                    }
                }
                Line::End(result) => {
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
        // Written off already: what the journal knows better still counts, and what it does not is known to be uncertain.
        if let Some(left) = losses::left_by(conn, &lease)? {
            for (taken, death) in open.into_values() {
                ended.push(lost_attempt(conn, &left, &taken, (death, now))?);
            }
        }
        results::record(conn, worker, &place, &ended)?;
        leases::give_back(conn, &[lease])?;
        Ok(())
    }
}

/// Writes one expired lease off: whatever had no result is uncertain. `false` when there is none. The caller repeats it,
/// each time in a transaction of its own.
pub(super) fn write_off_one(conn: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<bool> {
    let Some(lost) = losses::lost(conn)? else {
        return Ok(false);
    };
    let mut uncertain = Vec::new();
    for delivery in claims::claimed(conn, &lost.lease, now)? {
        let taken = Taken {
            recipient_id: delivery.recipient_id,
            attempt_no: delivery.attempts.saturating_add(1),
            before: delivery.status,
        };
        uncertain.push(lost_attempt(conn, &lost, &taken, (Death::Unknown, now))?);
    }
    let place = Place {
        run_id: lost.lease.run_id,
        chunk_no: lost.lease.chunk_no,
        mailing_id: lost.mailing_id,
        owner_id: lost.owner_id,
    };
    results::record(conn, &lost.lease_owner, &place, &uncertain)?;
    leases::give_back(conn, &[lost.lease])?;
    tracing::warn!(
        worker = %lost.lease_owner, run.id = lost.lease.run_id, uncertain = uncertain.len(),
        "a worker was lost, and its journal is not here: what it had in hand is uncertain"
    );
    Ok(true)
}

/// The attempt during which a worker died.
fn lost_attempt(
    conn: &mut PgConnection,
    lost: &Lost,
    taken: &Taken,
    (death, now): (Death, DateTime<Utc>),
) -> QueryResult<AttemptResult> {
    let (outcome, stage, words) = match death {
        Death::Before => (Outcome::Unreachable, Stage::Compose, DIED_BEFORE),
        Death::Within => (Outcome::Uncertain, Stage::Body, DIED_WITHIN),
        Death::Unknown => (Outcome::Uncertain, Stage::Body, CUT_OFF),
    };
    let result = |outcome, words: &str, next: retry::Next| AttemptResult {
        recipient_id: taken.recipient_id,
        attempt_no: taken.attempt_no,
        at: now,
        outcome,
        stage,
        smtp_code: None,
        enhanced_code: None,
        response: words.to_owned(),
        duration_ms: 0,
        before: taken.before,
        after: next.status,
        next_attempt_at: next.at,
        body_at: None,
    };
    let is_suspect = death != Death::Unknown && taken.attempt_no > 1;
    if is_suspect && deaths(conn, lost, taken)? + 1 >= DEATHS {
        let never = retry::Next {
            status: DeliveryStatus::Rejected,
            at: None,
        };
        return Ok(result(Outcome::Rejected, QUARANTINED, never));
    }
    let next = match death {
        // Nothing was sent: it is due as it was.
        Death::Before => retry::Next {
            status: DeliveryStatus::Deferred,
            at: Some(now),
        },
        Death::Within | Death::Unknown => retry::after(
            Verdict {
                outcome,
                cause: Cause::Uncertain,
            },
            &retry::Terms {
                tries: taken.attempt_no,
                until: lost.terms.retries_end_at,
                holds_uncertain: lost.terms.holds_uncertain,
            },
            now,
            rand::random(),
        ),
    };
    Ok(result(outcome, words, next))
}

/// How often a worker has died with this mail in hand.
fn deaths(conn: &mut PgConnection, lost: &Lost, taken: &Taken) -> QueryResult<i64> {
    attempts::table
        .filter(attempts::run_id.eq(lost.lease.run_id))
        .filter(attempts::recipient_id.eq(taken.recipient_id))
        .filter(attempts::response.eq_any([DIED_BEFORE, DIED_WITHIN]))
        .select(count_star())
        .first(conn)
}
