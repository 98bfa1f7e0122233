//! Sessions in the database. A session's refresh tokens form a family; each is used once and names its parent.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::caller::{Caller, Means};
use super::policy::Role;
use super::token::{self, Secret};
use crate::core::db::schema::{refresh_tokens, sessions, users};

/// A session that is not used for this long ends.
pub const LIFETIME_DAYS: i64 = 30;
/// Maximum lifetime of a session, however often it is refreshed.
pub const MAX_LIFETIME: TimeDelta = TimeDelta::days(90);

/// A session, and the token that continues it.
pub struct Opened {
    pub user_id: i64,
    pub session_id: i64,
    pub token: Secret,
}

/// A live session as its user sees it.
#[derive(Queryable)]
pub struct Live {
    pub id: i64,
    pub user_agent: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// What came of a refresh token.
pub enum Rotation {
    Renewed(Opened),
    /// Unknown, expired, or its session has ended.
    Refused,
    /// Two parties go on from the same token: the session has been ended.
    Stolen {
        user_id: i64,
        session_id: i64,
    },
}

/// Who a live session belongs to; `None` when it has ended or its user is blocked or unconfirmed.
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
                .and(sessions::created_at.gt(now - MAX_LIFETIME)),
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
            means: Means::Session(session_id),
        })
    }))
}

/// Begins a session.
pub fn open(
    conn: &mut PgConnection,
    user_id: i64,
    user_agent: &str,
    now: DateTime<Utc>,
) -> QueryResult<Opened> {
    let session_id = diesel::insert_into(sessions::table)
        .values((
            sessions::user_id.eq(user_id),
            sessions::user_agent.eq(user_agent),
            sessions::created_at.eq(now),
            sessions::last_used_at.eq(now),
        ))
        .returning(sessions::id)
        .get_result(conn)?;
    Ok(Opened {
        user_id,
        session_id,
        token: issue(conn, session_id, None, now)?,
    })
}

/// Exchanges a refresh token for its successor.
///
/// A token that comes a second time is met with another successor as long as none of them has been used: two tabs asked
/// at once, or the answer was lost. Once a successor has been used, whoever still shows its parent or its sibling is not
/// the one who used it. The caller commits in every case: the end of a stolen session is to last.
pub fn rotate(conn: &mut PgConnection, given: &str, now: DateTime<Utc>) -> QueryResult<Rotation> {
    let hash = token::hash(given);
    let Some(session_id) = session_behind(conn, &hash)? else {
        return Ok(Rotation::Refused);
    };
    // Everything about one session happens one after another; the token is read only under this lock.
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
        return Ok(Rotation::Stolen {
            user_id: caller.user_id,
            session_id,
        });
    }
    mark_used(conn, session_id, &hash, now)?;
    Ok(Rotation::Renewed(Opened {
        user_id: caller.user_id,
        session_id,
        token: issue(conn, session_id, Some(hash), now)?,
    }))
}

/// Ends the session that a refresh token belongs to; names its user and it. `None` when there is none, or it has ended.
pub fn end_by_token(
    conn: &mut PgConnection,
    given: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<(i64, i64)>> {
    let Some(session_id) = session_behind(conn, &token::hash(given))? else {
        return Ok(None);
    };
    let user_id = end(conn, session_id, now)?;
    Ok(user_id.map(|user_id| (user_id, session_id)))
}

/// Ends every session of a user, and names them.
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

/// Ends every session of a user but one, and names them.
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

/// Ends one session of a user and gives the browser it was in; `None` when they have no such session, or not any more.
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

/// The sessions that can still be continued, the one used last first; a hundred at most.
pub fn live_of(
    conn: &mut PgConnection,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Live>> {
    let (id, last_used_at) = (sessions::id, sessions::last_used_at);
    sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::revoked_at.is_null())
        .filter(last_used_at.gt(now - TimeDelta::days(LIFETIME_DAYS)))
        .filter(sessions::created_at.gt(now - MAX_LIFETIME))
        .order((last_used_at.desc(), id.desc()))
        .limit(100)
        .select((id, sessions::user_agent, sessions::created_at, last_used_at))
        .load(conn)
}

/// Ends a session and names its user; `None` when it has ended already.
fn end(conn: &mut PgConnection, session_id: i64, now: DateTime<Utc>) -> QueryResult<Option<i64>> {
    diesel::update(sessions::table.find(session_id))
        .filter(sessions::revoked_at.is_null())
        .set(sessions::revoked_at.eq(now))
        .returning(sessions::user_id)
        .get_result(conn)
        .optional()
}

fn session_behind(conn: &mut PgConnection, hash: &[u8]) -> QueryResult<Option<i64>> {
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
    // Those that have expired give nothing away any more.
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
) -> QueryResult<Secret> {
    let token = Secret::random();
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
