//! Creating a resource at most once, even if the request is repeated.

use chrono::{DateTime, Utc};
use diesel::{OptionalExtension, PgConnection, QueryResult};

use super::store::{self, IdempotencyError};
use crate::web::error::ApiError;
use crate::web::idempotency::{self, IdempotencyKey};

impl From<IdempotencyError> for ApiError {
    fn from(error: IdempotencyError) -> Self {
        match error {
            IdempotencyError::Reused => Self::invalid_field(
                idempotency::NAME,
                "reused",
                "The key belongs to another request.",
            ),
            IdempotencyError::Query(error) => error.into(),
        }
    }
}

/// A request that may have been executed before.
#[derive(Debug)]
pub struct KeyedRequest {
    pub owner_id: i64,
    /// Without a key, the request is executed.
    pub key: Option<IdempotencyKey>,
    pub now: DateTime<Utc>,
}

/// Creates a resource, unless this request has already created it, and returns its current state. `create` returns the id.
/// Must be called in a transaction.
pub fn idempotent<T>(
    conn: &mut PgConnection,
    request: KeyedRequest,
    create: impl FnOnce(&mut PgConnection) -> Result<i64, ApiError>,
    find: impl FnOnce(&mut PgConnection, i64) -> QueryResult<T>,
) -> Result<T, ApiError> {
    let KeyedRequest { owner_id, key, now } = request;
    let key = key.as_ref();
    let id = if let Some(id) = store::claim(conn, owner_id, key, now)? {
        id
    } else {
        let id = create(conn)?;
        store::record(conn, owner_id, key, id)?;
        id
    };
    find(conn, id).optional()?.ok_or_else(|| {
        ApiError::conflict(
            "already_deleted",
            "What this request created has been deleted.",
        )
    })
}
