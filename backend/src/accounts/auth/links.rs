//! The links we mail, in the database: what each is good for, for how long, and that it is used once. Only a hash is kept.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::token::{self, Secret};
use crate::accounts::transactional_mails::model::Kind;
use crate::accounts::users::store::hold;
use crate::core::db::schema::{account_mails, account_tokens, users};
use crate::core::named::named;

named! {
    /// What a link is good for, and nothing else.
    pub enum Purpose {
        /// Confirms the address of a new account.
        Confirm = "confirm",
        /// Sets a new password.
        Reset = "reset",
        /// Moves an account to the address that the link went to.
        Email = "email",
    }
}

impl Purpose {
    /// 24 hours, and one hour for a link that is as good as the password.
    const fn lifetime(self) -> TimeDelta {
        match self {
            Self::Confirm | Self::Email => TimeDelta::hours(24),
            Self::Reset => TimeDelta::hours(1),
        }
    }
}

/// A link that has been used up just now.
#[derive(Queryable)]
pub struct Redeemed {
    pub user_id: i64,
    #[diesel(deserialize_as = String)]
    pub purpose: Purpose,
    /// The password that the account had when the link was made.
    pub password_hash: String,
    /// The address to move to; for `Purpose::Email` only.
    pub email: Option<String>,
}

/// Makes the token of a link. `email` is the address to move to.
pub fn issue(
    conn: &mut PgConnection,
    user_id: i64,
    (purpose, email): (Purpose, Option<&str>),
    now: DateTime<Utc>,
) -> QueryResult<Secret> {
    let password_hash: String = users::table
        .find(user_id)
        .select(users::password_hash)
        .first(conn)?;
    let token = Secret::random();
    diesel::insert_into(account_tokens::table)
        .values((
            account_tokens::token_hash.eq(token.hash()),
            account_tokens::user_id.eq(user_id),
            account_tokens::purpose.eq(purpose.as_str()),
            account_tokens::password_hash.eq(password_hash),
            account_tokens::email.eq(email),
            account_tokens::expires_at.eq(now + purpose.lifetime()),
        ))
        .execute(conn)?;
    Ok(token)
}

/// Whether a link could be used now.
pub fn is_good(
    conn: &mut PgConnection,
    given: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let good = account_tokens::table
        .find(token::hash(given))
        .filter(account_tokens::purpose.eq(purpose.as_str()))
        .filter(account_tokens::used_at.is_null())
        .filter(account_tokens::expires_at.gt(now));
    diesel::select(diesel::dsl::exists(good)).get_result(conn)
}

/// Uses a link up, and locks its user; `None` when it is used up already, expired, unknown or for something else.
pub fn redeem(
    conn: &mut PgConnection,
    given: &str,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> QueryResult<Option<Redeemed>> {
    let hash = token::hash(given);
    let owner: Option<i64> = account_tokens::table
        .find(&hash)
        .select(account_tokens::user_id)
        .first(conn)
        .optional()?;
    let Some(user_id) = owner else {
        return Ok(None);
    };
    hold(conn, user_id)?;
    // One statement finds and uses it up: of many requests at once, one gets the row.
    diesel::update(account_tokens::table.find(&hash))
        .filter(account_tokens::purpose.eq_any(purposes.iter().map(|purpose| purpose.as_str())))
        .filter(account_tokens::used_at.is_null())
        .filter(account_tokens::expires_at.gt(now))
        .set(account_tokens::used_at.eq(now))
        .returning((
            account_tokens::user_id,
            account_tokens::purpose,
            account_tokens::password_hash,
            account_tokens::email,
        ))
        .get_result(conn)
        .optional()
}

/// Makes every link to set a password or move the account worthless, also those that have not been mailed yet. The
/// caller has locked the user.
pub fn withdraw(conn: &mut PgConnection, user_id: i64) -> QueryResult<()> {
    let kinds = [Kind::Reset, Kind::ConfirmEmail].map(Kind::as_str);
    diesel::delete(account_mails::table)
        .filter(account_mails::user_id.eq(user_id))
        .filter(account_mails::kind.eq_any(kinds))
        .filter(account_mails::next_attempt_at.is_not_null())
        .execute(conn)?;
    // After the mails: one that was being written has its token by now.
    diesel::delete(account_tokens::table)
        .filter(account_tokens::user_id.eq(user_id))
        .execute(conn)?;
    Ok(())
}
