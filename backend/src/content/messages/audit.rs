//! Audit events of messages.

use diesel::prelude::*;

use crate::accounts::audit_log::{self, NewEvent, SubjectKind};

/// Records an event of a message, with its subject.
pub(super) fn audit(
    conn: &mut PgConnection,
    event: NewEvent,
    id: i64,
    subject: &str,
) -> QueryResult<()> {
    let event = event.about(SubjectKind::Message, id, subject);
    audit_log::audit(conn, &event)
}
