//! Recipients in the database. Functions for requests take the owners whose recipients are visible.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sum};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::model::{CreateRecipient, Recipient, RecipientQuery, RecipientSortKey, UpdateRecipient};
use crate::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use crate::core::db::functions::{address_matches, lower};
use crate::core::db::owned::owned_by;
use crate::core::db::schema::{mailing_recipients, mailings, recipient_totals, recipients};
use crate::core::owners::Owners;
use crate::core::paging::{PageWindow, Paging};
use crate::core::search::{AddressPattern, contains};
use crate::web::list::{Sort, ordered};

/// Why a recipient could not be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The owner already has a recipient with this address.
    #[error("the owner already has a recipient with this address")]
    EmailTaken,
    #[error(transparent)]
    Query(DieselError),
}

impl From<DieselError> for SaveError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::EmailTaken,
            other => Self::Query(other),
        }
    }
}

pub type RecipientQueryBuilder = recipients::BoxedQuery<'static, diesel::pg::Pg>;

/// These owners' recipients that match the search term.
pub fn matching(owners: Owners, q: Option<&str>) -> RecipientQueryBuilder {
    let all = recipients::table
        .filter(owned_by(recipients::owner_id, owners))
        .into_boxed();
    match q {
        None => all,
        Some(term) => {
            let AddressPattern { stored, in_unicode } = AddressPattern::containing(term);
            let of_address = address_matches(recipients::email, stored, in_unicode);
            all.filter(of_address.or(recipients::full_name.ilike(contains(term))))
        }
    }
}

/// The number of recipients of these owners, from the counters that triggers maintain.
pub fn number_of(conn: &mut PgConnection, owners: Owners) -> QueryResult<i64> {
    let number: Option<i64> = recipient_totals::table
        .filter(owned_by(recipient_totals::owner_id, owners))
        .select(sum(recipient_totals::recipients))
        .first(conn)?;
    Ok(number.unwrap_or_default())
}

/// A page and the total, in two statements.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &RecipientQuery,
    paging: Paging,
) -> QueryResult<(Vec<Recipient>, i64)> {
    let q = query.q.as_deref();
    let total = match q {
        None => number_of(conn, owners)?,
        Some(_) => matching(owners, q).select(count_star()).first(conn)?,
    };
    let window = paging.window(total);
    // The rows themselves are read for the page only, not for the preceding ones.
    let on_page = sorted(matching(owners, q), query.sort, window)
        .limit(window.limit)
        .offset(window.offset)
        .select(recipients::id);
    let page = recipients::table
        .filter(recipients::id.eq_any(on_page))
        .into_boxed();
    let page = sorted(page, query.sort, window)
        .select(Recipient::as_select())
        .load(conn)?;
    Ok((window.in_order(page), total))
}

fn sorted(
    rows: RecipientQueryBuilder,
    sort: Sort<RecipientSortKey>,
    window: PageWindow,
) -> RecipientQueryBuilder {
    use recipients::{created_at, email, full_name, id};
    let descending = sort.is_descending(window);
    match sort.key {
        RecipientSortKey::CreatedAt => ordered!(rows, descending, created_at, id),
        RecipientSortKey::Email => ordered!(rows, descending, lower(email), id),
        RecipientSortKey::FullName => ordered!(rows, descending, lower(full_name), id),
    }
}

/// The recipient, if it belongs to these owners.
pub fn find(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<Recipient> {
    recipients::table
        .find(id)
        .filter(owned_by(recipients::owner_id, owners))
        .select(Recipient::as_select())
        .first(conn)
}

/// The owner, if it is one of these owners.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    recipients::table
        .find(id)
        .filter(owned_by(recipients::owner_id, owners))
        .select(recipients::owner_id)
        .first(conn)
}

/// The owner's recipient, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<Recipient> {
    recipients::table
        .filter(recipients::id.eq(id).and(recipients::owner_id.eq(owner_id)))
        .select(Recipient::as_select())
        .for_update()
        .first(conn)
}

/// Stores a new recipient.
pub fn create(
    conn: &mut PgConnection,
    owner_id: i64,
    new: &CreateRecipient,
    now: DateTime<Utc>,
) -> Result<Recipient, SaveError> {
    use recipients::{comment, created_at, email, full_name, updated_at};
    diesel::insert_into(recipients::table)
        .values((
            recipients::owner_id.eq(owner_id),
            email.eq(new.email.as_str()),
            full_name.eq(&new.full_name),
            comment.eq(&new.comment),
            created_at.eq(now),
            updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(Recipient::as_returning())
        .get_result(conn)
        .optional()?
        .ok_or(SaveError::EmailTaken)
}

/// Changes a recipient that the caller has locked.
pub fn update(
    conn: &mut PgConnection,
    id: i64,
    changes: &UpdateRecipient,
    now: DateTime<Utc>,
) -> Result<Recipient, SaveError> {
    use recipients::{comment, email, full_name, updated_at};
    let recipient = diesel::update(recipients::table.find(id))
        .set((
            changes.email.as_ref().map(|value| email.eq(value.as_str())),
            changes.full_name.as_ref().map(|value| full_name.eq(value)),
            changes.comment.as_ref().map(|value| comment.eq(value)),
            updated_at.eq(now),
        ))
        .returning(Recipient::as_returning())
        .get_result(conn)?;
    Ok(recipient)
}

/// Deletes a recipient, removes it from its mailings and withdraws its open deliveries. Returns its address, or `None` if
/// the owner has no such recipient. The log is kept.
pub fn delete(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<Option<String>> {
    // Mailings before runs, by the lock order; triggers update their counts.
    let chosen_by = mailing_recipients::table
        .filter(mailing_recipients::recipient_id.eq(id))
        .select(mailing_recipients::mailing_id);
    mailings::table
        .filter(mailings::owner_id.eq(owner_id))
        .filter(mailings::id.eq_any(chosen_by))
        .order(mailings::id)
        .select(mailings::id)
        .for_no_key_update()
        .load::<i64>(conn)?;
    withdraw(
        conn,
        owner_id,
        DeliveriesTo::Recipients(&[id]),
        WithdrawalReason::RecipientDeleted,
    )?;
    let own =
        recipients::table.filter(recipients::id.eq(id).and(recipients::owner_id.eq(owner_id)));
    diesel::delete(own)
        .returning(recipients::email)
        .get_result(conn)
        .optional()
}
