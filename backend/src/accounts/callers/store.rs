//! Sessions and API tokens in the database, as far as they identify a caller.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::accounts::identity::{Caller, CredentialKind, Role, TokenScope};
use crate::core::db::schema::{api_tokens, sessions, users};

/// Maximum lifetime of a session, however often it is refreshed.
pub const MAX_SESSION_LIFETIME: TimeDelta = TimeDelta::days(90);
/// Minimum interval between updates of the last use of a token.
pub const USE_RECORDED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The user of an API token.
pub struct TokenOwner {
    pub user_id: i64,
    pub role: Role,
    pub scope: TokenScope,
    pub expires_at: Option<DateTime<Utc>>,
    /// When its use was last recorded.
    pub use_recorded_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
struct ApiTokenRow {
    id: i64,
    user_id: i64,
    #[diesel(deserialize_as = String)]
    scope: TokenScope,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
}

/// The user of a live session; `None` if it has ended, or its user is blocked or unconfirmed.
pub fn caller_of_session(
    conn: &mut PgConnection,
    session_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<Caller>> {
    let row: Option<(i64, String)> = sessions::table
        .inner_join(users::table)
        .filter(
            sessions::id
                .eq(session_id)
                .and(sessions::revoked_at.is_null())
                .and(sessions::created_at.gt(now - MAX_SESSION_LIFETIME)),
        )
        .filter(
            users::blocked_at
                .is_null()
                .and(users::confirmed_at.is_not_null()),
        )
        .select((users::id, users::role))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(user_id, role)| {
        Some(Caller {
            user_id,
            role: role.parse::<Role>().ok()?,
            credential: CredentialKind::Session(session_id),
        })
    }))
}

/// The owner of the API token with this hash, recording its use; `None` if there is no such token, it has expired, or its
/// owner is blocked or unconfirmed.
pub fn use_token(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<Option<TokenOwner>> {
    let row: Option<(ApiTokenRow, String)> = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::token_hash.eq(hash))
        .filter(users::blocked_at.is_null())
        .filter(users::confirmed_at.is_not_null())
        .select((ApiTokenRow::as_select(), users::role))
        .first(conn)
        .optional()?;
    let live = row.filter(|(token, _)| token.expires_at.is_none_or(|end| now < end));
    let Some((token, role)) = live else {
        return Ok(None);
    };
    let use_recorded_at = match token.last_used_at {
        Some(at) if now < at + USE_RECORDED_EVERY => at,
        _ => {
            diesel::update(api_tokens::table.find(token.id))
                .set(api_tokens::last_used_at.eq(now))
                .execute(conn)?;
            now
        }
    };
    Ok(role.parse().ok().map(|role| TokenOwner {
        user_id: token.user_id,
        role,
        scope: token.scope,
        expires_at: token.expires_at,
        use_recorded_at,
    }))
}

/// The hashes of all tokens created before tokens had a MAC.
pub fn hashes_without_mac(conn: &mut PgConnection) -> QueryResult<Vec<Vec<u8>>> {
    api_tokens::table
        .filter(api_tokens::has_mac.eq(false))
        .select(api_tokens::token_hash)
        .load(conn)
}
