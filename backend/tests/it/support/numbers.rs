//! The numbers behind the API: counts of the log, and files of rows.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::answer::Answer;
use super::app::TestApp;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

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

impl TestApp {
    /// How many attempts of the log this condition is true of.
    pub(crate) fn attempts_where(&self, condition: &str) -> i64 {
        let count: Count = diesel::sql_query(format!(
            "SELECT count(*) AS n FROM attempts WHERE {condition}"
        ))
        .get_result(&mut self.sql())
        .unwrap();
        count.n
    }

    /// Copies the only attempt there is, so that there is one more at each of these moments.
    pub(crate) fn attempts_at(&self, moments: &[&str]) {
        for (n, moment) in moments.iter().enumerate() {
            diesel::sql_query(
                "INSERT INTO attempts (run_id, recipient_id, attempt_no, owner_id, mailing_id, at, outcome, stage,
                                       smtp_code, enhanced_code, response, duration_ms, worker)
                 SELECT run_id, recipient_id, $1 + 2, owner_id, mailing_id, $2, outcome, stage,
                        smtp_code, enhanced_code, response, duration_ms, worker
                 FROM attempts WHERE attempt_no = 1",
            )
            .bind::<BigInt, _>(i64::try_from(n).unwrap())
            .bind::<Timestamptz, _>(super::sending::at(moment))
            .execute(&mut self.sql())
            .unwrap();
        }
    }
}

impl Answer {
    /// The rows of a file, the columns' names first.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Vec<String>> {
        assert_eq!(
            (self.status, self.header("content-type")),
            (200, "text/csv; charset=utf-8"),
            "{}",
            self.body
        );
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(self.bytes.as_slice());
        reader.deserialize().map(Result::unwrap).collect()
    }

    /// The sum of a column of numbers.
    #[track_caller]
    pub(crate) fn sum_of(&self, column: &str) -> i64 {
        let rows = self.rows();
        let place = rows[0].iter().position(|name| name == column).unwrap();
        rows[1..]
            .iter()
            .map(|row| row[place].parse::<i64>().unwrap())
            .sum()
    }
}
