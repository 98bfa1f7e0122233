//! Accounts in the database: sign-up, confirmation and sign-in.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::changes;
use super::links::{self, LinkKind, Purpose};
use super::model::SignUp;
use crate::accounts::identity::Role;
use crate::accounts::tokens::secret::SecretToken;
use crate::accounts::transactional_mails::model::MailKind;
use crate::core::db::functions::lower;
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;

/// What a sign-in is verified against.
#[derive(Queryable)]
pub struct SignInAccount {
    pub user_id: i64,
    pub password_hash: String,
    confirmed_at: Option<DateTime<Utc>>,
    blocked_at: Option<DateTime<Utc>>,
}

impl SignInAccount {
    /// Whether the account is confirmed and not blocked.
    pub fn is_active(&self) -> bool {
        self.confirmed_at.is_some() && self.blocked_at.is_none()
    }
}

/// The account with this address key, see [`EmailAddress::key_of`].
pub fn find_by_address(conn: &mut PgConnection, key: &str) -> QueryResult<Option<SignInAccount>> {
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

/// The result of a sign-up.
pub struct SignedUp {
    pub user_id: i64,
    /// The account has been created.
    pub is_new: bool,
    /// The mail to be sent to its owner.
    pub mail: MailKind,
}

/// Stores a new, unconfirmed account and returns which mail is to be sent. If the address is already registered, its owner
/// is notified by mail, and the response does not differ.
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
            mail: MailKind::Confirm,
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
            mail: MailKind::AlreadyRegistered,
        });
    }
    // The address is unconfirmed, so the latest sign-up wins: otherwise an attacker could sign up with another person's
    // address and wait until they confirm it, with the attacker's password.
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
        mail: MailKind::Confirm,
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

/// Stores a confirmed account; `None` if the address is already registered.
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

/// Creates the token of the link that confirms a new account with its current password.
pub fn issue_confirmation(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<SecretToken> {
    links::issue(conn, user_id, LinkKind::Confirm, now)
}

/// What a mailed link has confirmed.
pub struct Confirmed {
    pub user_id: i64,
    /// `None` for a new account.
    pub email_change: Option<EmailChange>,
}

/// A change of the e-mail address of an account.
pub struct EmailChange {
    pub from: String,
    pub to: String,
}

/// Confirms the address to which a link was mailed: of a new account, or the new one of an existing account. `None` if the
/// link is used, expired or unknown, or another account has the address by now. A blocked user remains blocked.
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
        let from = changes::change_email(conn, user_id, &email, now)?;
        return Ok(from.map(|from| Confirmed {
            user_id,
            email_change: Some(EmailChange {
                from,
                to: email.to_string(),
            }),
        }));
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
        email_change: None,
    }))
}
