//! What is noted of users' mail servers in the journal of events: never more than their names.

use diesel::prelude::*;

use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;

/// Notes what somebody has done to a mail server.
pub(super) fn note(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    (id, name): (i64, &str),
) -> QueryResult<()> {
    audit(
        conn,
        &origin.event(kind).about(SubjectKind::SmtpServer, id, name),
    )
}
