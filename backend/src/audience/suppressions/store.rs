//! Suppressions in the database: added, listed and removed by their owner.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::{Suppression, SuppressionQuery, SuppressionReason, SuppressionSortKey};
use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;
use crate::audience::withdrawals::{DeliveriesTo, WithdrawalReason, withdraw};
use crate::core::db::functions::{address_matches, lower};
use crate::core::db::owned::owned_by;
use crate::core::db::schema::suppressions;
use crate::core::email_address::EmailAddress;
use crate::core::owners::Owners;
use crate::core::paging::{PageWindow, Paging};
use crate::core::search::AddressPattern;
use crate::web::list::{Sort, ordered};

/// Why an address could not be suppressed.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("the address is suppressed already")]
    AlreadySuppressed,
    #[error(transparent)]
    Query(#[from] DieselError),
}

type SuppressionQueryBuilder = suppressions::BoxedQuery<'static, diesel::pg::Pg>;

fn matching(owners: Owners, q: Option<&str>) -> SuppressionQueryBuilder {
    let all = suppressions::table
        .filter(owned_by(suppressions::owner_id, owners))
        .into_boxed();
    match q {
        None => all,
        Some(term) => {
            let AddressPattern { stored, in_unicode } = AddressPattern::containing(term);
            all.filter(address_matches(suppressions::email, stored, in_unicode))
        }
    }
}

/// A page and the total.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &SuppressionQuery,
    paging: Paging,
) -> QueryResult<(Vec<Suppression>, i64)> {
    let q = query.q.as_deref();
    let total = matching(owners, q).select(count_star()).first(conn)?;
    let window = paging.window(total);
    // The rows themselves are read for the page only, not for the preceding ones.
    let on_page = sorted(matching(owners, q), query.sort, window)
        .limit(window.limit)
        .offset(window.offset)
        .select(suppressions::id);
    let page = suppressions::table
        .filter(suppressions::id.eq_any(on_page))
        .into_boxed();
    let page = sorted(page, query.sort, window)
        .select(Suppression::as_select())
        .load(conn)?;
    Ok((window.in_order(page), total))
}

fn sorted(
    rows: SuppressionQueryBuilder,
    sort: Sort<SuppressionSortKey>,
    window: PageWindow,
) -> SuppressionQueryBuilder {
    use suppressions::{created_at, email, id};
    let descending = sort.is_descending(window);
    match sort.key {
        SuppressionSortKey::CreatedAt => ordered!(rows, descending, created_at, id),
        SuppressionSortKey::Email => ordered!(rows, descending, lower(email), id),
    }
}

/// The owner, if it is one of these owners.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    suppressions::table
        .find(id)
        .filter(owned_by(suppressions::owner_id, owners))
        .select(suppressions::owner_id)
        .first(conn)
}

/// Suppresses an address at its owner's request, also in runs under way. Must not be called in a transaction, see
/// [`withdraw_suppressed`].
pub fn create(
    conn: &mut PgConnection,
    owner_id: i64,
    email: &EmailAddress,
    origin: Origin,
) -> Result<Suppression, CreateError> {
    let created = conn.transaction(|conn| {
        let created = diesel::insert_into(suppressions::table)
            .values((
                suppressions::owner_id.eq(owner_id),
                suppressions::email.eq(email.as_str()),
                suppressions::reason.eq(SuppressionReason::Manual.as_str()),
                suppressions::created_at.eq(origin.at),
            ))
            .on_conflict_do_nothing()
            .returning(Suppression::as_returning())
            .get_result(conn)
            .optional()?;
        if let Some(Suppression { id, email, .. }) = &created {
            let event = origin.event(EventKind::SuppressionAdded);
            audit(conn, &event.about(SubjectKind::Suppression, *id, email))?;
        }
        QueryResult::Ok(created)
    })?;
    withdraw_suppressed(conn, owner_id, &[email.to_string()])?;
    created.ok_or(CreateError::AlreadySuppressed)
}

/// Removes a suppression and returns its address; `None` if the owner has no such suppression. The next run mails the
/// address again.
pub fn delete(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<Option<String>> {
    let owned = suppressions::table.filter(
        suppressions::id
            .eq(id)
            .and(suppressions::owner_id.eq(owner_id)),
    );
    diesel::delete(owned)
        .returning(suppressions::email)
        .get_result(conn)
        .optional()
}

/// Withdraws deliveries to suppressed addresses from the runs under way. The suppressions must have been committed: a
/// step of the preparation that starts later sees them, and one already in progress is waited for here.
pub fn withdraw_suppressed(
    conn: &mut PgConnection,
    owner_id: i64,
    emails: &[String],
) -> QueryResult<()> {
    conn.transaction(|conn| {
        let deliveries = DeliveriesTo::Addresses(emails);
        withdraw(conn, owner_id, deliveries, WithdrawalReason::Suppressed).map(drop)
    })
}
