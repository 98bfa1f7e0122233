//! What is noted of users' mail servers in the journal of events: never more than their names.

use diesel::prelude::*;

use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;

/// Notes what somebody has done to a mail server.
pub(super) fn note(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    (id, name): (i64, &str),
) -> QueryResult<()> {
    record(
        conn,
        &origin.did(kind).about(SubjectKind::SmtpServer, id, name),
    )
}
