//! What is noted of users' mail servers in the journal of events: never more than their names.

use diesel::prelude::*;

use crate::events::model::{EventKind, SubjectKind};
use crate::events::new::Origin;
use crate::events::store::record;

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
