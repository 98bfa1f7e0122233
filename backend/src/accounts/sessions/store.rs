//! Sessions in the database. The refresh tokens of a session form a family: each can be used once and refers to its parent.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use crate::accounts::callers::store::{MAX_SESSION_LIFETIME, caller_of_session};
use crate::accounts::tokens::secret::{self, SecretToken};
use crate::core::db::schema::{refresh_tokens, sessions};

/// A session ends if it is not used for this long.
pub const LIFETIME_DAYS: i64 = 30;
/// A session and its refresh token.
pub struct OpenedSession {
    pub user_id: i64,
    pub session_id: i64,
    pub token: SecretToken,
}

/// A session that has just been ended.
pub struct EndedSession {
    pub user_id: i64,
    pub session_id: i64,
}

/// A live session.
#[derive(Queryable)]
pub struct LiveSession {
    pub id: i64,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// The result of using a refresh token.
pub enum Rotation {
    Renewed(OpenedSession),
    /// Unknown, expired, or its session has ended.
    Refused,
    /// Two parties used the same token: the session has been ended.
    Reused {
        user_id: i64,
        session_id: i64,
    },
}

/// Opens a session.
pub fn open(
    conn: &mut PgConnection,
    user_id: i64,
    user_agent: &str,
    now: DateTime<Utc>,
) -> QueryResult<OpenedSession> {
    let session_id = diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user_id),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
        ))
        .returning(sessions::id)
        .get_result(conn)?;
    Ok(OpenedSession {
        user_id,
        session_id,
        token: issue(conn, session_id, None, now)?,
    })
}

/// Exchanges a refresh token for its successor.
///
/// A token that is used again gets another successor as long as no successor has been used: two tabs used it at the same
/// time, or the response was lost. Once a successor has been used, its parent and its siblings can only come from another
/// party, and the session is ended. The caller must commit in every case, so that the end of the session is stored.
pub fn rotate(conn: &mut PgConnection, given: &str, now: DateTime<Utc>) -> QueryResult<Rotation> {
    let hash = secret::hash(given);
    let Some(session_id) = session_of_token(conn, &hash)? else {
        return Ok(Rotation::Refused);
    };
    // Serializes the operations on a session; the token is read only under this lock.
    sessions::table
        .find(session_id)
        .select(sessions::id)
        .for_update()
        .first::<i64>(conn)?;
    let (parent_hash, expires_at, used_at) = refresh_tokens::table
        .find(&hash)
        .select((
            refresh_tokens::parent_hash,
            refresh_tokens::expires_at,
            refresh_tokens::used_at,
        ))
        .first::<(Option<Vec<u8>>, DateTime<Utc>, Option<DateTime<Utc>>)>(conn)?;
    let Some(caller) = caller_of_session(conn, session_id, now)?.filter(|_| expires_at > now)
    else {
        return Ok(Rotation::Refused);
    };
    let origin = if used_at.is_some() {
        Some(&hash)
    } else {
        parent_hash.as_ref()
    };
    if let Some(origin) = origin
        && has_used_successor(conn, origin)?
    {
        end(conn, session_id, now)?;
        return Ok(Rotation::Reused {
            user_id: caller.user_id,
            session_id,
        });
    }
    mark_used(conn, session_id, &hash, now)?;
    Ok(Rotation::Renewed(OpenedSession {
        user_id: caller.user_id,
        session_id,
        token: issue(conn, session_id, Some(hash), now)?,
    }))
}

