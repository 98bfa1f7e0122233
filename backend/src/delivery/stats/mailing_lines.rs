//! The attempts of each mailing in a period: sums of its tallies, also of deleted mailings.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use super::model::{AttemptTotals, MailingLine};
use super::period::Period;
use super::query::MailingLineSortKey;
use super::store::owner_id;
use crate::accounts::identity::UserRef;
use crate::core::owners::Owners;
use crate::core::paging::Paging;
use crate::web::list::Sort;

#[derive(QueryableByName)]
struct MailingLineRow {
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
struct MailingCount {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

const OF_PERIOD: &str =
    "FROM tallies WHERE bucket >= $1 AND bucket < $2 AND ($3 IS NULL OR owner_id = $3)";

/// The mailings of these owners that sent something in the period.
#[derive(Debug, Clone, Copy)]
pub struct MailingLines {
    pub owners: Owners,
    pub period: Period,
}

impl MailingLines {
    /// A page and the total.
    pub fn page(
        self,
        conn: &mut PgConnection,
        paging: Paging,
        sort: Sort<MailingLineSortKey>,
    ) -> QueryResult<(Vec<MailingLine>, i64)> {
        let total: MailingCount = diesel::sql_query(format!(
            "SELECT count(DISTINCT mailing_id) AS n {OF_PERIOD}"
        ))
        .bind::<Timestamptz, _>(self.period.from)
        .bind::<Timestamptz, _>(self.period.to)
        .bind::<Nullable<BigInt>, _>(owner_id(self.owners))
        .get_result(conn)?;
        let per_page = i64::from(paging.per_page);
        let slice = LineSlice {
            order: order(sort),
            after: None,
            offset: i64::from(paging.page.saturating_sub(1)) * per_page,
            limit: per_page,
        };
        Ok((self.read(conn, &slice)?, total.n))
    }

    /// Up to `limit` mailings in the order of their ids, after this one.
    pub fn after(
        self,
        conn: &mut PgConnection,
        mailing_id: Option<i64>,
        limit: i64,
    ) -> QueryResult<Vec<MailingLine>> {
        let slice = LineSlice {
            order: "mailing_id".to_owned(),
            after: mailing_id,
            offset: 0,
            limit,
        };
        self.read(conn, &slice)
    }

    fn read(self, conn: &mut PgConnection, slice: &LineSlice) -> QueryResult<Vec<MailingLine>> {
        let order = &slice.order;
        let rows: Vec<MailingLineRow> = diesel::sql_query(format!(
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
    .bind::<Timestamptz, _>(self.period.from)
    .bind::<Timestamptz, _>(self.period.to)
    .bind::<Nullable<BigInt>, _>(owner_id(self.owners))
    .bind::<Nullable<BigInt>, _>(slice.after)
    .bind::<BigInt, _>(slice.offset)
    .bind::<BigInt, _>(slice.limit)
    .load(conn)?;
        Ok(rows.into_iter().map(MailingLineRow::view).collect())
    }
}

/// The rows to read: the SQL order, the mailing to start after, and how many to skip and to return.
struct LineSlice {
    order: String,
    after: Option<i64>,
    offset: i64,
    limit: i64,
}

fn order(sort: Sort<MailingLineSortKey>) -> String {
    let key = match sort.key {
        MailingLineSortKey::Attempts => "attempts",
        MailingLineSortKey::Failed => "attempts - messages_sent",
        MailingLineSortKey::MessagesSent => "messages_sent",
        MailingLineSortKey::Runs => "run_count",
    };
    let direction = if sort.descending { "DESC" } else { "ASC" };
    format!("{key} {direction}, mailing_id {direction}")
}

impl MailingLineRow {
    fn view(self) -> MailingLine {
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
