//! What is noted of mailings and their runs in the journal of events.

use diesel::prelude::*;

use crate::db::schema::{mailings, messages};
use crate::events::model::SubjectKind;
use crate::events::new::NewEvent;
use crate::events::store::record;

/// Notes what happened to a mailing, which is called by its message's subject.
pub fn note(conn: &mut PgConnection, mailing_id: i64, event: NewEvent) -> QueryResult<()> {
    let subject: String = mailings::table
        .inner_join(messages::table)
        .filter(mailings::id.eq(mailing_id))
        .select(messages::subject)
        .first(conn)?;
    record(
        conn,
        &event.about(SubjectKind::Mailing, mailing_id, &subject),
    )
}