/// Ends the session of a refresh token and returns it; `None` if there is none, or it has already ended.
pub fn end_by_token(
    conn: &mut PgConnection,
    given: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<EndedSession>> {
    let Some(session_id) = session_of_token(conn, &secret::hash(given))? else {
        return Ok(None);
    };
    let user_id = end(conn, session_id, now)?;
    Ok(user_id.map(|user_id| EndedSession {
        user_id,
        session_id,
    }))
}

/// Ends all sessions of a user and returns their ids.
pub fn end_all_of(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    let live = sessions::user_id
        .eq(user_id)
        .and(sessions::revoked_at.is_null());
    diesel::update(sessions::table.filter(live))
        .set(sessions::revoked_at.eq(now))
        .returning(sessions::id)
        .get_results(conn)
}

/// Ends all sessions of a user but one and returns their ids.
pub fn end_others_of(
    conn: &mut PgConnection,
    user_id: i64,
    kept: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<i64>> {
    let others = sessions::user_id
        .eq(user_id)
        .and(sessions::revoked_at.is_null())
        .and(sessions::id.ne(kept));
    diesel::update(sessions::table.filter(others))
        .set(sessions::revoked_at.eq(now))
        .returning(sessions::id)
        .get_results(conn)
}

/// Ends a session of a user and returns its user agent; `None` if the user has no such live session.
pub fn end_one_of(
    conn: &mut PgConnection,
    user_id: i64,
    session_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Option<String>> {
    let live = sessions::user_id
        .eq(user_id)
        .and(sessions::revoked_at.is_null());
    diesel::update(sessions::table.find(session_id))
        .filter(live)
        .set(sessions::revoked_at.eq(now))
        .returning(sessions::user_agent)
        .get_result(conn)
        .optional()
}

/// The live sessions of a user, the most recently used first; at most 100.
pub fn live_of(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<LiveSession>> {
    let (id, last_used_at) = (sessions::id, sessions::last_used_at);
    sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::revoked_at.is_null())
        .filter(last_used_at.gt(now - TimeDelta::days(LIFETIME_DAYS)))
        .filter(sessions::created_at.gt(now - MAX_SESSION_LIFETIME))
        .order((last_used_at.desc(), id.desc()))
        .limit(100)
        .select((id, sessions::user_agent, sessions::created_at, last_used_at))
        .load(conn)
}

/// Ends a session and returns its user; `None` if it has already ended.
fn end(conn: &mut PgConnection, session_id: i64, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    diesel::update(sessions::table.find(session_id))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .returning(sessions::user_id)
        .get_result(conn)
        .optional()
}

fn session_of_token(conn: &mut PgConnection, hash: &[u8]) -> QueryResult<Option<i64>> {
    refresh_tokens::table
        .find(hash)
        .select(refresh_tokens::session_id)
        .first(conn)
        .optional()
}

fn has_used_successor(conn: &mut PgConnection, origin: &[u8]) -> QueryResult<bool> {
    let used = refresh_tokens::table.filter(
        refresh_tokens::parent_hash
            .eq(origin)
            .and(refresh_tokens::used_at.is_not_null()),
    );
    diesel::select(exists(used)).get_result(conn)
}

fn mark_used(
    conn: &mut PgConnection,
    session_id: i64,
    hash: &[u8],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(refresh_tokens::table.find(hash))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(now))
        .execute(conn)?;
    diesel::update(sessions::table.find(session_id))
        .set(sessions::last_used_at.eq(now))
        .execute(conn)?;
    // Expired tokens are rejected anyway.
    diesel::delete(refresh_tokens::table)
        .filter(
            refresh_tokens::session_id
                .eq(session_id)
                .and(refresh_tokens::expires_at.le(now)),
        )
        .execute(conn)?;
    Ok(())
}

fn issue(
    conn: &mut PgConnection,
    session_id: i64,
    parent_hash: Option<Vec<u8>>,
    now: DateTime<Utc>,
) -> QueryResult<SecretToken> {
    let token = SecretToken::random();
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::token_hash.eq(token.hash()),
            refresh_tokens::session_id.eq(session_id),
            refresh_tokens::parent_hash.eq(parent_hash),
            refresh_tokens::issued_at.eq(now),
            refresh_tokens::expires_at.eq(now + TimeDelta::days(LIFETIME_DAYS)),
        ))
        .execute(conn)?;
    Ok(token)
}
