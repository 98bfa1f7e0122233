//! Accounts in the database: sign-up, confirmation, and what a password is checked against.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::model::SignUp;
use super::policy::Role;
use super::token::{self, Secret};
use crate::account_mails::model::Kind;
use crate::account_mails::store::queue;
use crate::db::functions::lower;
use crate::db::schema::{account_tokens, users};

const CONFIRM: &str = "confirm";
const LINK_LIFETIME_HOURS: i64 = 24;

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

/// The credentials of this address, in whatever case it is written.
pub fn credentials(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Credentials>> {
    users::table
        .filter(lower(users::email).eq(lower(email)))
        .select((
            users::id,
            users::password_hash,
            users::confirmed_at,
            users::blocked_at,
        ))
        .first(conn)
        .optional()
}

/// Stores a new account, not confirmed yet, and queues its mail. The owner of an address that is in use already is told
/// by mail; whoever signed up learns nothing. Gives the id of the new account, if there is one.
pub fn sign_up(
    conn: &mut PgConnection,
    new: &SignUp,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    if let Some(user_id) = create(conn, new, password_hash, Role::User, now)? {
        queue(conn, user_id, Kind::Confirm, now)?;
        return Ok(Some(user_id));
    }
    let (user_id, confirmed_at): (i64, Option<DateTime<Utc>>) = users::table
        .filter(lower(users::email).eq(lower(&new.email)))
        .select((users::id, users::confirmed_at))
        .for_update()
        .first(conn)?;
    if confirmed_at.is_some() {
        queue(conn, user_id, Kind::AlreadyRegistered, now)?;
        return Ok(None);
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
    queue(conn, user_id, Kind::Confirm, now)?;
    Ok(None)
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
            users::email.eq(&new.email),
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

/// Queues the mail with the link once more, if somebody with this address still has to confirm it.
pub fn resend_confirmation(
    conn: &mut PgConnection,
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let unconfirmed: Option<i64> = users::table
        .filter(lower(users::email).eq(lower(email)))
        .filter(users::confirmed_at.is_null())
        .select(users::id)
        .for_update()
        .first(conn)
        .optional()?;
    match unconfirmed {
        Some(user_id) => queue(conn, user_id, Kind::Confirm, now),
        None => Ok(()),
    }
}

/// Makes the token of a mailed link, good for 24 hours, for the password that the account has now. Only its hash is kept.
pub fn issue_confirmation(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Secret> {
    diesel::delete(account_tokens::table)
        .filter(
            account_tokens::user_id
                .eq(user_id)
                .and(account_tokens::expires_at.le(now)),
        )
        .execute(conn)?;
    let password_hash: String = users::table
        .find(user_id)
        .select(users::password_hash)
        .first(conn)?;
    let token = Secret::random();
    diesel::insert_into(account_tokens::table)
        .values((
            account_tokens::token_hash.eq(token.hash()),
            account_tokens::user_id.eq(user_id),
            account_tokens::purpose.eq(CONFIRM),
            account_tokens::password_hash.eq(password_hash),
            account_tokens::expires_at.eq(now + TimeDelta::hours(LINK_LIFETIME_HOURS)),
        ))
        .execute(conn)?;
    Ok(token)
}

/// Confirms the address that a mailed link went to and gives its user; `None` when the link is used up, expired or unknown.
/// Whoever is blocked stays blocked.
pub fn confirm(
    conn: &mut PgConnection,
    given: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    // One statement finds and uses it up: of many requests at once, one gets the row.
    let used: Option<(i64, String)> =
        diesel::update(account_tokens::table.find(token::hash(given)))
            .filter(account_tokens::purpose.eq(CONFIRM))
            .filter(account_tokens::used_at.is_null())
            .filter(account_tokens::expires_at.gt(now))
            .set(account_tokens::used_at.eq(now))
            .returning((account_tokens::user_id, account_tokens::password_hash))
            .get_result(conn)
            .optional()?;
    let Some((user_id, password_hash)) = used else {
        return Ok(None);
    };
    diesel::update(users::table.find(user_id))
        .filter(users::confirmed_at.is_null())
        .set((
            users::confirmed_at.eq(now),
            users::password_hash.eq(password_hash),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(Some(user_id))
}
