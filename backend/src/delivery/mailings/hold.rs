//! What people do to keep a mailing from being sent, in the database. Nothing is copied into its runs: whether they may
//! be sent is asked anew each time (`run_holds`), so a mailing is let go by forgetting who held it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::model::MailingRow;
use crate::core::db::schema::mailings;
use crate::delivery::runs::store as runs;

/// The mailing, whoever owns it, locked until the transaction ends: for those who oversee.
pub fn lock(conn: &mut PgConnection, id: i64) -> QueryResult<MailingRow> {
    mailings::table
        .find(id)
        .select(MailingRow::as_select())
        .for_update()
        .first(conn)
}

/// Its owner pauses it; one that is paused already keeps its moment.
pub fn pause(conn: &mut PgConnection, id: i64, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(mailings::table.find(id))
        .filter(mailings::paused_at.is_null())
        .set(mailings::paused_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Its owner lets it go on, also where the engine has paused its run; `false` when nothing kept it.
pub fn resume(conn: &mut PgConnection, id: i64) -> QueryResult<bool> {
    let paused = diesel::update(mailings::table.find(id))
        .filter(mailings::paused_at.is_not_null())
        .set(mailings::paused_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(runs::resume_of_mailing(conn, id)? || paused > 0)
}

/// A manager disables it. Of one that is disabled already the new reason counts, and who gave it.
pub fn disable(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    (by, reason): (i64, &str),
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(mailings::table.find(mailing.id))
        .set((
            mailings::disabled_at.eq(mailing.disabled_at.unwrap_or(now)),
            mailings::disabled_by.eq(by),
            mailings::disabled_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// A manager lets it go on.
pub fn enable(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    diesel::update(mailings::table.find(id))
        .set((
            mailings::disabled_at.eq(None::<DateTime<Utc>>),
            mailings::disabled_by.eq(None::<i64>),
            mailings::disabled_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}
