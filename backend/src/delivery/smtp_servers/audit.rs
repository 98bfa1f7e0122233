//! Audit events of users' SMTP servers: only their names.

use diesel::prelude::*;

use crate::accounts::audit_log::{self, NewEvent, SubjectKind};

/// Records an event of an SMTP server, with its name.
pub(super) fn audit(
    conn: &mut PgConnection,
    event: NewEvent,
    id: i64,
    name: &str,
) -> QueryResult<()> {
    let event = event.about(SubjectKind::SmtpServer, id, name);
    audit_log::audit(conn, &event)
}
