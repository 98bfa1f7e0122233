//! Users' SMTP servers in the database. Functions for requests take the owner.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, exists};
use diesel::prelude::*;

use super::dkim::algorithm_of;
use super::encryption::{Column, CredentialCipher};
use super::fields::ehlo_name;
use super::model::{CreateSmtpServer, SmtpServer, SmtpServerRow};
use super::query::{SmtpServerQuery, SmtpServerSortKey};
use super::session_limits;
use crate::accounts::users::store::lock_for_changes;
use crate::core::db::functions::{address_matches, lower};
use crate::core::db::schema::{mailings, smtp_servers};
use crate::core::paging::{PageWindow, Paging};
use crate::core::search::{AddressPattern, contains};
use crate::delivery::smtp_server_health::store as breakers;
use crate::web::list::{Sort, ordered};

/// Maximum number of servers of one owner.
pub const MAX_SERVERS: i64 = 20;

type SmtpServerQueryBuilder = smtp_servers::BoxedQuery<'static, diesel::pg::Pg>;

fn matching(owner_id: i64, q: Option<&str>) -> SmtpServerQueryBuilder {
    use smtp_servers::{from_email, host, name};
    let own = smtp_servers::table
        .filter(smtp_servers::owner_id.eq(owner_id))
        .into_boxed();
    match q {
        None => own,
        Some(term) => {
            let AddressPattern { stored, in_unicode } = AddressPattern::containing(term);
            own.filter(
                name.ilike(contains(term))
                    .or(address_matches(host, stored.clone(), in_unicode.clone()))
                    .or(address_matches(from_email, stored, in_unicode)),
            )
        }
    }
}

/// A page and the total.
pub fn list(
    conn: &mut PgConnection,
    owner_id: i64,
    query: &SmtpServerQuery,
    paging: Paging,
) -> QueryResult<(Vec<SmtpServer>, i64)> {
    let q = query.q.as_deref();
    let total = matching(owner_id, q).select(count_star()).first(conn)?;
    let window = paging.window(total);
    let rows = sorted(matching(owner_id, q), query.sort, window)
        .limit(window.limit)
        .offset(window.offset)
        .select(SmtpServerRow::as_select())
        .load(conn)?;
    Ok((shown(conn, window.in_order(rows))?, total))
}

fn sorted(
    rows: SmtpServerQueryBuilder,
    sort: Sort<SmtpServerSortKey>,
    window: PageWindow,
) -> SmtpServerQueryBuilder {
    use smtp_servers::{created_at, id, name};
    let descending = sort.is_descending(window);
    match sort.key {
        SmtpServerSortKey::CreatedAt => ordered!(rows, descending, created_at, id),
        SmtpServerSortKey::Name => ordered!(rows, descending, lower(name), id),
    }
}

/// These servers, each with the number of its mailings.
fn shown(conn: &mut PgConnection, rows: Vec<SmtpServerRow>) -> QueryResult<Vec<SmtpServer>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let counts: Vec<(Option<i64>, i64)> = mailings::table
        .filter(mailings::smtp_server_id.eq_any(&ids))
        .group_by(mailings::smtp_server_id)
        .select((mailings::smtp_server_id, count_star()))
        .load(conn)?;
    let counts: HashMap<_, _> = counts.into_iter().collect();
    let count = |id| counts.get(&Some(id)).copied().unwrap_or_default();
    let mut limits = session_limits::of_servers(conn, &ids)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| {
            let (count, limit) = (count(row.id), limits.remove(&row.id));
            row.shown(count, limit)
        })
        .collect())
}

