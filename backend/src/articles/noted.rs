//! What is noted of articles in the journal of events.

use diesel::prelude::*;

use crate::events::model::{EventKind, SubjectKind};
use crate::events::new::Origin;
use crate::events::store::record;

/// Notes what somebody has done to an article.
pub(super) fn note(
    conn: &mut PgConnection,
    origin: Origin,
    kind: EventKind,
    (id, title): (i64, &str),
) -> QueryResult<()> {
    record(
        conn,
        &origin.did(kind).about(SubjectKind::Article, id, title),
    )
}
