//! Audit events of recipients.

use diesel::prelude::*;

use crate::accounts::audit_log::{self, NewEvent, SubjectKind};

/// Records an event of a recipient, with its address.
pub(super) fn audit(
    conn: &mut PgConnection,
    event: NewEvent,
    id: i64,
    email: &str,
) -> QueryResult<()> {
    let event = event.about(SubjectKind::Recipient, id, email);
    audit_log::audit(conn, &event)
}
