//! Normalizes the senders of users' mail servers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::result::NormalizationPass;
use super::rows::{SENDERS, visit};
use crate::core::db::schema::smtp_servers;
use crate::core::email_address::EmailAddress;

pub(super) fn pass(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    done: &mut NormalizationPass,
) -> QueryResult<()> {
    visit(conn, SENDERS, |conn, row| {
        let Some(email) = EmailAddress::recover(&row.email) else {
            return Ok(());
        };
        diesel::update(smtp_servers::table.find(row.id))
            .filter(smtp_servers::from_email.eq(&row.email))
            .set((
                smtp_servers::from_email.eq(email.as_str()),
                // The new revision makes the engine reload the server.
                smtp_servers::revision.eq(smtp_servers::revision + 1),
                smtp_servers::updated_at.eq(now),
            ))
            .execute(conn)?;
        done.addresses += 1;
        Ok(())
    })
}
