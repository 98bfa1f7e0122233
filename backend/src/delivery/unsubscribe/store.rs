//! Unsubscribe and resubscribe requests of readers, in the database.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Text, Timestamptz};
use mime::link_token::{LinkTarget, Subscriber};

use crate::accounts::audit_log::NewEvent;
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;
use crate::audience::suppressions::model::SuppressionReason;
use crate::audience::suppressions::store::withdraw_suppressed;
use crate::core::db::functions::lower;
use crate::core::db::schema::{deliveries, recipients, runs, suppressions, users};
use crate::core::email_address::EmailAddress;
use strum::ParseError;

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

/// The address a mail was sent to, and the user that sent it.
#[derive(Debug, Clone, Queryable)]
pub(super) struct MailAddress {
    pub owner_id: i64,
    pub email: String,
}

impl MailAddress {
    /// The address in the form in which it is suppressed: old deliveries contain it as it was typed.
    fn suppressed_as(&self) -> String {
        EmailAddress::recover(&self.email)
            .map_or_else(|| self.email.clone(), |email| email.to_string())
    }

    fn key(&self) -> String {
        EmailAddress::key_of(&self.suppressed_as())
    }
}

/// The address that the mail of this link was sent to; `None` if it cannot be determined any more. An old link
/// contains only its recipient: if its run has been deleted, the recipient's current address is used.
pub(super) fn mail_address(
    conn: &mut PgConnection,
    link: LinkTarget,
) -> QueryResult<Option<MailAddress>> {
    if let Some(Subscriber { owner_id, email }) = link.subscriber {
        return Ok(Some(MailAddress { owner_id, email }));
    }
    let delivered = deliveries::table
        .inner_join(runs::table.on(runs::id.eq(deliveries::run_id)))
        .filter(
            deliveries::run_id
                .eq(link.mail.run_id)
                .and(deliveries::recipient_id.eq(link.mail.recipient_id)),
        )
        .select((runs::owner_id, deliveries::email))
        .first(conn)
        .optional()?;
    if delivered.is_some() {
        return Ok(delivered);
    }
    recipients::table
        .find(link.mail.recipient_id)
        .select((recipients::owner_id, recipients::email))
        .first(conn)
        .optional()
}

/// Whether this owner's account still exists.
pub(super) fn owner_exists(conn: &mut PgConnection, owner_id: i64) -> QueryResult<bool> {
    diesel::select(exists(users::table.find(owner_id))).get_result(conn)
}

/// Why the address is suppressed; `None` if it is not.
pub(super) fn suppression_reason(
    conn: &mut PgConnection,
    to: &MailAddress,
) -> QueryResult<Option<SuppressionReason>> {
    let same = suppressions::owner_id
        .eq(to.owner_id)
        .and(lower(suppressions::email).eq(to.key()));
    let reason: Option<String> = suppressions::table
        .filter(same)
        .select(suppressions::reason)
        .first(conn)
        .optional()?;
    let known = reason.map(|name| name.parse());
    known
        .transpose()
        .map_err(|unknown: ParseError| DieselError::DeserializationError(unknown.into()))
}

/// Suppresses the address that a mail of this run was sent to, also in runs under way; the run itself may have been
/// deleted. The reader's request replaces any other reason, so that it is visible to anyone about to remove the
/// suppression. Does nothing if the owner's account has been deleted. Must not be called in a transaction, see
/// [`withdraw_suppressed`].
pub(super) fn unsubscribe(
    conn: &mut PgConnection,
    to: &MailAddress,
    run_id: i64,
    origin: Origin,
) -> QueryResult<()> {
    conn.transaction(|conn| {
        if let Some(SuppressionId { id }) = store_request(conn, to, run_id, origin.at)? {
            record_request(conn, to, origin.event(EventKind::Unsubscribed), id)?;
        }
        QueryResult::Ok(())
    })?;
    withdraw_suppressed(conn, to.owner_id, &[to.suppressed_as()])
}

#[derive(QueryableByName)]
struct SuppressionId {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Records the reader's action in the audit log, with the address of the owner concerned.
fn record_request(
    conn: &mut PgConnection,
    to: &MailAddress,
    event: NewEvent,
    id: i64,
) -> QueryResult<()> {
    let owner: String = users::table
        .find(to.owner_id)
        .select(users::email)
        .first(conn)?;
    let event = event.about(SubjectKind::Suppression, id, &to.email);
    audit(conn, &event.with_details(&owner))
}

/// Stores a reader's request; `None` if it was already stored.
fn store_request(
    conn: &mut PgConnection,
    to: &MailAddress,
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
    to: &MailAddress,
    origin: Origin,
) -> Result<(), SubscribeError> {
    if !owner_exists(conn, to.owner_id)? {
        return Err(SubscribeError::SenderDeleted);
    }
    let requested = suppressions::owner_id
        .eq(to.owner_id)
        .and(lower(suppressions::email).eq(to.key()))
        .and(suppressions::reason.eq(SuppressionReason::Unsubscribed.as_str()));
    let lifted: Option<i64> = diesel::delete(suppressions::table.filter(requested))
        .returning(suppressions::id)
        .get_result(conn)
        .optional()?;
    if let Some(id) = lifted {
        record_request(conn, to, origin.event(EventKind::SubscribedAgain), id)?;
    }
    match suppression_reason(conn, to)? {
        // Requested again meanwhile, in another window.
        None | Some(SuppressionReason::Unsubscribed) => Ok(()),
        Some(SuppressionReason::Manual | SuppressionReason::Rejected) => {
            Err(SubscribeError::StaysSuppressed)
        }
    }
}
