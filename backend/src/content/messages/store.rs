//! Messages in the database. Functions for requests take the owners whose messages are visible.

use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, count_star, exists, not};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Integer, Text};

use super::model::{
    CreateMessage, Message, MessageExcerptRow, MessageQuery, MessageSortKey, MessageSummary,
    UpdateMessage,
};
use crate::accounts::transactional_mails::model::MailKind;
use crate::core::db::functions::lower;
use crate::core::db::owned::{owned_by, owner_email};
use crate::core::db::schema::{account_mails, messages, recipients, suppressions, users};
use crate::core::owners::Owners;
use crate::core::paging::{PageWindow, Paging};
use crate::core::search::contains;
use crate::web::list::{Sort, ordered};

define_sql_function! {
    /// The first so many characters; of a long value no more than these is read.
    fn left(text: Text, length: Integer) -> Text;
}

/// A body's first characters are enough for an excerpt, HTML's have a style sheet before them.
const TEXT_BEGINNING: i32 = 800;
const HTML_BEGINNING: i32 = 8_000;
/// Maximum number of waiting tests of one user.
const MAX_TESTS_WAITING: i64 = 20;

/// Why a message could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// A mailing sends it.
    #[error("a mailing uses the message")]
    InUse,
    #[error(transparent)]
    Query(DieselError),
}

impl From<DieselError> for DeleteError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => Self::InUse,
            other => Self::Query(other),
        }
    }
}

/// An address that a user may send a test to, and its name.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct TestAddress {
    pub email: String,
    pub full_name: String,
}

type MessageQueryBuilder = messages::BoxedQuery<'static, diesel::pg::Pg>;

fn matching(owners: Owners, q: Option<&str>) -> MessageQueryBuilder {
    let all = messages::table
        .filter(owned_by(messages::owner_id, owners))
        .into_boxed();
    match q {
        None => all,
        Some(term) => all.filter(messages::subject.ilike(contains(term))),
    }
}

/// A page and the total; reads only the beginning of the bodies.
pub fn list(
    conn: &mut PgConnection,
    owners: Owners,
    query: &MessageQuery,
    paging: Paging,
) -> QueryResult<(Vec<MessageSummary>, i64)> {
    use messages::{created_at, html, id, owner_id, subject, text, updated_at};
    let q = query.q.as_deref();
    let total = matching(owners, q).select(count_star()).first(conn)?;
    let window = paging.window(total);
    let beginning =
        case_when(text.ne(""), left(text, TEXT_BEGINNING)).otherwise(left(html, HTML_BEGINNING));
    // Bodies are read for the page only, not for the preceding rows.
    let on_page = sorted(matching(owners, q), query.sort, window)
        .limit(window.limit)
        .offset(window.offset)
        .select(id);
    let page = messages::table.filter(id.eq_any(on_page)).into_boxed();
    let page: Vec<MessageExcerptRow> = sorted(page, query.sort, window)
        .select((
            id,
            (owner_id, owner_email(owner_id)),
            subject,
            beginning,
            text.eq(""),
            created_at,
            updated_at,
        ))
        .load(conn)?;
    let page = page.into_iter().map(MessageSummary::from).collect();
    Ok((window.in_order(page), total))
}

fn sorted(
    rows: MessageQueryBuilder,
    sort: Sort<MessageSortKey>,
    window: PageWindow,
) -> MessageQueryBuilder {
    use messages::{created_at, id, subject};
    let descending = sort.is_descending(window);
    match sort.key {
        MessageSortKey::CreatedAt => ordered!(rows, descending, created_at, id),
        MessageSortKey::Subject => ordered!(rows, descending, lower(subject), id),
    }
}

/// The message, if it belongs to these owners.
pub fn find(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<Message> {
    messages::table
        .find(id)
        .filter(owned_by(messages::owner_id, owners))
        .select(Message::as_select())
        .first(conn)
}

/// The owner, if it is one of these owners.
pub fn owner_of(conn: &mut PgConnection, owners: Owners, id: i64) -> QueryResult<i64> {
    messages::table
        .find(id)
        .filter(owned_by(messages::owner_id, owners))
        .select(messages::owner_id)
        .first(conn)
}

/// The owner's message, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<Message> {
    messages::table
        .filter(messages::id.eq(id).and(messages::owner_id.eq(owner_id)))
        .select(Message::as_select())
        .for_update()
        .first(conn)
}

