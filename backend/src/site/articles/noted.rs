//! What is noted of articles in the journal of events.

use diesel::prelude::*;

use crate::accounts::audit_log::audit;
use crate::accounts::audit_log::model::{EventKind, SubjectKind};
use crate::accounts::identity::Origin;

/// Notes what somebody has done to an article.
pub(super) fn note(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    (id, title): (i64, &str),
) -> QueryResult<()> {
    audit(
        conn,
        &origin.event(kind).about(SubjectKind::Article, id, title),
    )
}
