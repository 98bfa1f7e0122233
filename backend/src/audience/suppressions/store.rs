//! Suppressions in the database: added and listed. Those that follow from SMTP replies are in `refusals.rs`.

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::model::{Suppression, SuppressionQuery, SuppressionReason, SuppressionSort};
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;
use crate::core::db::functions::{address_matches, lower};
use crate::core::db::owned::owned_by;
use crate::core::db::schema::{deliveries, recipients, runs, suppressions, users};
use crate::core::email_address::EmailAddress;
use crate::core::named::UnknownName;
use crate::core::owners::Owners;
use crate::core::search::AddressPattern;
use crate::delivery::deliveries::model::SkipReason;
use crate::delivery::deliveries::skips::{self, Whom};
use crate::mail::link_token::{LinkTarget, Subscriber};

/// Why an address could not be suppressed.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("the address is suppressed already")]
    AlreadySuppressed,
    #[error(transparent)]
    Query(#[from] DieselError),
}

type Selected = suppressions::BoxedQuery<'static, diesel::pg::Pg>;

fn matching(owners: Owners, q: Option<&str>) -> Selected {
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

/// One page and the number of all.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &SuppressionQuery,
) -> QueryResult<(Vec<Suppression>, i64)> {
    let q = query.q.as_deref();
    let total = matching(owners, q).select(count_star()).first(conn)?;
    let window = query.paging().window(total);
    // The rows themselves are looked up for the page alone, not for all that lie before it.
    let on_page = sorted(matching(owners, q), query.sort, window.backwards)
        .limit(window.limit)
        .offset(window.offset)
        .select(suppressions::id);
    let page = suppressions::table
        .filter(suppressions::id.eq_any(on_page))
        .into_boxed();
    let page = sorted(page, query.sort, window.backwards)
        .select(Suppression::as_select())
        .load(conn)?;
    Ok((window.in_order(page), total))
}

fn sorted(rows: Selected, sort: SuppressionSort, backwards: bool) -> Selected {
    use SuppressionSort::{Email, EmailDescending, Newest, Oldest};
    use suppressions::{created_at, email, id};
    match (sort, backwards) {
        (Oldest, false) | (Newest, true) => rows.order((created_at.asc(), id.asc())),
        (Newest, false) | (Oldest, true) => rows.order((created_at.desc(), id.desc())),
        (Email, false) | (EmailDescending, true) => rows.order((lower(email).asc(), id.asc())),
        (EmailDescending, false) | (Email, true) => rows.order((lower(email).desc(), id.desc())),
    }
}

/// Which of these owners' it is.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    suppressions::table
        .find(id)
        .filter(owned_by(suppressions::owner_id, owners))
        .select(suppressions::owner_id)
        .first(conn)
}

/// Suppresses an address by hand, in runs under way, too. Not in a transaction, see [`leave_out`].
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
                suppressions::created_at.eq(origin.at()),
            ))
            .on_conflict_do_nothing()
            .returning(Suppression::as_returning())
            .get_result(conn)
            .optional()?;
        if let Some(Suppression { id, email, .. }) = &created {
            let event = origin.did(EventKind::SuppressionAdded);
            record(conn, &event.about(SubjectKind::Suppression, *id, email))?;
        }
        QueryResult::Ok(created)
    })?;
    leave_out(conn, owner_id, &[email.to_string()])?;
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

/// Where a mail of a run went, and in whose name.
#[derive(Debug, Clone, Queryable)]
pub struct Addressed {
    pub owner_id: i64,
    pub email: String,
}

impl Addressed {
    /// The address in the form in which it is suppressed: old deliveries contain it as it was typed.
    pub(super) fn suppressed_as(&self) -> String {
        EmailAddress::recover(&self.email)
            .map_or_else(|| self.email.clone(), |email| email.to_string())
    }

    pub(super) fn key(&self) -> String {
        EmailAddress::key_of(&self.suppressed_as())
    }
}

/// The address that the mail of this link was sent to; `None` if it cannot be determined any more. An old link
/// contains only its recipient: if its run has been deleted, the recipient's current address is used.
pub fn addressed(conn: &mut PgConnection, link: LinkTarget) -> QueryResult<Option<Addressed>> {
    if let Some(Subscriber { owner_id, email }) = link.subscriber {
        return Ok(Some(Addressed { owner_id, email }));
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

/// Whether this owner's account still exists; without one nothing is sent in their name.
pub fn owner_exists(conn: &mut PgConnection, owner_id: i64) -> QueryResult<bool> {
    diesel::select(exists(users::table.find(owner_id))).get_result(conn)
}

/// Why the owner must not mail this address; `None`: they may.
pub fn reason(conn: &mut PgConnection, to: &Addressed) -> QueryResult<Option<SuppressionReason>> {
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
        .map_err(|unknown: UnknownName| DieselError::DeserializationError(unknown.into()))
}

/// Takes suppressed addresses out of the runs under way. The suppressions must be committed before: whatever is then
/// prepared sees them, and what was being prepared without seeing them is waited for here.
pub(super) fn leave_out(
    conn: &mut PgConnection,
    owner_id: i64,
    emails: &[String],
) -> QueryResult<()> {
    let whom = Whom::Addresses(emails);
    conn.transaction(|conn| skips::skip(conn, owner_id, whom, SkipReason::Suppressed).map(drop))
}
