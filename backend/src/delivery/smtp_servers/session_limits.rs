//! Session limits of users' servers below the configured number, as shown to their owners.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::db::schema::mail_servers;

/// Fewer sessions than configured, because the server refused further connections.
#[derive(Debug, Clone, Serialize, ToSchema, Queryable)]
pub struct SmtpSessionLimit {
    #[schema(example = 1, minimum = 1)]
    pub sessions: i32,
    pub since: DateTime<Utc>,
    /// The server's response to the refused connection.
    #[schema(example = "greeting: refused by the server: 421 4.7.0 too many connections")]
    pub response: String,
}

/// The limits of those of these servers that have one.
pub(super) fn of_servers(
    conn: &mut PgConnection,
    ids: &[i64],
) -> QueryResult<HashMap<i64, SmtpSessionLimit>> {
    use mail_servers::{
        session_limit, session_limit_changed_at, session_limit_response, smtp_server_id,
    };
    let limits: Vec<(i64, SmtpSessionLimit)> = mail_servers::table
        .filter(smtp_server_id.eq_any(ids))
        .filter(session_limit.is_not_null())
        .select((
            smtp_server_id.assume_not_null(),
            (
                session_limit.assume_not_null(),
                session_limit_changed_at.assume_not_null(),
                session_limit_response.assume_not_null(),
            ),
        ))
        .load(conn)?;
    Ok(limits.into_iter().collect())
}
