//! The log, read by key: the cost of a page does not depend on the number of attempts.

use std::error::Error;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Text;
use smtp::disposition::Outcome;

use super::all_owners;
use super::model::{Attempt, AttemptCursor, AttemptQuery, RecipientRef};
use crate::accounts::identity::UserRef;
use crate::core::db::schema::{attempts, deliveries, runs, users};
use crate::core::owners::Owners;

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = attempts)]
pub(super) struct AttemptRow {
    at: DateTime<Utc>,
    owner_id: i64,
    mailing_id: i64,
    run_id: i64,
    recipient_id: i64,
    attempt_no: i16,
    outcome: String,
    stage: String,
    smtp_code: Option<i16>,
    enhanced_code: Option<String>,
    response: String,
    duration_ms: i32,
}

/// An attempt with the addresses of its recipient and owner.
#[derive(Queryable, QueryableByName)]
pub(super) struct AttemptWithRecipient {
    #[diesel(embed)]
    attempt: AttemptRow,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    owner_email: String,
}

/// Attempts of these owners that match the filters, after `place`, newest first; up to one more than the limit.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &AttemptQuery,
    place: Option<AttemptCursor>,
) -> QueryResult<Vec<Attempt>> {
    let owner_id = match owners {
        Owners::One(id) => Some(id),
        Owners::All if query.is_about_one_owner() => owner_asked_about(conn, query)?,
        Owners::All => {
            let found = all_owners::list(conn, query, place)?;
            return found.into_iter().map(AttemptWithRecipient::view).collect();
        }
    };
    let found = match owner_id {
        Some(id) => of_one(conn, id, query, place)?,
        None => Vec::new(),
    };
    found.into_iter().map(AttemptWithRecipient::view).collect()
}

/// The owner of the run, mailing or recipient in the filters: the log is then read as for that owner.
fn owner_asked_about(conn: &mut PgConnection, query: &AttemptQuery) -> QueryResult<Option<i64>> {
    let mut named = runs::table.select(runs::owner_id).into_boxed();
    if let Some(id) = query.run_id {
        named = named.filter(runs::id.eq(id));
    }
    if let Some(id) = query.mailing_id {
        named = named.filter(runs::mailing_id.eq(id));
    }
    if let Some(id) = query.recipient_id {
        let sent_to = deliveries::table.filter(deliveries::recipient_id.eq(id));
        named = named.filter(runs::id.eq_any(sent_to.select(deliveries::run_id)));
    }
    named.first(conn).optional()
}

fn of_one(
    conn: &mut PgConnection,
    owner_id: i64,
    query: &AttemptQuery,
    place: Option<AttemptCursor>,
) -> QueryResult<Vec<AttemptWithRecipient>> {
    use attempts::{at, attempt_no, mailing_id, outcome, recipient_id, run_id};
    let delivery = deliveries::run_id
        .eq(run_id)
        .and(deliveries::recipient_id.eq(recipient_id));
    let mut rows = attempts::table
        .inner_join(deliveries::table.on(delivery))
        .inner_join(users::table.on(users::id.eq(attempts::owner_id)))
        .filter(attempts::owner_id.eq(owner_id))
        .order((
            at.desc(),
            run_id.desc(),
            recipient_id.desc(),
            attempt_no.desc(),
        ))
        .limit(i64::from(query.limit) + 1)
        .select((AttemptRow::as_select(), deliveries::email, users::email))
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
        // The redundant condition lets PostgreSQL use the small index of unsuccessful attempts.
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
    if let Some(AttemptCursor(last_at, last_run, last_recipient, last_no)) = place {
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
    rows.load(conn)
}

impl AttemptWithRecipient {
    fn view(self) -> QueryResult<Attempt> {
        let Self {
            attempt,
            email,
            owner_email,
        } = self;
        let outcome: Outcome = named(&attempt.outcome)?;
        Ok(Attempt {
            at: attempt.at,
            owner: UserRef {
                id: attempt.owner_id,
                email: owner_email,
            },
            mailing_id: attempt.mailing_id,
            run_id: attempt.run_id,
            recipient: RecipientRef {
                id: attempt.recipient_id,
                email,
            },
            attempt_no: attempt.attempt_no,
            ok: outcome == Outcome::Accepted,
            outcome,
            stage: named(&attempt.stage)?,
            smtp_code: attempt.smtp_code,
            enhanced_code: attempt.enhanced_code,
            response: attempt.response,
            duration_ms: attempt.duration_ms,
        })
    }
}

fn named<T: FromStr<Err: Error + Send + Sync + 'static>>(name: &str) -> QueryResult<T> {
    name.parse()
        .map_err(|error| DieselError::DeserializationError(Box::new(error)))
}
