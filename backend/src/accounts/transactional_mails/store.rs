//! The queue of transactional mails in the database. `next_attempt_at` is the time at which a mail is due; while a worker
//! has claimed the mail, it is the end of the lease, so that no transaction is open during the SMTP session.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz};

use super::model::{DueMail, MailKind, MailUser};
use crate::core::db::schema::{account_mails, users};
use crate::core::email_address::EmailAddress;

/// Queues a mail to the address of the user, unless one of this kind is already queued. The caller has locked the user.
pub fn queue(
    conn: &mut PgConnection,
    user_id: i64,
    kind: MailKind,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let email: String = users::table
        .find(user_id)
        .select(users::email)
        .first(conn)?;
    queue_to(conn, user_id, kind, &email, now)
}

/// Queues a mail to the user with this address: a link to confirm it if it is unconfirmed, else a link to set a new
/// password. A single statement with an asynchronous commit, so that it takes the same time whether or not the
/// address is registered. The mail goes to the address as its owner wrote it, not as it was entered now, because the
/// local part may be case-sensitive. Must be called in its own transaction.
pub fn queue_for(
    conn: &mut PgConnection,
    kind: MailKind,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::sql_query("SET LOCAL synchronous_commit = off").execute(conn)?;
    diesel::sql_query(
        "INSERT INTO account_mails (user_id, kind, to_email, next_attempt_at, created_at)
         SELECT id, $2, email, $3, $3 FROM users
         WHERE lower(email) = $1
           AND ($2 <> 'confirm' OR confirmed_at IS NULL)
           AND NOT EXISTS (SELECT FROM account_mails AS waiting
                           WHERE waiting.user_id = users.id AND waiting.kind = $2
                             AND waiting.next_attempt_at IS NOT NULL)",
    )
    .bind::<Text, _>(email.key())
    .bind::<Text, _>(kind.as_str())
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    Ok(())
}

/// Queues a mail to another address on behalf of the user.
pub fn queue_to(
    conn: &mut PgConnection,
    user_id: i64,
    kind: MailKind,
    to_email: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let waiting = account_mails::table.filter(
        account_mails::user_id
            .eq(user_id)
            .and(account_mails::kind.eq(kind.as_str()))
            .and(account_mails::to_email.eq(to_email))
            .and(account_mails::next_attempt_at.is_not_null()),
    );
    if diesel::select(exists(waiting)).get_result(conn)? {
        return Ok(());
    }
    diesel::insert_into(account_mails::table)
        .values((
            account_mails::user_id.eq(user_id),
            account_mails::kind.eq(kind.as_str()),
            account_mails::to_email.eq(to_email),
            account_mails::next_attempt_at.eq(now),
            account_mails::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Claims the mail that has been due longest for the duration of the lease; `None` if nothing is due.
pub fn claim(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    lease: TimeDelta,
) -> QueryResult<Option<DueMail>> {
    let due: Option<i64> = account_mails::table
        .filter(account_mails::next_attempt_at.le(now))
        // Mails that users wait for are sent before tests of messages.
        .order((
            account_mails::kind.eq(MailKind::Test.as_str()).asc(),
            account_mails::next_attempt_at.asc(),
            account_mails::id.asc(),
        ))
        .select(account_mails::id)
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some(id) = due else { return Ok(None) };
    diesel::update(account_mails::table.find(id))
        .set((
            account_mails::attempts.eq(account_mails::attempts + 1),
            account_mails::next_attempt_at.eq(now + lease),
        ))
        .returning(DueMail::as_returning())
        .get_result(conn)
        .map(Some)
}

/// The user to whom mails are sent.
pub fn mail_user(conn: &mut PgConnection, user_id: i64) -> QueryResult<MailUser> {
    users::table
        .find(user_id)
        .select(MailUser::as_select())
        .first(conn)
}

/// Records that the mail has been accepted.
pub fn record_sent(
    conn: &mut PgConnection,
    mail: &DueMail,
    response: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let sent = (
        account_mails::sent_at.eq(now),
        account_mails::next_attempt_at.eq(None::<DateTime<Utc>>),
        account_mails::last_response.eq(response),
    );
    diesel::update(claimed(mail)).set(sent).execute(conn)?;
    Ok(())
}

/// Records a failed attempt; the next one is at `next`, or there is none.
pub fn record_failure(
    conn: &mut PgConnection,
    mail: &DueMail,
    response: &str,
    next: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    let failed = (
        account_mails::next_attempt_at.eq(next),
        account_mails::last_response.eq(response),
    );
    diesel::update(claimed(mail)).set(failed).execute(conn)?;
    Ok(())
}

/// The row of the mail, unless the lease has expired and another worker has claimed it.
#[diesel::dsl::auto_type(no_type_alias)]
fn claimed(mail: &DueMail) -> _ {
    let (id, attempts): (i64, i32) = (mail.id, mail.attempts);
    account_mails::table.filter(
        account_mails::id
            .eq(id)
            .and(account_mails::attempts.eq(attempts)),
    )
}
