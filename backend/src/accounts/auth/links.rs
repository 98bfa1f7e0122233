//! Mailed links in the database: purpose, expiry and use of each. Only the hash of the token is stored.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use crate::accounts::tokens::secret::{self, SecretToken};
use crate::accounts::transactional_mails::model::MailKind;
use crate::accounts::users::store::lock_for_changes;
use crate::core::db::schema::{account_mails, account_tokens, users};
use crate::core::text_enum::text_enum;

/// The only purpose for which a link can be used.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Purpose {
    /// Confirms the address of a new account.
    Confirm,
    /// Sets a new password.
    Reset,
    /// Changes the address of an account to the one to which the link was mailed.
    Email,
}

text_enum!(Purpose);

impl Purpose {
    /// 24 hours; one hour for a link that sets a password.
    const fn lifetime(self) -> TimeDelta {
        match self {
            Self::Confirm | Self::Email => TimeDelta::hours(24),
            Self::Reset => TimeDelta::hours(1),
        }
    }
}

/// A link to be created.
#[derive(Debug, Clone, Copy)]
pub enum LinkKind<'a> {
    Confirm,
    Reset,
    /// To this new address.
    Email(&'a str),
}

/// A link that has just been used.
#[derive(Queryable)]
pub struct Redeemed {
    pub user_id: i64,
    #[diesel(deserialize_as = String)]
    pub purpose: Purpose,
    /// The password of the account when the link was created.
    pub password_hash: String,
    /// The new address; only for `Purpose::Email`.
    pub email: Option<String>,
}

/// Creates a link and returns its token.
pub fn issue(
    conn: &mut PgConnection,
    user_id: i64,
    kind: LinkKind<'_>,
    now: DateTime<Utc>,
) -> QueryResult<SecretToken> {
    let (purpose, email) = match kind {
        LinkKind::Confirm => (Purpose::Confirm, None),
        LinkKind::Reset => (Purpose::Reset, None),
        LinkKind::Email(address) => (Purpose::Email, Some(address)),
    };
    let password_hash: String = users::table
        .find(user_id)
        .select(users::password_hash)
        .first(conn)?;
    let token = SecretToken::random();
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

/// Whether a link can be used.
pub fn is_valid(
    conn: &mut PgConnection,
    given: &str,
    purpose: Purpose,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let valid = account_tokens::table
        .find(secret::hash(given))
        .filter(account_tokens::purpose.eq(purpose.as_str()))
        .filter(account_tokens::used_at.is_null())
        .filter(account_tokens::expires_at.gt(now));
    diesel::select(diesel::dsl::exists(valid)).get_result(conn)
}

/// Marks a link as used and locks its user; `None` if it is already used, expired, unknown or has another purpose.
pub fn redeem(
    conn: &mut PgConnection,
    given: &str,
    purposes: &[Purpose],
    now: DateTime<Utc>,
) -> QueryResult<Option<Redeemed>> {
    let hash = secret::hash(given);
    let owner: Option<i64> = account_tokens::table
        .find(&hash)
        .select(account_tokens::user_id)
        .first(conn)
        .optional()?;
    let Some(user_id) = owner else {
        return Ok(None);
    };
    lock_for_changes(conn, user_id)?;
    // A single statement: of concurrent requests, only one gets the row.
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

/// Invalidates all links of a user that set a password or change the address, including those that have not been mailed
/// yet. The caller has locked the user.
pub fn invalidate(conn: &mut PgConnection, user_id: i64) -> QueryResult<()> {
    let kinds = [MailKind::Reset, MailKind::ConfirmEmail].map(MailKind::as_str);
    diesel::delete(account_mails::table)
        .filter(account_mails::user_id.eq(user_id))
        .filter(account_mails::kind.eq_any(kinds))
        .filter(account_mails::next_attempt_at.is_not_null())
        .execute(conn)?;
    // After the mails, because a mail that was being composed has its token by now.
    diesel::delete(account_tokens::table)
        .filter(account_tokens::user_id.eq(user_id))
        .execute(conn)?;
    Ok(())
}
