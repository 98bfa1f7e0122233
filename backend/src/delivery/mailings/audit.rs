//! Audit events of mailings and their runs.

use diesel::prelude::*;

use crate::accounts::audit_log;
use crate::accounts::audit_log::NewEvent;
use crate::accounts::audit_log::model::SubjectKind;
use crate::core::db::schema::{mailings, messages};

/// Records an event of a mailing, with the subject of its message.
pub(super) fn audit(conn: &mut PgConnection, mailing_id: i64, event: NewEvent) -> QueryResult<()> {
    let subject: String = mailings::table
        .inner_join(messages::table)
        .filter(mailings::id.eq(mailing_id))
        .select(messages::subject)
        .first(conn)?;
    audit_log::audit(
        conn,
        &event.about(SubjectKind::Mailing, mailing_id, &subject),
    )
}
