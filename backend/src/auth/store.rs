//! Sessions in the database.

use diesel::prelude::*;

use super::caller::Caller;
use super::policy::Role;
use crate::db::schema::{sessions, users};

/// Who a live session belongs to; `None` when it has ended or its user is blocked or unconfirmed.
pub fn caller_of_session(conn: &mut PgConnection, session_id: i64) -> QueryResult<Option<Caller>> {
    let row: Option<(i64, String)> = sessions::table
        .inner_join(users::table)
        .filter(
            sessions::id
                .eq(session_id)
                .and(sessions::revoked_at.is_null()),
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
            session_id,
            role: Role::from_name(&role)?,
        })
    }))
}
