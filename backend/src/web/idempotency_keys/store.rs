//! Idempotency keys in the database. A key is stored in the transaction that creates the resource: both are stored or neither.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;

use crate::core::db::schema::idempotency_keys::{
    self, created_at, key, owner_id, request, thing_id,
};
use crate::web::idempotency::IdempotencyKey;

/// How long a key is stored.
const KEY_TTL: TimeDelta = TimeDelta::hours(24);

/// Why a request with a key is not executed.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error("the key belongs to another request")]
    Reused,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// The id of what the request has created before; `None` if this transaction must execute the request and then call
/// [`record`]. Waits for another transaction that is executing it.
pub fn claim(
    conn: &mut PgConnection,
    owner: i64,
    keyed: Option<&IdempotencyKey>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, IdempotencyError> {
    let Some(keyed) = keyed else {
        return Ok(None);
    };
    let claimed = diesel::insert_into(idempotency_keys::table)
        .values((
            owner_id.eq(owner),
            key.eq(&keyed.key),
            request.eq(&keyed.request),
            created_at.eq(now),
        ))
        .on_conflict((owner_id, key))
        .do_update()
        .set((
            request.eq(excluded(request)),
            thing_id.eq(None::<i64>),
            created_at.eq(excluded(created_at)),
        ))
        .filter(created_at.le(now - KEY_TTL))
        .execute(conn)?;
    if claimed > 0 {
        return Ok(None);
    }
    let (stored_request, created_id): (Vec<u8>, Option<i64>) = idempotency_keys::table
        .find((owner, &keyed.key))
        .select((request, thing_id))
        .first(conn)?;
    if stored_request == keyed.request {
        Ok(created_id)
    } else {
        Err(IdempotencyError::Reused)
    }
}

/// Records what the request has created.
pub fn record(
    conn: &mut PgConnection,
    owner: i64,
    keyed: Option<&IdempotencyKey>,
    id: i64,
) -> QueryResult<()> {
    let Some(keyed) = keyed else {
        return Ok(());
    };
    diesel::update(idempotency_keys::table.find((owner, &keyed.key)))
        .set(thing_id.eq(id))
        .execute(conn)?;
    Ok(())
}
