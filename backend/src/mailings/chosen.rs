//! Whom a mailing goes to, in the database: a choice becomes rows in one statement, however many they are.

use diesel::connection::SimpleConnection;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::model::Choice;
use crate::auth::policy::Owners;
use crate::db::schema::{mailing_recipients, recipients};
use crate::http::page::{Paging, contains};
use crate::recipients::model::Recipient;
use crate::recipients::store::matching;

/// The mailing goes to this choice of the owner's recipients and to nobody else; gives their number. `None` when an
/// id is not among the owner's.
pub fn choose(
    conn: &mut PgConnection,
    mailing_id: i64,
    owner_id: i64,
    choice: &Choice,
) -> QueryResult<Option<i32>> {
    // A million take some ten seconds, most of them for the foreign keys.
    conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
    diesel::delete(mailing_recipients::table.filter(mailing_recipients::mailing_id.eq(mailing_id)))
        .execute(conn)?;
    let insert = "INSERT INTO mailing_recipients (mailing_id, recipient_id) SELECT $1, id FROM recipients WHERE owner_id = $2";
    let chosen = match (&choice.ids, &choice.q) {
        (Some(ids), _) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            let wanted = ids.len();
            let by_id = diesel::sql_query(format!("{insert} AND id = ANY($3)"))
                .bind::<BigInt, _>(mailing_id)
                .bind::<BigInt, _>(owner_id);
            let chosen = by_id.bind::<Array<BigInt>, _>(ids).execute(conn)?;
            if chosen != wanted {
                return Ok(None);
            }
            chosen
        }
        (None, Some(term)) => {
            let by_search = diesel::sql_query(format!(
                "{insert} AND (email ILIKE $3 OR full_name ILIKE $3)"
            ));
            by_search
                .bind::<BigInt, _>(mailing_id)
                .bind::<BigInt, _>(owner_id)
                .bind::<Text, _>(contains(term))
                .execute(conn)?
        }
        (None, None) => diesel::sql_query(insert)
            .bind::<BigInt, _>(mailing_id)
            .bind::<BigInt, _>(owner_id)
            .execute(conn)?,
    };
    Ok(Some(i32::try_from(chosen).unwrap_or(i32::MAX)))
}

/// A page of whom the mailing goes to, the oldest first, and their number.
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
