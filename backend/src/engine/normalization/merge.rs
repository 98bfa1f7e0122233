//! Merges two recipients of one owner with the same address. The attempts of both stay in the log.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz};

use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;
use crate::audience::recipients::store::delete;
use crate::core::db::schema::{mailing_recipients, mailings, recipients};

/// The outcome of a merge.
pub(super) enum Merged {
    /// The recipient that remains.
    Into(i64),
    /// Not merged: each still has to get a mail of a run that does not include the other.
    NotYet,
}

/// Two recipients with the same mailbox; the first is kept if possible.
pub(super) struct SameMailbox {
    pub(super) first: i64,
    pub(super) second: i64,
}

/// Merges two recipients: the remaining one is in every mailing of either, and gets one mail in runs that include
/// both.
pub(super) fn merge(
    conn: &mut PgConnection,
    owner_id: i64,
    pair: SameMailbox,
    now: DateTime<Utc>,
) -> QueryResult<Merged> {
    let SameMailbox { first, second } = pair;
    lock_mailings_of(conn, owner_id, &[first, second])?;
    let (kept, gone) = if !is_alone_in_a_run(conn, owner_id, second, first)? {
        (first, second)
    } else if !is_alone_in_a_run(conn, owner_id, first, second)? {
        (second, first)
    } else {
        return Ok(Merged::NotYet);
    };
    diesel::sql_query(
        "INSERT INTO mailing_recipients (mailing_id, recipient_id)
         SELECT mailing_id, $1 FROM mailing_recipients WHERE recipient_id = $2 ON CONFLICT DO NOTHING",
    )
    .bind::<BigInt, _>(kept)
    .bind::<BigInt, _>(gone)
    .execute(conn)?;
    // Name and comment of both are kept, as far as they fit.
    diesel::sql_query(
        "UPDATE recipients AS kept SET updated_at = $3, created_at = least(kept.created_at, gone.created_at),
             full_name = CASE WHEN kept.full_name = '' THEN gone.full_name ELSE kept.full_name END,
             comment = CASE WHEN kept.comment = gone.comment OR gone.comment = '' THEN kept.comment
                            ELSE left(ltrim(kept.comment || E'\\n' || gone.comment, E'\\n'), 2000) END
         FROM recipients AS gone WHERE kept.id = $1 AND gone.id = $2",
    )
    .bind::<BigInt, _>(kept)
    .bind::<BigInt, _>(gone)
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    if let Some(email) = delete(conn, owner_id, gone)? {
        let event = Origin::service(now)
            .event(EventKind::RecipientDeleted)
            .about(SubjectKind::Recipient, gone, &email)
            .with_details(&format!("the same mailbox as recipient {kept}"));
        audit(conn, &event)?;
    }
    Ok(Merged::Into(kept))
}

/// Locks in the global lock order; the recipients come last.
fn lock_mailings_of(conn: &mut PgConnection, owner_id: i64, ids: &[i64]) -> QueryResult<()> {
    let chosen_by = mailing_recipients::table
        .filter(mailing_recipients::recipient_id.eq_any(ids))
        .select(mailing_recipients::mailing_id);
    mailings::table
        .filter(mailings::owner_id.eq(owner_id))
        .filter(mailings::id.eq_any(chosen_by))
        .order(mailings::id)
        .select(mailings::id)
        .for_no_key_update()
        .load::<i64>(conn)?;
    recipients::table
        .filter(recipients::id.eq_any(ids))
        .order(recipients::id)
        .select(recipients::id)
        .for_update()
        .load::<i64>(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct MergeCheckRow {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether one still has to get a mail of a run that does not include the other, or a run of theirs is being
/// prepared.
fn is_alone_in_a_run(
    conn: &mut PgConnection,
    owner_id: i64,
    one: i64,
    other: i64,
) -> QueryResult<bool> {
    let answer: MergeCheckRow = diesel::sql_query(
        "SELECT EXISTS (
             SELECT FROM runs WHERE owner_id = $1 AND status = 'running' AND (
                 (fanned_out_at IS NULL AND EXISTS (
                     SELECT FROM mailing_recipients m WHERE m.mailing_id = runs.mailing_id AND m.recipient_id = ANY($4)))
                 OR (EXISTS (SELECT FROM deliveries d WHERE d.run_id = runs.id AND d.recipient_id = $2
                               AND (d.status IN ('pending', 'deferred') OR d.next_attempt_at IS NOT NULL))
                     AND NOT EXISTS (SELECT FROM deliveries d WHERE d.run_id = runs.id AND d.recipient_id = $3)))) AS yes",
    )
    .bind::<BigInt, _>(owner_id)
    .bind::<BigInt, _>(one)
    .bind::<BigInt, _>(other)
    .bind::<Array<BigInt>, _>(vec![one, other])
    .get_result(conn)?;
    Ok(answer.yes)
}
