//! What is noted of recipients in the journal of events.

use diesel::prelude::*;

use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::audit_log::new::Origin;
use crate::accounts::audit_log::store::record;

/// Notes what somebody has done to a recipient.
pub(super) fn note(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    (id, email): (i64, &str),
) -> QueryResult<()> {
    record(
        conn,
        &origin.did(kind).about(SubjectKind::Recipient, id, email),
    )
}
