//! Users in the database as staff see them: with totals of their data, and with the block if there is one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use super::admin_view::{Blocked, User, UserQuery, UserSort};
use crate::accounts::identity::{Role, UserRef};
use crate::core::db::functions::{address_matches, lower};
use crate::core::db::schema::users;
use crate::core::search::{AddressPattern, contains};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: i64,
    email: String,
    full_name: String,
    #[diesel(deserialize_as = String)]
    role: Role,
    confirmed_at: Option<DateTime<Utc>>,
    blocked_at: Option<DateTime<Utc>>,
    blocked_by: Option<i64>,
    block_reason: Option<String>,
    created_at: DateTime<Utc>,
    avatar: Option<String>,
}

/// Data about a user from other tables.
#[derive(Default, QueryableByName)]
struct UserTotals {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    mailings_count: i64,
    #[diesel(sql_type = BigInt)]
    recipients_count: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_seen_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    blocked_by_email: Option<String>,
}

type UserSelection = users::BoxedQuery<'static, diesel::pg::Pg>;

fn matching(query: &UserQuery) -> UserSelection {
    use users::{blocked_at, email, full_name, role};
    let mut rows = users::table.into_boxed();
    if let Some(wanted) = query.role {
        rows = rows.filter(role.eq(wanted.as_str()));
    }
    rows = match query.blocked {
        Some(true) => rows.filter(blocked_at.is_not_null()),
        Some(false) => rows.filter(blocked_at.is_null()),
        None => rows,
    };
    if let Some(term) = &query.q {
        let AddressPattern { stored, in_unicode } = AddressPattern::containing(term);
        let of_address = address_matches(email, stored, in_unicode);
        rows = rows.filter(of_address.or(full_name.ilike(contains(term))));
    }
    rows
}

/// A page and the total number, in three statements.
pub(super) fn list(conn: &mut PgConnection, query: &UserQuery) -> QueryResult<(Vec<User>, i64)> {
    let total = matching(query).select(count_star()).first(conn)?;
    let window = query.paging().window(total);
    let rows = sorted(matching(query), query.sort, window.backwards)
        .limit(window.limit)
        .offset(window.offset)
        .select(UserRow::as_select())
        .load(conn)?;
    Ok((with_totals(conn, window.in_order(rows))?, total))
}

fn sorted(rows: UserSelection, sort: UserSort, backwards: bool) -> UserSelection {
    use UserSort::{Email, EmailDescending, FullName, FullNameDescending, Newest, Oldest};
    use users::{created_at, email, full_name, id};
    match (sort, backwards) {
        (Oldest, false) | (Newest, true) => rows.order((created_at.asc(), id.asc())),
        (Newest, false) | (Oldest, true) => rows.order((created_at.desc(), id.desc())),
        // Addresses are unique.
        (Email, false) | (EmailDescending, true) => rows.order(lower(email).asc()),
        (EmailDescending, false) | (Email, true) => rows.order(lower(email).desc()),
        (FullName, false) | (FullNameDescending, true) => {
            rows.order((lower(full_name).asc(), id.asc()))
        }
        (FullNameDescending, false) | (FullName, true) => {
            rows.order((lower(full_name).desc(), id.desc()))
        }
    }
}

/// The user with this id.
pub(super) fn find(conn: &mut PgConnection, id: i64) -> QueryResult<User> {
    let row = users::table
        .find(id)
        .select(UserRow::as_select())
        .first(conn)?;
    Ok(with_totals(conn, vec![row])?.remove(0))
}

fn with_totals(conn: &mut PgConnection, rows: Vec<UserRow>) -> QueryResult<Vec<User>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut totals = totals_of(conn, &ids)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let totals = totals.remove(&row.id).unwrap_or_default();
            row.into_user(totals)
        })
        .collect())
}

fn totals_of(conn: &mut PgConnection, ids: &[i64]) -> QueryResult<HashMap<i64, UserTotals>> {
    let found: Vec<UserTotals> = diesel::sql_query(
        "SELECT users.id,
                (SELECT count(*) FROM mailings WHERE owner_id = users.id) AS mailings_count,
                coalesce((SELECT recipients FROM recipient_totals WHERE owner_id = users.id), 0)::bigint AS recipients_count,
                (SELECT max(last_used_at) FROM sessions WHERE user_id = users.id) AS last_seen_at,
                blockers.email AS blocked_by_email
         FROM users LEFT JOIN users blockers ON blockers.id = users.blocked_by
         WHERE users.id = ANY($1)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)?;
    Ok(found
        .into_iter()
        .map(|totals| (totals.id, totals))
        .collect())
}

impl UserRow {
    fn into_user(self, totals: UserTotals) -> User {
        let by = self.blocked_by.zip(totals.blocked_by_email);
        let blocked = self.blocked_at.map(|at| Blocked {
            at,
            by: by.map(|(id, email)| UserRef { id, email }),
            reason: self.block_reason.unwrap_or_default(),
        });
        User {
            id: self.id,
            email: self.email,
            full_name: self.full_name,
            role: self.role,
            is_confirmed: self.confirmed_at.is_some(),
            blocked,
            mailings_count: totals.mailings_count,
            recipients_count: totals.recipients_count,
            created_at: self.created_at,
            last_seen_at: totals.last_seen_at,
            avatar: self.avatar,
        }
    }
}
