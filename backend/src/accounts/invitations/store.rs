//! Invitations in the database: at most one per address. Accepting one deletes it. An invitation is valid only as long
//! as the administrator who sent it is one and is not blocked.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use diesel::upsert::excluded;

use super::model::{Invitation, LIFETIME};
use crate::accounts::identity::{Role, UserRef};
use crate::accounts::tokens::secret::{self, SecretToken};
use crate::accounts::transactional_mails::model::MailKind;
use crate::accounts::transactional_mails::store::queue_to;
use crate::core::db::functions::lower;
use crate::core::db::schema::{invitations, users};
use crate::core::email_address::EmailAddress;
use crate::core::language::Language;
use crate::core::paging::Paging;

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct InvitationRow {
    id: i64,
    email: String,
    #[diesel(deserialize_as = String)]
    language: Language,
    invited_by: Option<i64>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// A new invitation.
pub struct NewInvitation<'a> {
    pub email: &'a EmailAddress,
    pub language: Option<Language>,
    /// The administrator.
    pub invited_by: i64,
}

/// Why an address cannot be invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    #[error("the address has an account")]
    AlreadyRegistered,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// The accounts that may invite. An invitation of any other account is void.
fn inviters() -> users::BoxedQuery<'static, Pg, Nullable<BigInt>> {
    users::table
        .filter(users::role.eq(Role::Admin.as_str()))
        .filter(users::blocked_at.is_null())
        .select(users::id.nullable())
        .into_boxed()
}

/// One page and the total number.
pub fn list(conn: &mut PgConnection, paging: Paging) -> QueryResult<(Vec<Invitation>, i64)> {
    use invitations::{created_at, id};
    let total = invitations::table.select(count_star()).first(conn)?;
    let window = paging.window(total);
    let rows = invitations::table
        .left_join(users::table)
        .select((
            InvitationRow::as_select(),
            users::email.nullable(),
            users::id.nullable().eq_any(inviters()),
        ))
        .limit(window.limit)
        .offset(window.offset)
        .into_boxed();
    let rows = if window.backwards {
        rows.order((created_at.asc(), id.asc()))
    } else {
        rows.order((created_at.desc(), id.desc()))
    };
    let rows: Vec<(InvitationRow, Option<String>, Option<bool>)> = rows.load(conn)?;
    let items = window.in_order(rows).into_iter().map(|(row, by, valid)| {
        let is_void = valid != Some(true);
        row.sent_by(by, is_void)
    });
    Ok((items.collect(), total))
}

/// Invites an address and queues the mail. An address already invited gets a new link; the previous one becomes
/// invalid.
pub fn create(
    conn: &mut PgConnection,
    new: &NewInvitation<'_>,
    now: DateTime<Utc>,
) -> Result<Invitation, InviteError> {
    use invitations as i;
    // For an unconfirmed account, the invitation proves the ownership of the address.
    let registered = users::table
        .filter(lower(users::email).eq(new.email.key()))
        .filter(users::confirmed_at.is_not_null());
    if diesel::select(exists(registered)).get_result(conn)? {
        return Err(InviteError::AlreadyRegistered);
    }
    let (by, own): (String, String) = users::table
        .find(new.invited_by)
        .select((users::email, users::language))
        .for_no_key_update()
        .first(conn)?;
    let language = new.language.map_or(own, |one| one.as_str().to_owned());
    let row = diesel::insert_into(i::table)
        .values((
            i::email.eq(new.email.as_str()),
            i::language.eq(language),
            i::invited_by.eq(new.invited_by),
            i::created_at.eq(now),
            i::expires_at.eq(now + LIFETIME),
        ))
        .on_conflict(sql::<Text>("(lower(email))"))
        .do_update()
        .set((
            i::language.eq(excluded(i::language)),
            i::invited_by.eq(excluded(i::invited_by)),
            i::created_at.eq(excluded(i::created_at)),
            i::expires_at.eq(excluded(i::expires_at)),
            i::token_hash.eq(None::<Vec<u8>>),
        ))
        .returning(InvitationRow::as_returning())
        .get_result(conn)?;
    queue_to(conn, new.invited_by, MailKind::Invitation, &row.email, now)?;
    Ok(row.sent_by(Some(by), false))
}

/// Withdraws an invitation and returns its address; `None` if there is no invitation with this id.
pub fn delete(conn: &mut PgConnection, id: i64) -> QueryResult<Option<String>> {
    diesel::delete(invitations::table.find(id))
        .returning(invitations::email)
        .get_result(conn)
        .optional()
}

/// Queues the mail again if the address is invited, in one statement whose duration does not reveal whether it is.
/// Must be called in its own transaction.
pub fn remind(
    conn: &mut PgConnection,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::sql_query("SET LOCAL synchronous_commit = off").execute(conn)?;
    diesel::sql_query(
        "INSERT INTO account_mails (user_id, kind, to_email, next_attempt_at, created_at)
         SELECT invited_by, 'invitation', email, $2, $2 FROM invitations
         WHERE lower(email) = $1 AND expires_at > $2 AND EXISTS (SELECT FROM users WHERE id = invited_by AND role = 'admin' AND blocked_at IS NULL)
           AND NOT EXISTS (SELECT FROM account_mails AS waiting
                           WHERE waiting.user_id = invited_by AND waiting.kind = 'invitation'
                             AND waiting.to_email = invitations.email AND waiting.next_attempt_at IS NOT NULL)",
    )
    .bind::<Text, _>(email.key())
    .bind::<Timestamptz, _>(now)
    .execute(conn)?;
    Ok(())
}

/// Replaces the token for the mail about to be sent to this address and returns it; `None` if the invitation was
/// withdrawn or accepted, has expired, or is void.
pub fn issue(
    conn: &mut PgConnection,
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<(SecretToken, Language)>> {
    let token = SecretToken::random();
    let row = diesel::update(invitations::table)
        .filter(lower(invitations::email).eq(EmailAddress::key_of(email)))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::invited_by.eq_any(inviters()))
        .set(invitations::token_hash.eq(token.hash()))
        .returning(InvitationRow::as_returning())
        .get_result(conn)
        .optional()?;
    Ok(row.map(|row| (token, row.language)))
}

/// Whether this token is valid for this address.
pub fn is_valid(
    conn: &mut PgConnection,
    given: &str,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let valid = invitations::table
        .filter(invitations::token_hash.eq(secret::hash(given)))
        .filter(lower(invitations::email).eq(email.key()))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::invited_by.eq_any(inviters()));
    diesel::select(exists(valid)).get_result(conn)
}

/// Accepts an invitation; `false` if the token is used, expired, void, unknown or for another address.
pub fn accept(
    conn: &mut PgConnection,
    given: &str,
    email: &EmailAddress,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    // Of concurrent requests, only one deletes the row.
    let accepted = diesel::delete(invitations::table)
        .filter(invitations::token_hash.eq(secret::hash(given)))
        .filter(lower(invitations::email).eq(email.key()))
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::invited_by.eq_any(inviters()))
        .execute(conn)?;
    Ok(accepted > 0)
}

impl InvitationRow {
    fn sent_by(self, email: Option<String>, is_void: bool) -> Invitation {
        let by = self.invited_by.zip(email);
        Invitation {
            id: self.id,
            email: self.email,
            language: self.language,
            invited_by: by.map(|(id, email)| UserRef { id, email }),
            created_at: self.created_at,
            expires_at: self.expires_at,
            is_void,
        }
    }
}
