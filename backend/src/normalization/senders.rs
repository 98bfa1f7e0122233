//! Normalizes the senders of users' mail servers.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{OUT_OF_FORM, Pass, Stored, unhurried};
use crate::db::schema::smtp_servers;
use crate::email_address::EmailAddress;

pub(super) fn pass(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    done: &mut Pass,
) -> QueryResult<()> {
    let rows: Vec<Stored> = unhurried(conn, |conn| {
        diesel::sql_query(format!(
            "SELECT id, owner_id, email FROM (SELECT id, owner_id, from_email AS email FROM smtp_servers) AS senders
             WHERE {OUT_OF_FORM} ORDER BY id"
        ))
        .load(conn)
    })?;
    for row in rows {
        let Some(email) = EmailAddress::recover(&row.email) else {
            continue;
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
    }
    Ok(())
}
