//! Named requests in the database. The name is taken in the transaction that makes the thing: both are there, or neither.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;

use crate::core::db::schema::idempotency_keys::{
    self, created_at, key, owner_id, request, thing_id,
};
use crate::web::idempotency::IdempotencyKey;

/// How long a name stands for what it made.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// Why a named request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum NamedError {
    #[error("another request has this name")]
    Reused,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// What the request has made before; `None` when it is to be carried out now, by this transaction, which then calls [`made`].
/// Waits for another transaction that is just carrying it out.
pub fn made_before(
    conn: &mut PgConnection,
    owner: i64,
    named: Option<&IdempotencyKey>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, NamedError> {
    let Some(named) = named else {
        return Ok(None);
    };
    let taken = diesel::insert_into(idempotency_keys::table)
        .values((
            owner_id.eq(owner),
            key.eq(&named.key),
            request.eq(&named.request),
            created_at.eq(now),
        ))
        .on_conflict((owner_id, key))
        .do_update()
        .set((
            request.eq(excluded(request)),
            thing_id.eq(None::<i64>),
            created_at.eq(excluded(created_at)),
        ))
        .filter(created_at.le(now - KEPT))
        .execute(conn)?;
    if taken > 0 {
        return Ok(None);
    }
    let (asked, made): (Vec<u8>, Option<i64>) = idempotency_keys::table
        .find((owner, &named.key))
        .select((request, thing_id))
        .first(conn)?;
    if asked == named.request {
        Ok(made)
    } else {
        Err(NamedError::Reused)
    }
}

/// Notes what the request has made.
pub fn made(
    conn: &mut PgConnection,
    owner: i64,
    named: Option<&IdempotencyKey>,
    id: i64,
) -> QueryResult<()> {
    let Some(named) = named else {
        return Ok(());
    };
    diesel::update(idempotency_keys::table.find((owner, &named.key)))
        .set(thing_id.eq(id))
        .execute(conn)?;
    Ok(())
}
