//! What is noted of accounts and sessions in the journal of events. Passwords and tokens never are.

use diesel::prelude::*;

use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::{record, record_about_account};
use crate::core::db::schema::users;
use crate::core::email_address::EmailAddress;

/// Notes what users have done to their own account or session, which goes without saying.
pub fn note(conn: &mut PgConnection, origin: Origin, kind: EventKind) -> QueryResult<()> {
    record(conn, &origin.did(kind))
}

/// Notes what somebody who is not signed in has done to the account of this user.
pub fn note_about(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    user_id: i64,
) -> QueryResult<()> {
    let email: String = users::table
        .find(user_id)
        .select(users::email)
        .first(conn)?;
    record(
        conn,
        &origin.did(kind).about(SubjectKind::User, user_id, &email),
    )
}

/// Records a request to reset the password of the account with this address, if there is one: in one statement, whose
/// duration does not reveal whether there is.
pub fn note_reset_request(
    conn: &mut PgConnection,
    origin: Origin,
    email: &EmailAddress,
) -> QueryResult<()> {
    let event = origin.did(EventKind::PasswordResetRequested);
    record_about_account(conn, &event, email)
}

/// Notes that an account has moved from one address to another.
pub fn note_move(conn: &mut PgConnection, origin: Origin, from: &str, to: &str) -> QueryResult<()> {
    let event = origin.did(EventKind::EmailChanged);
    record(conn, &event.with(&format!("{from} → {to}")))
}

/// Notes a sign-in that failed: with the address as it was typed, and whose it is, if it is anybody's.
pub fn note_failure(
    conn: &mut PgConnection,
    origin: Origin,
    user_id: Option<i64>,
    email: &str,
) -> QueryResult<()> {
    let event = origin.did(EventKind::SignInFailed).with(email);
    let event = match user_id {
        Some(id) => event.about(SubjectKind::User, id, email),
        None => event,
    };
    record(conn, &event)
}
