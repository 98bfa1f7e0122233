//! Audit events of articles.

use diesel::prelude::*;

use crate::accounts::audit_log::{self, NewEvent, SubjectKind};

/// Records an event of an article, with its title.
pub(super) fn audit(
    conn: &mut PgConnection,
    event: NewEvent,
    id: i64,
    title: &str,
) -> QueryResult<()> {
    let event = event.about(SubjectKind::Article, id, title);
    audit_log::audit(conn, &event)
}
