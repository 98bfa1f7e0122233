//! What a handler does once, however often the same request comes.

use chrono::{DateTime, Utc};
use diesel::{OptionalExtension, PgConnection, QueryResult};

use super::store::{self, NamedError};
use crate::web::error::ApiError;
use crate::web::idempotency::{self, IdempotencyKey};

impl From<NamedError> for ApiError {
    fn from(error: NamedError) -> Self {
        match error {
            NamedError::Reused => Self::invalid_field(
                idempotency::NAME,
                "reused",
                "Another request had this key; give this one its own.",
            ),
            NamedError::Query(error) => error.into(),
        }
    }
}

/// Makes a thing, unless this request of the owner's has made it before, and shows it as it is now. Within a transaction.
pub fn once<T>(
    conn: &mut PgConnection,
    (owner_id, now): (i64, DateTime<Utc>),
    named: Option<&IdempotencyKey>,
    (make, show): (
        impl FnOnce(&mut PgConnection) -> Result<i64, ApiError>,
        impl FnOnce(&mut PgConnection, i64) -> QueryResult<T>,
    ),
) -> Result<T, ApiError> {
    let before = store::made_before(conn, owner_id, named, now)?;
    let id = if let Some(id) = before {
        id
    } else {
        let id = make(conn)?;
        store::made(conn, owner_id, named, id)?;
        id
    };
    show(conn, id).optional()?.ok_or_else(|| {
        ApiError::conflict(
            "already_deleted",
            "What this request made has been deleted since.",
        )
    })
}
