//! The log of all owners. An index on the time alone would cost every attempt an entry; the newest attempts of all owners
//! are among the newest of each owner, which the index by owner finds.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Timestamptz};
use smtp::disposition::Outcome;

use super::model::{AttemptCursor, AttemptQuery};
use super::store::AttemptWithRecipient;

const NEWEST_FIRST: &str = "ORDER BY at DESC, run_id DESC, recipient_id DESC, attempt_no DESC";

/// Said of the attempts with trouble, so that PostgreSQL sees that the small index of these will do.
const TROUBLE: &str = "AND outcome <> 'accepted'";

/// Attempts of all owners that match the filters, after `place`, newest first; up to one more than the limit.
pub(super) fn list(
    conn: &mut PgConnection,
    query: &AttemptQuery,
    place: Option<AttemptCursor>,
) -> QueryResult<Vec<AttemptWithRecipient>> {
    let trouble = match query.outcome {
        None | Some(Outcome::Accepted) => "",
        Some(_) => TROUBLE,
    };
    // Never kept under a name, the statement is planned for its values each time: filters that are not set vanish.
    let of_owner = format!(
        "FROM attempts WHERE owner_id = owners.id {trouble}
           AND ($2 IS NULL OR outcome = $2) AND ($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4)
           AND ($5 IS NULL OR (at <= $5 AND (at, run_id, recipient_id, attempt_no) < ($5, $6, $7, $8)))
         {NEWEST_FIRST}"
    );
    // So many attempts belong to at most as many owners: those whose own newest are the newest.
    diesel::sql_query(format!(
        "WITH latest AS (
             SELECT owners.id, owners.email
             FROM users AS owners CROSS JOIN LATERAL (
                 SELECT at, run_id, recipient_id, attempt_no {of_owner} LIMIT 1) AS newest
             {NEWEST_FIRST} LIMIT $1)
         SELECT found.*, deliveries.email
         FROM (SELECT newest.*, owners.email AS owner_email
               FROM latest AS owners CROSS JOIN LATERAL (SELECT * {of_owner} LIMIT $1) AS newest
               {NEWEST_FIRST} LIMIT $1) AS found
         JOIN deliveries ON deliveries.run_id = found.run_id AND deliveries.recipient_id = found.recipient_id
         {NEWEST_FIRST}"
    ))
    .bind::<BigInt, _>(i64::from(query.limit) + 1)
    .bind::<Nullable<Text>, _>(query.outcome.map(Outcome::as_str))
    .bind::<Nullable<Timestamptz>, _>(query.from)
    .bind::<Nullable<Timestamptz>, _>(query.to)
    .bind::<Nullable<Timestamptz>, _>(place.map(|place| place.0))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.1))
    .bind::<Nullable<BigInt>, _>(place.map(|place| place.2))
    .bind::<Nullable<SmallInt>, _>(place.map(|place| place.3))
    .load(conn)
}
