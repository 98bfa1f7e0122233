//! What each mailing has done in a period: sums of its tallies, also when the mailing is gone.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use super::asked::MailingLineSort;
use super::model::{AttemptTotals, MailingLine};
use super::period::Period;
use super::store::owner_id;
use crate::accounts::identity::UserRef;
use crate::core::owners::Owners;
use crate::web::page::Paging;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    mailing_id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = Text)]
    owner_email: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Bool)]
    deleted: bool,
    #[diesel(sql_type = BigInt)]
    runs: i64,
    #[diesel(sql_type = BigInt)]
    recipients: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = BigInt)]
    messages_sent: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

const OF_PERIOD: &str =
    "FROM tallies WHERE bucket >= $1 AND bucket < $2 AND ($3 IS NULL OR owner_id = $3)";

/// One page of these owners' mailings that sent something in the period, and the number of all.
pub fn page(
    conn: &mut PgConnection,
    owners: Owners,
    period: Period,
    (paging, sort): (Paging, MailingLineSort),
) -> QueryResult<(Vec<MailingLine>, i64)> {
    let total: Count = diesel::sql_query(format!(
        "SELECT count(DISTINCT mailing_id) AS n {OF_PERIOD}"
    ))
    .bind::<Timestamptz, _>(period.from)
    .bind::<Timestamptz, _>(period.to)
    .bind::<Nullable<BigInt>, _>(owner_id(owners))
    .get_result(conn)?;
    let skipped = i64::from(paging.page.saturating_sub(1)) * i64::from(paging.per_page);
    let window = (skipped, i64::from(paging.per_page));
    let lines = lines(conn, owners, period, (order(sort), None, window))?;
    Ok((lines, total.n))
}

/// At most so many of them, in the order of their ids, after this one.
pub fn after(
    conn: &mut PgConnection,
    owners: Owners,
    period: Period,
    (mailing_id, limit): (Option<i64>, i64),
) -> QueryResult<Vec<MailingLine>> {
    lines(conn, owners, period, ("mailing_id", mailing_id, (0, limit)))
}

const fn order(sort: MailingLineSort) -> &'static str {
    use MailingLineSort as By;
    match sort {
        By::FewestAttempts => "attempts, mailing_id",
        By::MostAttempts => "attempts DESC, mailing_id DESC",
        By::FewestFailed => "attempts - messages_sent, mailing_id",
        By::MostFailed => "attempts - messages_sent DESC, mailing_id DESC",
        By::FewestSent => "messages_sent, mailing_id",
        By::MostSent => "messages_sent DESC, mailing_id DESC",
        By::FewestRuns => "run_count, mailing_id",
        By::MostRuns => "run_count DESC, mailing_id DESC",
    }
}

/// An order, the mailing to begin after, how many to leave out and how many to give.
type Which = (&'static str, Option<i64>, (i64, i64));

fn lines(
    conn: &mut PgConnection,
    owners: Owners,
    period: Period,
    (order, after, (skipped, limit)): Which,
) -> QueryResult<Vec<MailingLine>> {
    let rows: Vec<Row> = diesel::sql_query(format!(
        "WITH summed AS (
             SELECT mailing_id, owner_id, max(run_id) AS last_run_id, count(DISTINCT run_id) AS run_count,
                    sum(attempts)::bigint AS attempts,
                    coalesce(sum(attempts) FILTER (WHERE outcome = 'accepted'), 0)::bigint AS messages_sent
             {OF_PERIOD} AND ($4 IS NULL OR mailing_id > $4)
             GROUP BY mailing_id, owner_id),
         listed AS (SELECT * FROM summed ORDER BY {order} OFFSET $5 LIMIT $6)
         SELECT mailing_id, listed.owner_id, users.email AS owner_email, runs.subject, run_count AS runs, attempts, messages_sent,
                mailings.id IS NULL AS deleted,
                coalesce(recipients_count, (SELECT sum(pending + deferred + accepted + rejected + uncertain + expired + skipped)
                                            FROM chunks WHERE run_id = last_run_id), 0)::bigint AS recipients
         FROM listed
         JOIN users ON users.id = listed.owner_id
         JOIN (SELECT id, subject FROM runs) AS runs ON runs.id = last_run_id
         LEFT JOIN (SELECT id, recipients_count FROM mailings) AS mailings ON mailings.id = mailing_id
         ORDER BY {order}"
    ))
    .bind::<Timestamptz, _>(period.from)
    .bind::<Timestamptz, _>(period.to)
    .bind::<Nullable<BigInt>, _>(owner_id(owners))
    .bind::<Nullable<BigInt>, _>(after)
    .bind::<BigInt, _>(skipped)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    Ok(rows.into_iter().map(Row::told).collect())
}

impl Row {
    fn told(self) -> MailingLine {
        MailingLine {
            mailing_id: self.mailing_id,
            subject: self.subject,
            owner: UserRef {
                id: self.owner_id,
                email: self.owner_email,
            },
            deleted: self.deleted,
            runs: self.runs,
            recipients: self.recipients,
            attempts: AttemptTotals {
                total: self.attempts,
                ok: self.messages_sent,
                failed: self.attempts - self.messages_sent,
            },
            messages_sent: self.messages_sent,
        }
    }
}
