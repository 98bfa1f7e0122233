//! How long attempts take, by the recipient's domain: looked up among the newest of the log, so the work is bounded.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::model::Domain;
use super::period::Period;
use super::store::owner_id;
use crate::core::owners::Owners;

/// Number of attempts sampled.
const SAMPLE: i64 = 10_000;
/// For all owners, attempts of those who sent last are sampled in equal parts: the log has no index on the time alone.
const LAST_OWNERS: i64 = 10;
/// Maximum number of domains returned.
const MAX_DOMAINS: i64 = 10;

#[derive(QueryableByName)]
struct DomainRow {
    #[diesel(sql_type = Text)]
    domain: String,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
}

/// The slowest domains of these owners' newest attempts in the period.
pub fn slowest(
    conn: &mut PgConnection,
    owners: Owners,
    period: Period,
) -> QueryResult<Vec<Domain>> {
    let rows: Vec<DomainRow> = diesel::sql_query(
        "WITH owners AS MATERIALIZED (
             SELECT owner_id AS id FROM tallies
             WHERE bucket >= $1 AND bucket < $2 AND ($3 IS NULL OR owner_id = $3)
             GROUP BY owner_id ORDER BY max(bucket) DESC, owner_id LIMIT $4)
         SELECT lower(split_part(email, '@', -1)) AS domain, count(*) AS attempts,
                count(*) FILTER (WHERE outcome <> 'accepted') AS failed, round(avg(duration_ms))::bigint AS duration_ms
         FROM owners
         CROSS JOIN LATERAL (
             SELECT run_id, recipient_id, outcome, duration_ms FROM attempts
             WHERE owner_id = owners.id AND at >= $1 AND at < $2
             ORDER BY at DESC LIMIT $5 / (SELECT count(*) FROM owners)) AS newest
         JOIN deliveries USING (run_id, recipient_id)
         GROUP BY 1 ORDER BY avg(duration_ms) DESC, 1 LIMIT $6",
    )
    .bind::<Timestamptz, _>(period.from)
    .bind::<Timestamptz, _>(period.to)
    .bind::<Nullable<BigInt>, _>(owner_id(owners))
    .bind::<BigInt, _>(LAST_OWNERS)
    .bind::<BigInt, _>(SAMPLE)
    .bind::<BigInt, _>(MAX_DOMAINS)
    .load(conn)?;
    Ok(rows.into_iter().map(DomainRow::view).collect())
}

impl DomainRow {
    fn view(self) -> Domain {
        Domain {
            domain: self.domain,
            attempts: self.attempts,
            failed: self.failed,
            duration_ms: self.duration_ms,
        }
    }
}