/// Stores a new message.
pub fn create(
    conn: &mut PgConnection,
    owner_id: i64,
    new: &CreateMessage,
    now: DateTime<Utc>,
) -> QueryResult<Message> {
    use messages::{created_at, html, subject, text, updated_at};
    diesel::insert_into(messages::table)
        .values((
            messages::owner_id.eq(owner_id),
            subject.eq(&new.subject),
            html.eq(&new.html),
            text.eq(&new.text),
            created_at.eq(now),
            updated_at.eq(now),
        ))
        .returning(Message::as_returning())
        .get_result(conn)
}

/// Changes a message that the caller has locked.
pub fn update(
    conn: &mut PgConnection,
    id: i64,
    changes: &UpdateMessage,
    now: DateTime<Utc>,
) -> QueryResult<Message> {
    use messages::{html, subject, text, updated_at};
    diesel::update(messages::table.find(id))
        .set((
            changes.subject.as_ref().map(|value| subject.eq(value)),
            changes.html.as_ref().map(|value| html.eq(value)),
            changes.text.as_ref().map(|value| text.eq(value)),
            updated_at.eq(now),
        ))
        .returning(Message::as_returning())
        .get_result(conn)
}

/// Deletes a message and returns its subject; `None` if the owner has no such message.
pub fn delete(
    conn: &mut PgConnection,
    owner_id: i64,
    id: i64,
) -> Result<Option<String>, DeleteError> {
    let owned = messages::table.filter(messages::id.eq(id).and(messages::owner_id.eq(owner_id)));
    let subject = diesel::delete(owned)
        .returning(messages::subject)
        .get_result(conn)
        .optional()?;
    Ok(subject)
}

/// The address with this key among those that a user may send tests to: their own, and those of their recipients that
/// are not suppressed.
pub fn test_address(
    conn: &mut PgConnection,
    user_id: i64,
    key: &str,
) -> QueryResult<Option<TestAddress>> {
    let suppressed = suppressions::table.filter(
        suppressions::owner_id
            .eq(user_id)
            .and(lower(suppressions::email).eq(key)),
    );
    let recipient = recipients::table
        .filter(
            recipients::owner_id
                .eq(user_id)
                .and(lower(recipients::email).eq(key)),
        )
        .filter(not(exists(suppressed)))
        .select((recipients::email, recipients::full_name))
        .first(conn)
        .optional()?;
    if recipient.is_some() {
        return Ok(recipient);
    }
    users::table
        .filter(users::id.eq(user_id).and(lower(users::email).eq(key)))
        .select((users::email, users::full_name))
        .first(conn)
        .optional()
}

/// Queues a test mail of a message; `false` when too many of the user's wait already.
pub fn queue_test(
    conn: &mut PgConnection,
    user_id: i64,
    message_id: i64,
    to_email: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    use account_mails::{created_at, kind, next_attempt_at};
    // One request of a user at a time, so that many at once cannot pass the limit together.
    users::table
        .find(user_id)
        .select(users::id)
        .for_update()
        .first::<i64>(conn)?;
    let waiting: i64 = account_mails::table
        .filter(
            account_mails::user_id
                .eq(user_id)
                .and(kind.eq(MailKind::Test.as_str())),
        )
        .filter(next_attempt_at.is_not_null())
        .select(count_star())
        .first(conn)?;
    if waiting >= MAX_TESTS_WAITING {
        return Ok(false);
    }
    diesel::insert_into(account_mails::table)
        .values((
            account_mails::user_id.eq(user_id),
            kind.eq(MailKind::Test.as_str()),
            account_mails::to_email.eq(to_email),
            account_mails::message_id.eq(message_id),
            next_attempt_at.eq(now),
            created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(true)
}
