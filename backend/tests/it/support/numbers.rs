//! The numbers behind the API: counts of the log.

use diesel::prelude::*;
use diesel::sql_types::Text;

#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = Text)]
    told: String,
}

/// A quarter of an hour's attempts, counted one by one.
const COUNTED: &str = "SELECT run_id, date_bin('15 minutes', at, '2000-01-01Z') AS bucket, outcome, owner_id, mailing_id,
    count(*) AS attempts FROM attempts GROUP BY 1, 2, 3, 4, 5";
const TALLIED: &str = "SELECT run_id, bucket, outcome, owner_id, mailing_id, attempts FROM tallies";

/// Fails unless what is summed up is what the log has.
#[track_caller]
pub(crate) fn assert_tallied(conn: &mut PgConnection) {
    let differences: Vec<Difference> = diesel::sql_query(format!(
        "SELECT 'counted ' || c::text AS told FROM ({COUNTED} EXCEPT {TALLIED}) c
         UNION ALL SELECT 'tallied ' || t::text FROM ({TALLIED} EXCEPT {COUNTED}) t"
    ))
    .load(conn)
    .unwrap();
    let told: Vec<_> = differences.into_iter().map(|one| one.told).collect();
    assert!(told.is_empty(), "{told:#?}");
}
