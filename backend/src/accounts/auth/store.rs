//! Accounts in the database: sign-up, confirmation, and what a password is checked against.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::changes;
use super::links::{self, Purpose};
use super::model::SignUp;
use super::policy::Role;
use super::token::Secret;
use crate::accounts::transactional_mails::model::Kind;
use crate::core::db::functions::lower;
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;

/// What a sign-in is checked against.
#[derive(Queryable)]
pub struct Credentials {
    pub user_id: i64,
    pub password_hash: String,
    confirmed_at: Option<DateTime<Utc>>,
    blocked_at: Option<DateTime<Utc>>,
}

impl Credentials {
    /// Whether the right password lets this user in.
    pub fn in_good_standing(&self) -> bool {
        self.confirmed_at.is_some() && self.blocked_at.is_none()
    }
}

/// The credentials of the user with this address key, see [`EmailAddress::key_of`].
pub fn credentials(conn: &mut PgConnection, key: &str) -> QueryResult<Option<Credentials>> {
    users::table
        .filter(lower(users::email).eq(key))
        .select((
            users::id,
            users::password_hash,
            users::confirmed_at,
            users::blocked_at,
        ))
        .first(conn)
        .optional()
}

/// What came of a sign-up.
pub struct SignedUp {
    pub user_id: i64,
    /// The account was not there before.
    pub is_new: bool,
    /// What its owner is to be mailed.
    pub mail: Kind,
}

/// Stores a new account, not confirmed yet, and says which mail is owed to whom. The owner of an address that is in use
/// already is told by mail; whoever signed up learns nothing.
pub fn sign_up(
    conn: &mut PgConnection,
    new: &SignUp,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<SignedUp> {
    if let Some(user_id) = create(conn, new, password_hash, Role::User, now)? {
        diesel::update(users::table.find(user_id))
            .set(users::has_default_quotas.eq(true))
            .execute(conn)?;
        return Ok(SignedUp {
            user_id,
            is_new: true,
            mail: Kind::Confirm,
        });
    }
    let (user_id, confirmed_at): (i64, Option<DateTime<Utc>>) = users::table
        .filter(lower(users::email).eq(new.email.key()))
        .select((users::id, users::confirmed_at))
        .for_update()
        .first(conn)?;
    if confirmed_at.is_some() {
        return Ok(SignedUp {
            user_id,
            is_new: false,
            mail: Kind::AlreadyRegistered,
        });
    }
    // Nobody has shown yet that the address is theirs, so what was given last counts: otherwise a stranger could sign up
    // with somebody's address and wait for them to confirm it, with the stranger's password.
    diesel::update(users::table.find(user_id))
        .set((
            users::password_hash.eq(password_hash),
            users::full_name.eq(&new.full_name),
            users::language.eq(new.language.as_str()),
            users::time_zone.eq(&new.time_zone),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(SignedUp {
        user_id,
        is_new: false,
        mail: Kind::Confirm,
    })
}

/// Confirms an account whose address is proven by an invitation; `false` if it was already confirmed.
pub fn confirm_invited(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let confirmed = diesel::update(users::table.find(user_id))
        .filter(users::confirmed_at.is_null())
        .set((users::confirmed_at.eq(now), users::updated_at.eq(now)))
        .execute(conn)?;
    Ok(confirmed > 0)
}

/// Stores a user who is confirmed from the beginning; `None` when the address is in use already.
pub fn create_confirmed(
    conn: &mut PgConnection,
    new: &SignUp,
    password_hash: &str,
    role: Role,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let created = create(conn, new, password_hash, role, now)?;
    if let Some(user_id) = created {
        diesel::update(users::table.find(user_id))
            .set(users::confirmed_at.eq(now))
            .execute(conn)?;
    }
    Ok(created)
}

fn create(
    conn: &mut PgConnection,
    new: &SignUp,
    password_hash: &str,
    role: Role,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    diesel::insert_into(users::table)
        .values((
            users::email.eq(new.email.as_str()),
            users::full_name.eq(&new.full_name),
            users::password_hash.eq(password_hash),
            users::role.eq(role.as_str()),
            users::language.eq(new.language.as_str()),
            users::time_zone.eq(&new.time_zone),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .returning(users::id)
        .get_result(conn)
        .optional()
}

/// Makes the token of the link that confirms a new account, for the password that the account has now.
pub fn issue_confirmation(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Secret> {
    links::issue(conn, user_id, (Purpose::Confirm, None), now)
}

/// What a mailed link has confirmed.
pub struct Confirmed {
    pub user_id: i64,
    /// From which address to which the account has moved.
    pub moved: Option<(String, String)>,
}

/// Confirms the address that a mailed link went to: of a new account, or the one that an account moves to. `None` when
/// the link is used up, expired or unknown, or somebody else has the address by now. Whoever is blocked stays blocked.
pub fn confirm(
    conn: &mut PgConnection,
    given: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Confirmed>> {
    let purposes = [Purpose::Confirm, Purpose::Email];
    let Some(link) = links::redeem(conn, given, &purposes, now)? else {
        return Ok(None);
    };
    let user_id = link.user_id;
    if let Some(email) = link.email {
        let Some(email) = EmailAddress::recover(&email) else {
            return Ok(None);
        };
        let from = changes::move_to(conn, user_id, &email, now)?;
        let moved = |from| Confirmed {
            user_id,
            moved: Some((from, email.to_string())),
        };
        return Ok(from.map(moved));
    }
    diesel::update(users::table.find(user_id))
        .filter(users::confirmed_at.is_null())
        .set((
            users::confirmed_at.eq(now),
            users::password_hash.eq(link.password_hash),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(Some(Confirmed {
        user_id,
        moved: None,
    }))
}