/// The owner's server, as it is shown.
pub fn find(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<SmtpServer> {
    let row = row(conn, owner_id, id)?;
    shown(conn, vec![row])?
        .pop()
        .ok_or(diesel::result::Error::NotFound)
}

/// The owner's server.
pub fn row(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<SmtpServerRow> {
    smtp_servers::table
        .find(id)
        .filter(smtp_servers::owner_id.eq(owner_id))
        .select(SmtpServerRow::as_select())
        .first(conn)
}

/// The same, locked until the transaction ends.
pub fn lock(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<SmtpServerRow> {
    smtp_servers::table
        .filter(
            smtp_servers::id
                .eq(id)
                .and(smtp_servers::owner_id.eq(owner_id)),
        )
        .select(SmtpServerRow::as_select())
        .for_update()
        .first(conn)
}

/// The server of any owner: for the engine.
pub fn any(conn: &mut PgConnection, id: i64) -> QueryResult<Option<SmtpServerRow>> {
    smtp_servers::table
        .find(id)
        .select(SmtpServerRow::as_select())
        .first(conn)
        .optional()
}

/// Whether the owner has this server. If so, it cannot be deleted before the transaction ends.
pub fn has(conn: &mut PgConnection, owner_id: i64, id: i64) -> QueryResult<bool> {
    let found: Option<i64> = smtp_servers::table
        .filter(
            smtp_servers::id
                .eq(id)
                .and(smtp_servers::owner_id.eq(owner_id)),
        )
        .select(smtp_servers::id)
        .for_key_share()
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Whether the owner may add a server. Other requests of the owner that ask this wait meanwhile.
pub fn has_room(conn: &mut PgConnection, owner_id: i64) -> QueryResult<bool> {
    lock_for_changes(conn, owner_id)?;
    let kept: i64 = matching(owner_id, None).select(count_star()).first(conn)?;
    Ok(kept < MAX_SERVERS)
}

/// A server to insert: the request, and its host in the lookup form.
#[derive(Clone, Copy)]
pub struct NewSmtpServer<'a> {
    pub owner_id: i64,
    pub host: &'a str,
    pub request: &'a CreateSmtpServer,
}

/// Inserts a server; returns its id.
pub fn create(
    conn: &mut PgConnection,
    cipher: &CredentialCipher,
    server: &NewSmtpServer<'_>,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let NewSmtpServer {
        owner_id,
        host,
        request: new,
    } = *server;
    let id: i64 = diesel::insert_into(smtp_servers::table)
        .values((
            smtp_servers::owner_id.eq(owner_id),
            smtp_servers::name.eq(&new.name),
            smtp_servers::host.eq(host),
            smtp_servers::port.eq(i32::from(new.port)),
            smtp_servers::tls.eq(new.tls.as_str()),
            smtp_servers::username.eq(&new.username),
            smtp_servers::from_email.eq(new.from_email.as_str()),
            smtp_servers::from_name.eq(named(new.from_name.as_deref())),
            smtp_servers::rate_per_second.eq(count(new.rate_per_second)),
            smtp_servers::rate_per_hour.eq(count(new.rate_per_hour)),
            smtp_servers::sessions.eq(i32::from(new.sessions)),
            smtp_servers::ehlo_name.eq(new.ehlo_name.as_deref().and_then(ehlo_name)),
            smtp_servers::created_at.eq(now),
            smtp_servers::updated_at.eq(now),
        ))
        .returning(smtp_servers::id)
        .get_result(conn)?;
    // Encrypted for the row, whose id is known only now.
    let password = new.password.as_ref();
    let password = password.map(|secret| cipher.encrypt((Column::Password, id), secret.reveal()));
    let key = new.dkim.as_ref();
    let algorithm = key.and_then(|dkim| algorithm_of(&dkim.private_key));
    let key = key.map(|dkim| cipher.encrypt((Column::DkimKey, id), dkim.private_key.reveal()));
    diesel::update(smtp_servers::table.find(id))
        .set((
            smtp_servers::password.eq(password),
            smtp_servers::dkim_domain.eq(new.dkim.as_ref().map(|dkim| &dkim.domain)),
            smtp_servers::dkim_selector.eq(new.dkim.as_ref().map(|dkim| &dkim.selector)),
            smtp_servers::dkim_key.eq(key),
            smtp_servers::dkim_algorithm.eq(algorithm),
        ))
        .execute(conn)?;
    Ok(id)
}

/// Records that a test of this revision succeeded, and closes the circuit breaker.
pub fn set_checked(
    conn: &mut PgConnection,
    id: i64,
    revision: i32,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let checked = diesel::update(
        smtp_servers::table
            .find(id)
            .filter(smtp_servers::revision.eq(revision)),
    )
    .set(smtp_servers::checked_at.eq(now))
    .execute(conn)?;
    if checked > 0 {
        breakers::close_breaker(conn, &breakers::name_of(Some(id)))?;
    }
    Ok(())
}

/// Whether a mailing uses the server. If its row is locked, no mailing can select it before the transaction ends.
pub fn is_in_use(conn: &mut PgConnection, id: i64) -> QueryResult<bool> {
    let uses = mailings::table.filter(mailings::smtp_server_id.eq(id));
    diesel::select(exists(uses)).get_result(conn)
}

/// Deletes a server that no mailing uses.
pub fn delete(conn: &mut PgConnection, id: i64) -> QueryResult<()> {
    diesel::delete(smtp_servers::table.find(id)).execute(conn)?;
    Ok(())
}

pub(super) fn named(name: Option<&str>) -> Option<String> {
    name.map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

pub(super) fn count(mails: u32) -> i32 {
    i32::try_from(mails).unwrap_or(i32::MAX)
}
