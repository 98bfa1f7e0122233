//! The recipients of mailings in the database: an audience becomes rows in one statement, whatever their number.

use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};

use super::model::Audience;
use crate::audience::recipients::model::Recipient;
use crate::audience::recipients::store::matching;
use crate::core::db::schema::{mailing_recipients, recipients};
use crate::core::owners::Owners;
use crate::core::paging::Paging;
use crate::core::search::{AddressPattern, contains};
use crate::delivery::mailings::store::owner_of;

/// Replaces the recipients of the mailing by this audience; returns their number. `None` if the owner has no recipient or
/// mailing of a given id.
pub fn replace(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    audience: &Audience,
) -> QueryResult<Option<i32>> {
    if let Some(other) = audience.mailing_id
        && owner_of(conn, Owners::One(owner_id), other)
            .optional()?
            .is_none()
    {
        return Ok(None);
    }
    // A million take some ten seconds, most of them for the foreign keys.
    conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
    diesel::delete(mailing_recipients::table.filter(mailing_recipients::mailing_id.eq(mailing_id)))
        .execute(conn)?;
    let mut ids = audience.ids.clone().unwrap_or_default();
    ids.sort_unstable();
    ids.dedup();
    let requested = ids.len();
    let inserted = insert(conn, mailing_id, owner_id, audience, ids)?;
    if audience.ids.is_some() && inserted != requested {
        return Ok(None);
    }
    Ok(Some(i32::try_from(inserted).unwrap_or(i32::MAX)))
}

fn insert(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    audience: &Audience,
    ids: Vec<i64>,
) -> QueryResult<usize> {
    let which = match audience {
        Audience { ids: Some(_), .. } => "AND id = ANY($3)",
        Audience { q: Some(_), .. } => "AND (address_matches(email, $6, $7) OR full_name ILIKE $4)",
        Audience {
            mailing_id: Some(_),
            ..
        } => "AND id IN (SELECT recipient_id FROM mailing_recipients WHERE mailing_id = $5)",
        _ => "",
    };
    let address = audience.q.as_deref().map(AddressPattern::containing);
    diesel::sql_query(format!(
        "INSERT INTO mailing_recipients (mailing_id, recipient_id)
         SELECT $1, id FROM recipients WHERE owner_id = $2 {which}"
    ))
    .bind::<BigInt, _>(mailing_id)
    .bind::<BigInt, _>(owner_id)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Text, _>(audience.q.as_deref().map(contains).unwrap_or_default())
    .bind::<BigInt, _>(audience.mailing_id.unwrap_or_default())
    .bind::<Nullable<Text>, _>(address.as_ref().map(|pattern| &pattern.stored))
    .bind::<Nullable<Text>, _>(
        address
            .as_ref()
            .and_then(|pattern| pattern.in_unicode.as_ref()),
    )
    .execute(conn)
}

/// A page of the recipients of the mailing, oldest first, and their total.
pub fn list(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    q: Option<&str>,
    paging: Paging,
) -> QueryResult<(Vec<Recipient>, i64)> {
    let of_mailing = || {
        let ids = mailing_recipients::table
            .filter(mailing_recipients::mailing_id.eq(mailing_id))
            .select(mailing_recipients::recipient_id);
        matching(Owners::One(owner_id), q).filter(recipients::id.eq_any(ids))
    };
    let total = of_mailing().select(count_star()).first(conn)?;
    let window = paging.window(total);
    let page = of_mailing()
        .limit(window.limit)
        .offset(window.offset)
        .select(Recipient::as_select());
    let rows = if window.backwards {
        page.order((recipients::created_at.desc(), recipients::id.desc()))
            .load(conn)?
    } else {
        page.order((recipients::created_at.asc(), recipients::id.asc()))
            .load(conn)?
    };
    Ok((window.in_order(rows), total))
}
