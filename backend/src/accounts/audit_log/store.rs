//! The journal of events in the database: appended to, read by key, forgotten after its time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::model::{Event, EventKind, EventQuery, Place, Subject};
use super::new::NewEvent;
use crate::accounts::users::user_ref::UserRef;
use crate::core::db::schema::{events, users};
use crate::core::email_address::EmailAddress;

/// So many are recorded by one statement.
const AT_ONCE: usize = 1000;

#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
struct NewRow {
    at: DateTime<Utc>,
    kind: &'static str,
    actor_id: Option<i64>,
    subject_kind: Option<String>,
    subject_id: Option<i64>,
    subject_name: Option<String>,
    address: Option<String>,
    details: Option<String>,
}

impl From<&NewEvent> for NewRow {
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

/// Records an event. To be called in the transaction of the change itself: there is no change without its event, and no
/// event of a change that was taken back.
pub fn record(conn: &mut PgConnection, event: &NewEvent) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values(NewRow::from(event))
        .execute(conn)?;
    Ok(())
}

/// Records an event about the account with this address, if there is one; in one statement, whose duration does not
/// reveal whether there is.
pub fn record_about_account(
    conn: &mut PgConnection,
    event: &NewEvent,
    email: &EmailAddress,
) -> QueryResult<()> {
    let row = NewRow::from(event);
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

/// Records many.
pub fn record_all(conn: &mut PgConnection, new: &[NewEvent]) -> QueryResult<()> {
    if let [event] = new {
        return record(conn, event);
    }
    for some in new.chunks(AT_ONCE) {
        let rows: Vec<_> = some.iter().map(NewRow::from).collect();
        diesel::insert_into(events::table)
            .values(rows)
            .execute(conn)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Row {
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

/// The events that pass the filters, after `place`, newest first; one more than asked for, if there is.
pub fn list(
    conn: &mut PgConnection,
    query: &EventQuery,
    place: Option<Place>,
) -> QueryResult<Vec<Event>> {
    use events::{actor_id, at, id, kind};
    let mut rows = events::table
        .left_join(users::table.on(actor_id.eq(users::id.nullable())))
        .order((at.desc(), id.desc()))
        .limit(i64::from(query.limit) + 1)
        .select((Row::as_select(), users::email.nullable()))
        .into_boxed();
    if let Some(user_id) = query.actor_id {
        rows = rows.filter(actor_id.eq(user_id));
    }
    rows = match query.kind {
        Some(wanted) => rows.filter(kind.eq(wanted.as_str())),
        // A newer release may have noted what this one has no name for: that is passed over.
        None => rows.filter(kind.eq_any(EventKind::ALL.iter().map(|known| known.as_str()))),
    };
    if let Some(from) = query.from {
        rows = rows.filter(at.ge(from));
    }
    if let Some(to) = query.to {
        rows = rows.filter(at.lt(to));
    }
    if let Some(Place(last_at, last_id)) = place {
        let before = at.lt(last_at).or(at.eq(last_at).and(id.lt(last_id)));
        rows = rows.filter(at.le(last_at)).filter(before);
    }
    let found: Vec<(Row, Option<String>)> = rows.load(conn)?;
    Ok(found
        .into_iter()
        .map(|(row, email)| row.done_by(email))
        .collect())
}

impl Row {
    fn done_by(self, email: Option<String>) -> Event {
        let actor = self.actor_id.zip(email);
        let kind = self.subject_kind.and_then(|kind| kind.parse().ok());
        let subject = kind.zip(self.subject_id).zip(self.subject_name);
        Event {
            id: self.id,
            at: self.at,
            kind: self.kind,
            actor: actor.map(|(id, email)| UserRef { id, email }),
            subject: subject.map(|((kind, id), name)| Subject { kind, id, name }),
            address: self.address,
            details: self.details,
        }
    }
}

/// Forgets the oldest of the events before this moment, so many at most; gives how many there were.
pub fn forget(conn: &mut PgConnection, before: DateTime<Utc>, most: i64) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM events WHERE id = ANY(ARRAY(
             SELECT id FROM events WHERE at < $1 ORDER BY at, id LIMIT $2))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(most)
    .execute(conn)
}
