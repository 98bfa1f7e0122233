//! API tokens in the database, hashed. Every function asks for the owner.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{ApiToken, CreateApiToken, Scope};
use crate::accounts::auth::api_secret::ApiSecret;
use crate::accounts::auth::policy::Role;
use crate::accounts::users::store::hold;
use crate::core::db::schema::{api_tokens, users};

/// So many tokens of one user may there be.
pub const MOST: i64 = 50;
/// A token's use is written down no oftener.
pub const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whom a token acts for.
pub struct Bearer {
    pub user_id: i64,
    pub role: Role,
    pub scope: Scope,
    pub expires_at: Option<DateTime<Utc>>,
    /// When its use was written down.
    pub noted_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
struct Found {
    id: i64,
    user_id: i64,
    #[diesel(deserialize_as = String)]
    scope: Scope,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

/// The live token of this hash, its use written down; `None` when there is none or its owner is blocked or unconfirmed.
pub fn use_token(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Option<Bearer>> {
    let row: Option<(Found, String)> = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::token_hash.eq(hash))
        .filter(users::blocked_at.is_null())
        .filter(users::confirmed_at.is_not_null())
        .select((Found::as_select(), users::role))
        .first(conn)
        .optional()?;
    let live = row.filter(|(token, _)| token.expires_at.is_none_or(|end| now < end));
    let Some((token, role)) = live else {
        return Ok(None);
    };
    let noted_at = match token.last_used_at {
        Some(at) if now < at + NOTED_EVERY => at,
        _ => {
            diesel::update(api_tokens::table.find(token.id))
                .set(api_tokens::last_used_at.eq(now))
                .execute(conn)?;
            now
        }
    };
    Ok(role.parse().ok().map(|role| Bearer {
        user_id: token.user_id,
        role,
        scope: token.scope,
        expires_at: token.expires_at,
        noted_at,
    }))
}

/// The hashes of all tokens created before tokens had a MAC.
pub fn hashes_without_mac(conn: &mut PgConnection) -> QueryResult<Vec<Vec<u8>>> {
    api_tokens::table
        .filter(api_tokens::has_mac.eq(false))
        .select(api_tokens::token_hash)
        .load(conn)
}

/// All tokens of a user, the newest first.
pub fn list(conn: &mut PgConnection, user_id: i64) -> QueryResult<Vec<ApiToken>> {
    api_tokens::table
        .filter(api_tokens::user_id.eq(user_id))
        .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
        .select(ApiToken::as_select())
        .load(conn)
}

/// Stores a new token; `None` when the user has as many as anybody may have. Within a transaction.
pub fn create(
    conn: &mut PgConnection,
    user_id: i64,
    (new, secret): (&CreateApiToken, &ApiSecret),
    now: DateTime<Utc>,
) -> QueryResult<Option<ApiToken>> {
    // One request of a user at a time, so that many at once cannot pass the limit together.
    hold(conn, user_id)?;
    let kept: i64 = api_tokens::table
        .filter(api_tokens::user_id.eq(user_id))
        .select(count_star())
        .first(conn)?;
    if kept >= MOST {
        return Ok(None);
    }
    diesel::insert_into(api_tokens::table)
        .values((
            api_tokens::user_id.eq(user_id),
            api_tokens::name.eq(&new.name),
            api_tokens::scope.eq(new.scope.as_str()),
            api_tokens::token_hash.eq(secret.hash()),
            api_tokens::created_at.eq(now),
            api_tokens::expires_at.eq(new.expires_at),
            api_tokens::has_mac.eq(true),
        ))
        .returning(ApiToken::as_returning())
        .get_result(conn)
        .map(Some)
}

/// Deletes a token of a user and gives its hash and its name; `None` when they have no such token.
pub fn delete(
    conn: &mut PgConnection,
    user_id: i64,
    id: i64,
) -> QueryResult<Option<(Vec<u8>, String)>> {
    diesel::delete(api_tokens::table.find(id))
        .filter(api_tokens::user_id.eq(user_id))
        .returning((api_tokens::token_hash, api_tokens::name))
        .get_result(conn)
        .optional()
}

/// Deletes all tokens of a user.
pub fn delete_all_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<()> {
    diesel::delete(api_tokens::table)
        .filter(api_tokens::user_id.eq(user_id))
        .execute(conn)?;
    Ok(())
}
