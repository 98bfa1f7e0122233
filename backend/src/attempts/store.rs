//! The log, read by key: its first stretch costs the same with a million attempts as with ten.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::{Attempt, AttemptQuery, Place, RecipientRef};
use crate::db::schema::{attempts, deliveries};
use crate::mail::reply::Stage;
use crate::mail::verdict::Outcome;

#[derive(Queryable, Selectable)]
#[diesel(table_name = attempts)]
struct Row {
    at: DateTime<Utc>,
    mailing_id: i64,
    run_id: i64,
    recipient_id: i64,
    attempt_no: i16,
    #[diesel(deserialize_as = String)]
    outcome: Outcome,
    #[diesel(deserialize_as = String)]
    stage: Stage,
    smtp_code: Option<i16>,
    enhanced_code: Option<String>,
    response: String,
    duration_ms: i32,
}

/// The owner's attempts that pass the filters, after `place`, newest first; one more than asked for, if there is.
pub fn list(
    conn: &mut PgConnection,
    owner_id: i64,
    query: &AttemptQuery,
    place: Option<Place>,
) -> QueryResult<Vec<Attempt>> {
    use attempts::{at, attempt_no, mailing_id, outcome, recipient_id, run_id};
    let delivery = deliveries::run_id
        .eq(run_id)
        .and(deliveries::recipient_id.eq(recipient_id));
    let mut rows = attempts::table
        .inner_join(deliveries::table.on(delivery))
        .filter(attempts::owner_id.eq(owner_id))
        .order((
            at.desc(),
            run_id.desc(),
            recipient_id.desc(),
            attempt_no.desc(),
        ))
        .limit(i64::from(query.limit) + 1)
        .select((Row::as_select(), deliveries::email))
        .into_boxed();
    if let Some(id) = query.mailing_id {
        rows = rows.filter(mailing_id.eq(id));
    }
    if let Some(id) = query.run_id {
        rows = rows.filter(run_id.eq(id));
    }
    if let Some(id) = query.recipient_id {
        // Through the ledger's index on the recipient: the log itself has none, to stay cheap to append to.
        rows = rows.filter(deliveries::recipient_id.eq(id));
    }
    rows = match query.outcome {
        // Said twice so that PostgreSQL sees that the small index of the troubled ones will do.
        Some(wanted) if wanted != Outcome::Accepted => {
            rows.filter(outcome.eq(wanted.as_str()).and(outcome.ne("accepted")))
        }
        Some(wanted) => rows.filter(outcome.eq(wanted.as_str())),
        None => rows,
    };
    if let Some(from) = query.from {
        rows = rows.filter(at.ge(from));
    }
    if let Some(to) = query.to {
        rows = rows.filter(at.lt(to));
    }
    if let Some(Place(last_at, last_run, last_recipient, last_no)) = place {
        let same_moment = at.eq(last_at);
        let before_in_run = run_id.eq(last_run).and(
            recipient_id
                .lt(last_recipient)
                .or(recipient_id.eq(last_recipient).and(attempt_no.lt(last_no))),
        );
        rows = rows.filter(at.le(last_at)).filter(
            at.lt(last_at)
                .or(same_moment.and(run_id.lt(last_run).or(before_in_run))),
        );
    }
    let found: Vec<(Row, String)> = rows.load(conn)?;
    Ok(found
        .into_iter()
        .map(|(row, email)| row.sent_to(email))
        .collect())
}

impl Row {
    fn sent_to(self, email: String) -> Attempt {
        Attempt {
            at: self.at,
            mailing_id: self.mailing_id,
            run_id: self.run_id,
            recipient: RecipientRef {
                id: self.recipient_id,
                email,
            },
            attempt_no: self.attempt_no,
            ok: self.outcome == Outcome::Accepted,
            outcome: self.outcome,
            stage: self.stage,
            smtp_code: self.smtp_code,
            enhanced_code: self.enhanced_code,
            response: self.response,
            duration_ms: self.duration_ms,
        }
    }
}
