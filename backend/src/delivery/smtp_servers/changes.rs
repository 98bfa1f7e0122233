//! Updates a user's mail server in the database.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::dkim::{UpdateDkim, algorithm_of};
use super::encryption::{Column, CredentialCipher};
use super::fields::ehlo_name;
use super::model::UpdateSmtpServer;
use super::store::{count, named};
use super::stored_password::PasswordChange;
use crate::core::db::schema::smtp_servers;
use crate::delivery::smtp_server_health::store as breakers;

/// Changes to a server, validated against what is stored.
pub(super) struct CheckedUpdate<'a> {
    pub changes: &'a UpdateSmtpServer,
    /// The new host in its lookup form.
    pub host: Option<&'a str>,
    pub password: PasswordChange<'a>,
}

/// Updates a server that the caller has locked. Its breaker state and session limit are reset.
pub(super) fn update(
    conn: &mut PgConnection,
    id: i64,
    cipher: &CredentialCipher,
    checked: &CheckedUpdate<'_>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    use smtp_servers as s;
    let CheckedUpdate { changes, host, .. } = *checked;
    let password = match checked.password {
        PasswordChange::Keep => None,
        PasswordChange::Remove => Some(None),
        PasswordChange::Replace(secret) => Some(Some(
            cipher.encrypt((Column::Password, id), secret.reveal()),
        )),
    };
    let target = s::table.find(id);
    diesel::update(target)
        .set((
            changes.name.as_ref().map(|value| s::name.eq(value)),
            host.map(|value| s::host.eq(value)),
            changes.port.map(|value| s::port.eq(i32::from(value))),
            changes.tls.map(|value| s::tls.eq(value.as_str())),
            changes.username.as_ref().map(|value| s::username.eq(value)),
            password.map(|value| s::password.eq(value)),
            changes
                .from_email
                .as_ref()
                .map(|value| s::from_email.eq(value.as_str())),
            changes
                .from_name
                .as_ref()
                .map(|value| s::from_name.eq(named(value.as_deref()))),
            changes
                .rate_per_second
                .map(|value| s::rate_per_second.eq(count(value))),
            changes
                .rate_per_hour
                .map(|value| s::rate_per_hour.eq(count(value))),
            changes
                .sessions
                .map(|value| s::sessions.eq(i32::from(value))),
            changes
                .ehlo_name
                .as_ref()
                .map(|value| s::ehlo_name.eq(value.as_deref().and_then(ehlo_name))),
            s::revision.eq(s::revision + 1),
            s::updated_at.eq(now),
        ))
        .execute(conn)?;
    if let Some(dkim) = &changes.dkim {
        set_dkim(conn, id, cipher, dkim.as_ref())?;
    }
    breakers::close_breaker(conn, &breakers::name_of(Some(id)))
}

fn set_dkim(
    conn: &mut PgConnection,
    id: i64,
    cipher: &CredentialCipher,
    dkim: Option<&UpdateDkim>,
) -> QueryResult<()> {
    use smtp_servers as s;
    let new = dkim.and_then(|dkim| dkim.private_key.as_ref());
    let algorithm = new.and_then(algorithm_of);
    let new = new.map(|key| cipher.encrypt((Column::DkimKey, id), key.reveal()));
    diesel::update(s::table.find(id))
        .set((
            s::dkim_domain.eq(dkim.map(|dkim| &dkim.domain)),
            s::dkim_selector.eq(dkim.map(|dkim| &dkim.selector)),
            // An unchanged key is not listed.
            (dkim.is_none() || new.is_some())
                .then(|| (s::dkim_key.eq(new), s::dkim_algorithm.eq(algorithm))),
        ))
        .execute(conn)?;
    Ok(())
}
