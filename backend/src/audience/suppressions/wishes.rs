//! Unsubscribes and resubscribes at a reader's request, in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::model::SuppressionReason;
use super::store::{Addressed, leave_out, owner_exists, reason};
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::{NewEvent, Origin};
use crate::accounts::audit_log::store::record;
use crate::core::db::functions::lower;
use crate::core::db::schema::{suppressions, users};

/// Why a reader could not subscribe again.
#[derive(Debug, thiserror::Error)]
pub(super) enum SubscribeError {
    /// The address is suppressed for a reason other than the reader's request.
    #[error("the address is suppressed for a reason other than the reader's request")]
    StaysSuppressed,
    #[error("the account that sent the mail has been deleted")]
    SenderDeleted,
    #[error(transparent)]
    Query(#[from] DieselError),
}

/// Suppresses the address that a mail of this run was sent to, also in runs under way; the run itself may have been
/// deleted. The reader's request replaces any other reason, so that it is visible to anyone about to remove the
/// suppression. Does nothing if the owner's account has been deleted. Must not be called in a transaction, see
/// [`leave_out`].
pub(super) fn unsubscribe(
    conn: &mut PgConnection,
    to: &Addressed,
    run_id: i64,
    origin: Origin,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        if let Some(SuppressionId { id }) = wish(conn, to, run_id, origin.at())? {
            record_wish(conn, to, origin.did(EventKind::Unsubscribed), id)?;
        }
        QueryResult::Ok(())
    })?;
    leave_out(conn, to.owner_id, &[to.suppressed_as()])
}

#[derive(QueryableByName)]
struct SuppressionId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Records the reader's action, with the address of the owner concerned.
fn record_wish(
    conn: &mut PgConnection,
    to: &Addressed,
    event: NewEvent,
    id: i64,
) -> QueryResult<()> {
    let owner: String = users::table
        .find(to.owner_id)
        .select(users::email)
        .first(conn)?;
    let event = event.about(SubjectKind::Suppression, id, &to.email);
    record(conn, &event.with(&owner))
}

/// Stores a reader's request; `None` if it was already stored.
fn wish(
    conn: &mut PgConnection,
    to: &Addressed,
    run_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<SuppressionId>> {
    diesel::sql_query(
        "INSERT INTO suppressions (owner_id, email, reason, run_id, created_at)
         SELECT id, $2, 'unsubscribed', $3, $4 FROM users WHERE id = $1
         ON CONFLICT (owner_id, lower(email)) DO UPDATE
         SET reason = excluded.reason, run_id = excluded.run_id, created_at = excluded.created_at
         WHERE suppressions.reason <> 'unsubscribed'
         RETURNING id",
    )
    .bind::<BigInt, _>(to.owner_id)
    .bind::<Text, _>(to.suppressed_as())
    .bind::<BigInt, _>(run_id)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .optional()
}

/// Removes the suppression requested by the reader of a mail, and no other. Runs prepared from now on include the
/// address; what was skipped in runs under way stays skipped. Idempotent.
///
/// A reader who unsubscribes an address that the owner had suppressed ends up with a suppression of their own, and
/// may remove it.
pub(super) fn subscribe_again(
    conn: &mut PgConnection,
    to: &Addressed,
    origin: Origin,
) -> Result<(), SubscribeError> {
    if !owner_exists(conn, to.owner_id)? {
        return Err(SubscribeError::SenderDeleted);
    }
    let own_wish = suppressions::owner_id
        .eq(to.owner_id)
        .and(lower(suppressions::email).eq(to.key()))
        .and(suppressions::reason.eq(SuppressionReason::Unsubscribed.as_str()));
    let lifted: Option<i64> = diesel::delete(suppressions::table.filter(own_wish))
        .returning(suppressions::id)
        .get_result(conn)
        .optional()?;
    if let Some(id) = lifted {
        record_wish(conn, to, origin.did(EventKind::SubscribedAgain), id)?;
    }
    match reason(conn, to)? {
        // Requested again meanwhile, in another window.
        None | Some(SuppressionReason::Unsubscribed) => Ok(()),
        Some(SuppressionReason::Manual | SuppressionReason::Rejected) => {
            Err(SubscribeError::StaysSuppressed)
        }
    }
}
