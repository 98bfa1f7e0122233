//! Pauses of mailings in the database. They are not copied to the runs, whose state is derived each time (view
//! `run_holds`), so a mailing is resumed by clearing its columns.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::core::db::schema::mailings;
use crate::delivery::mailings::model::MailingRow;
use crate::delivery::runs::store as runs;

/// The mailing of any owner, locked until the transaction ends: for managers.
pub(in crate::delivery::mailings) fn lock(
    conn: &mut PgConnection,
    id: i64,
) -> QueryResult<MailingRow> {
    mailings::table
        .find(id)
        .select(MailingRow::as_select())
        .for_update()
        .first(conn)
}

/// Pauses the mailing. If it is paused already, the time of the pause is kept.
pub(in crate::delivery::mailings) fn pause(
    conn: &mut PgConnection,
    id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(mailings::table.find(id))
        .filter(mailings::paused_at.is_null())
        .set(mailings::paused_at.eq(now))
        .execute(conn)?;
    Ok(())
}

/// Resumes the mailing, also if the engine has paused its run; `false` if it was not paused.
pub(in crate::delivery::mailings) fn resume(conn: &mut PgConnection, id: i64) -> QueryResult<bool> {
    let paused = diesel::update(mailings::table.find(id))
        .filter(mailings::paused_at.is_not_null())
        .set(mailings::paused_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(runs::resume_of_mailing(conn, id)? || paused > 0)
}

/// Disables the mailing. If it is disabled already, the reason and the manager are replaced.
pub(in crate::delivery::mailings) fn disable(
    conn: &mut PgConnection,
    mailing: &MailingRow,
    manager_id: i64,
    reason: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(mailings::table.find(mailing.id))
        .set((
            mailings::disabled_at.eq(mailing.disabled_at.unwrap_or(now)),
            mailings::disabled_by.eq(manager_id),
            mailings::disabled_reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Enables a disabled mailing.
pub(in crate::delivery::mailings) fn enable(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    diesel::update(mailings::table.find(id))
        .set((
            mailings::disabled_at.eq(None::<DateTime<Utc>>),
            mailings::disabled_by.eq(None::<i64>),
            mailings::disabled_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}
