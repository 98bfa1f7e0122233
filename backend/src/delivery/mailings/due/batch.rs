//! The common case, for many mailings in a few statements: the due run starts, and the mailing waits for its next
//! occurrence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz};

use super::DueOutcome;
use crate::accounts::audit_log::NewEvent;
use crate::accounts::audit_log::audit_all;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;
use crate::accounts::quotas::model::Quotas;
use crate::accounts::quotas::store::Allowance;
use crate::delivery::mailings::catch_up::Due;
use crate::delivery::mailings::model::MailingRow;
use crate::delivery::mailings::recurrence::Occurrence;
use crate::delivery::mailings::start::bounds;
use crate::delivery::mailings::store::Postponement;
use crate::delivery::runs::model::Trigger;
use crate::delivery::runs::scheduled::{self, BegunRun};
use crate::delivery::runs::status::RunStatus;
use crate::delivery::runs::store::{self as runs, NewRun};

/// The outcome of a batch: mailings handled, mailings postponed, and mailings that need more than a new run.
#[derive(Default)]
pub(super) struct StartedBatch<'a> {
    pub(super) begun: Vec<i64>,
    pub(super) postponed: Vec<(i64, Postponement)>,
    pub(super) others: Vec<&'a MailingRow>,
}

impl<'a> StartedBatch<'a> {
    /// None was handled: each is to be handled individually.
    pub(super) fn of_others(mailings: &'a [MailingRow]) -> Self {
        Self {
            others: mailings.iter().collect(),
            ..Self::default()
        }
    }
}

/// Starts the runs of these mailings, which the caller has locked. Mailings with an open run or without an occurrence
/// to send are returned to the caller.
pub(super) fn begin<'a>(
    conn: &mut PgConnection,
    mailings: &'a [MailingRow],
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<StartedBatch<'a>> {
    let ids: Vec<i64> = mailings.iter().map(|mailing| mailing.id).collect();
    let open = runs::with_open_run(conn, &ids)?;
    let mut allowances = allowances(conn, mailings, quotas, now)?;
    let (mut batch, mut starting) = (StartedBatch::default(), Vec::new());
    for mailing in mailings {
        let due = super::due_of(mailing, now);
        let allowance = allowances.get_mut(&mailing.owner_id);
        let (Some(occurrence), Some(allowance), false) =
            (due.run, allowance, open.contains(&mailing.id))
        else {
            batch.others.push(mailing);
            continue;
        };
        match super::within_quota(allowance.room(mailing.recipients_count), mailing, now) {
            DueOutcome::Handled => {
                allowance.take(mailing.recipients_count, now);
                starting.push(Starting {
                    mailing,
                    occurrence,
                    due,
                });
            }
            DueOutcome::Postponed(postponement) => {
                batch.postponed.push((mailing.id, postponement));
            }
        }
    }
    let begun = begin_runs(conn, &starting, now)?;
    // A mailing that already has a run for this time is handled individually.
    let (begun, others): (Vec<_>, Vec<_>) = starting
        .into_iter()
        .partition(|starting: &Starting<'_>| begun.contains(&starting.mailing.id));
    record_missed(conn, &begun, now)?;
    move_on(conn, &begun, now)?;
    batch.begun = begun.iter().map(|starting| starting.mailing.id).collect();
    batch
        .others
        .extend(others.iter().map(|starting| starting.mailing));
    Ok(batch)
}

/// A mailing that starts: the occurrence to send, and the other due ones.
struct Starting<'a> {
    mailing: &'a MailingRow,
    occurrence: Occurrence,
    due: Due,
}

/// Ordered by id: every process locks owners in this order.
fn allowances(
    conn: &mut PgConnection,
    mailings: &[MailingRow],
    quotas: Quotas,
    now: DateTime<Utc>,
) -> QueryResult<BTreeMap<i64, Allowance>> {
    let owners: BTreeSet<i64> = mailings.iter().map(|mailing| mailing.owner_id).collect();
    owners
        .into_iter()
        .map(|owner_id| Ok((owner_id, Allowance::of(conn, quotas, owner_id, now)?)))
        .collect()
}

/// Starts the runs in this order and records it; returns the mailings whose run has started.
fn begin_runs(
    conn: &mut PgConnection,
    starting: &[Starting<'_>],
    now: DateTime<Utc>,
) -> QueryResult<BTreeSet<i64>> {
    let new: Vec<NewRun> = starting
        .iter()
        .map(
            |Starting {
                 mailing,
                 occurrence,
                 ..
             }| {
                NewRun {
                    mailing_id: mailing.id,
                    scheduled_for: occurrence.at,
                    trigger: Trigger::Schedule,
                    bounds: bounds(mailing, now),
                    started_at: now,
                }
            },
        )
        .collect();
    let begun = scheduled::begin_all(conn, &new)?;
    let events: Vec<NewEvent> = begun.iter().map(|run| event(run, now)).collect();
    audit_all(conn, &events)?;
    Ok(begun.iter().map(|run| run.mailing_id).collect())
}

fn event(run: &BegunRun, now: DateTime<Utc>) -> NewEvent {
    Origin::service(now)
        .event(EventKind::RunStarted)
        .about(SubjectKind::Mailing, run.mailing_id, &run.subject)
        .with_details(&format!("#{}", run.id))
}

fn record_missed(
    conn: &mut PgConnection,
    begun: &[Starting<'_>],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let missed: Vec<_> = begun
        .iter()
        .flat_map(|starting| {
            let id = starting.mailing.id;
            starting
                .due
                .missed
                .iter()
                .map(move |missed| (id, missed.at))
        })
        .collect();
    scheduled::record_unrun(conn, &missed, RunStatus::Missed, now)
}

/// Marks them as running and sets their next occurrence.
fn move_on(conn: &mut PgConnection, begun: &[Starting<'_>], now: DateTime<Utc>) -> QueryResult<()> {
    let ids: Vec<i64> = begun.iter().map(|starting| starting.mailing.id).collect();
    let (indexes, moments): (Vec<_>, Vec<_>) = begun
        .iter()
        .map(|starting| {
            let next = starting.due.next;
            next.map(|next| (i32::try_from(next.index).unwrap_or(i32::MAX), next.at))
                .unzip()
        })
        .unzip();
    diesel::sql_query(
        "UPDATE mailings SET status = 'running', last_run_at = $1, put_off_reason = NULL,
                             next_occurrence = next.occurrence, next_run_at = next.run_at
         FROM unnest($2, $3, $4) AS next (id, occurrence, run_at) WHERE mailings.id = next.id",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Nullable<Integer>>, _>(indexes)
    .bind::<Array<Nullable<Timestamptz>>, _>(moments)
    .execute(conn)?;
    Ok(())
}
