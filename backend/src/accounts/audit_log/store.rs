//! The audit log in the database: append-only, read in pages by key, purged after its retention period.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz};

use super::model::{Event, EventCursor, EventKind, EventQuery, EventSubject};
use super::new::NewEvent;
use crate::accounts::identity::UserRef;
use crate::core::db::schema::{events, users};
use crate::core::email_address::EmailAddress;

/// Maximum number of rows in a statement.
const BATCH_SIZE: usize = 1000;

#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
struct NewEventRow {
    at: DateTime<Utc>,
    kind: &'static str,
    actor_id: Option<i64>,
    subject_kind: Option<String>,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    address: Option<String>,
    details: Option<String>,
}

impl From<&NewEvent> for NewEventRow {
    fn from(event: &NewEvent) -> Self {
        let subject = event.subject.as_ref();
        Self {
            at: event.origin.at,
            kind: event.kind.as_str(),
            actor_id: event.origin.actor_id,
            subject_kind: subject.map(|subject| subject.kind.as_str().to_owned()),
            subject_id: subject.map(|subject| subject.id),
            subject_name: subject.map(|subject| subject.name.clone()),
            address: event.origin.address.map(|address| address.to_string()),
            details: event.details.clone(),
        }
    }
}

/// Writes an entry. Must be called in the transaction of the change, so that both are stored or neither.
pub fn audit(conn: &mut PgConnection, event: &NewEvent) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values(NewEventRow::from(event))
        .execute(conn)?;
    Ok(())
}

/// Writes an entry about the account with this address, if there is one; in one statement, whose duration does not reveal
/// whether there is.
pub fn audit_by_address(
    conn: &mut PgConnection,
    event: &NewEvent,
    email: &EmailAddress,
) -> QueryResult<()> {
    let row = NewEventRow::from(event);
    diesel::sql_query(
        "INSERT INTO events (at, kind, subject_kind, subject_id, subject_name, address)
         SELECT $1, $2, 'user', id, email, $3 FROM users WHERE lower(email) = $4",
    )
    .bind::<Timestamptz, _>(row.at)
    .bind::<Text, _>(row.kind)
    .bind::<Nullable<Text>, _>(row.address)
    .bind::<Text, _>(email.key())
    .execute(conn)?;
    Ok(())
}

/// Writes several entries.
pub fn audit_all(conn: &mut PgConnection, new: &[NewEvent]) -> QueryResult<()> {
    if let [event] = new {
        return audit(conn, event);
    }
    for batch in new.chunks(BATCH_SIZE) {
        let rows: Vec<_> = batch.iter().map(NewEventRow::from).collect();
        diesel::insert_into(events::table)
            .values(rows)
            .execute(conn)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct EventRow {
    id: i64,
    at: DateTime<Utc>,
    #[diesel(deserialize_as = String)]
    kind: EventKind,
    actor_id: Option<i64>,
    subject_kind: Option<String>,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    address: Option<String>,
    details: Option<String>,
}

/// The events that match the filters, after `cursor`, newest first; one more than the limit, if there is one.
pub fn list(
    conn: &mut PgConnection,
    query: &EventQuery,
    cursor: Option<EventCursor>,
) -> QueryResult<Vec<Event>> {
    use events::{actor_id, at, id, kind};
    let mut rows = events::table
        .left_join(users::table.on(actor_id.eq(users::id.nullable())))
        .order((at.desc(), id.desc()))
        .limit(i64::from(query.limit) + 1)
        .select((EventRow::as_select(), users::email.nullable()))
        .into_boxed();
    if let Some(user_id) = query.actor_id {
        rows = rows.filter(actor_id.eq(user_id));
    }
    rows = match query.kind {
        Some(wanted) => rows.filter(kind.eq(wanted.as_str())),
        // A newer release may have written kinds that this one does not know; they are omitted.
        None => rows.filter(kind.eq_any(EventKind::ALL.iter().map(|known| known.as_str()))),
    };
    if let Some(from) = query.from {
        rows = rows.filter(at.ge(from));
    }
    if let Some(to) = query.to {
        rows = rows.filter(at.lt(to));
    }
    if let Some(EventCursor(last_at, last_id)) = cursor {
        let before = at.lt(last_at).or(at.eq(last_at).and(id.lt(last_id)));
        rows = rows.filter(at.le(last_at)).filter(before);
    }
    let found: Vec<(EventRow, Option<String>)> = rows.load(conn)?;
    Ok(found
        .into_iter()
        .map(|(row, email)| row.into_event(email))
        .collect())
}

impl EventRow {
    fn into_event(self, email: Option<String>) -> Event {
        let actor = self.actor_id.zip(email);
        let kind = self.subject_kind.and_then(|kind| kind.parse().ok());
        let subject = kind.zip(self.subject_id).zip(self.subject_name);
        Event {
            id: self.id,
            at: self.at,
            kind: self.kind,
            actor: actor.map(|(id, email)| UserRef { id, email }),
            subject: subject.map(|((kind, id), name)| EventSubject { kind, id, name }),
            address: self.address,
            details: self.details,
        }
    }
}
