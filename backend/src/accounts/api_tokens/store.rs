//! API tokens in the database, hashed. Every function requires the owner.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::model::{ApiToken, CreateApiToken};
use crate::accounts::tokens::api_secret::ApiSecret;
use crate::accounts::users::store::lock_for_changes;
use crate::core::db::schema::api_tokens;

/// Maximum number of tokens of one user.
pub const MAX_TOKENS: i64 = 50;
/// All tokens of a user, the newest first.
pub fn list(conn: &mut PgConnection, user_id: i64) -> QueryResult<Vec<ApiToken>> {
    api_tokens::table
        .filter(api_tokens::user_id.eq(user_id))
        .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
        .select(ApiToken::as_select())
        .load(conn)
}

/// Stores a new token; `None` if the user already has the maximum number. Must be called in a transaction.
pub fn create(
    conn: &mut PgConnection,
    user_id: i64,
    new: &CreateApiToken,
    secret: &ApiSecret,
    now: DateTime<Utc>,
) -> QueryResult<Option<ApiToken>> {
    // Serializes the requests of a user, so that concurrent ones cannot exceed the limit.
    lock_for_changes(conn, user_id)?;
    let kept: i64 = api_tokens::table
        .filter(api_tokens::user_id.eq(user_id))
        .select(count_star())
        .first(conn)?;
    if kept >= MAX_TOKENS {
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

/// Deletes a token of a user and returns its hash and name; `None` if the user has no such token.
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
