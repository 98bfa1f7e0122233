//! Quotas, and what an owner stores and has sent, in the database.

use chrono::{DateTime, Utc};
use diesel::dsl::sum;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use super::model::{AccountQuotas, DAY, OwnerQuotas, Quota, Quotas, Room, SentMails, room};
use crate::accounts::users::store::lock_for_changes;
use crate::core::db::schema::{recipient_totals, users};

/// The effective quotas of this owner.
pub fn of_owner(
    conn: &mut PgConnection,
    quotas: Quotas,
    owner_id: i64,
) -> QueryResult<OwnerQuotas> {
    Ok(quotas.of(of_account(conn, owner_id)?))
}

/// The quota settings of this account.
pub fn of_account(conn: &mut PgConnection, user_id: i64) -> QueryResult<AccountQuotas> {
    let columns = (
        users::recipients_quota,
        users::mails_a_day_quota,
        users::has_default_quotas,
    );
    let (recipients, mails_a_day, has_defaults): (Option<i64>, Option<i64>, bool) =
        users::table.find(user_id).select(columns).first(conn)?;
    Ok(AccountQuotas {
        recipients: recipients.map(Quota::of),
        mails_a_day: mails_a_day.map(Quota::of),
        has_defaults,
    })
}

/// Sets the quotas of one account; `None` resets to the default.
pub fn set(
    conn: &mut PgConnection,
    user_id: i64,
    recipients: Option<i64>,
    mails_a_day: Option<i64>,
) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set((
            users::recipients_quota.eq(recipients),
            users::mails_a_day_quota.eq(mails_a_day),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whether the owner may store one more recipient.
pub fn has_room_for_recipient(
    conn: &mut PgConnection,
    quotas: Quotas,
    owner_id: i64,
) -> QueryResult<bool> {
    let Some(quota) = of_owner(conn, quotas, owner_id)?.recipients else {
        return Ok(true);
    };
    lock_for_changes(conn, owner_id)?;
    Ok(recipients_of(conn, owner_id)? < quota)
}

/// The number of recipients, from the counters that the database keeps.
fn recipients_of(conn: &mut PgConnection, owner_id: i64) -> QueryResult<i64> {
    let number: Option<i64> = recipient_totals::table
        .filter(recipient_totals::owner_id.eq(owner_id))
        .select(sum(recipient_totals::recipients))
        .first(conn)?;
    Ok(number.unwrap_or_default())
}

/// The time from which the owner may send `mails` mails.
pub fn room_for_mails(
    conn: &mut PgConnection,
    quotas: Quotas,
    owner_id: i64,
    mails: i32,
    now: DateTime<Utc>,
) -> QueryResult<Room> {
    Ok(Allowance::of(conn, quotas, owner_id, now)?.room(mails))
}

/// What an owner may still send, read once and decremented until the end of the transaction.
#[derive(Debug)]
pub struct Allowance {
    quota: Option<i64>,
    sent: Vec<SentMails>,
}

impl Allowance {
    /// Reads what the owner has sent. No other run of the owner starts before the end of the transaction.
    pub fn of(
        conn: &mut PgConnection,
        quotas: Quotas,
        owner_id: i64,
        now: DateTime<Utc>,
    ) -> QueryResult<Self> {
        let quota = of_owner(conn, quotas, owner_id)?.mails_a_day;
        let sent = match quota {
            Some(_) => {
                lock_for_changes(conn, owner_id)?;
                sent(conn, owner_id, now)?
            }
            None => Vec::new(),
        };
        Ok(Self { quota, sent })
    }

    /// The time from which the owner may send `more` mails.
    pub fn room(&self, more: i32) -> Room {
        self.quota
            .map_or(Room::Now, |quota| room(quota, &self.sent, more.into()))
    }

    /// The time from which the owner may make the change that has led from `before` to this.
    pub fn room_since(&self, before: &Self) -> Room {
        let used = |sent: &[SentMails]| sent.iter().map(|sent| sent.mails).sum::<i64>();
        let more = used(&self.sent) - used(&before.sent);
        match self.quota {
            // Mails that already count may be sent again, even if the quota has been lowered since.
            Some(quota) if more > 0 => room(quota, &before.sent, more),
            _ => Room::Now,
        }
    }

    /// Subtracts the recipients of a run that starts now.
    pub fn take(&mut self, mails: i32, now: DateTime<Utc>) {
        self.sent.push(SentMails {
            since: now,
            mails: mails.into(),
        });
    }
}

#[derive(QueryableByName)]
struct SentRow {
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    mails: i64,
}

/// A run that has been open for longer, because it was paused or is slow, may still send its unattempted mails. Retries
/// count from the time they were requested, unless their run does.
fn sent(conn: &mut PgConnection, owner_id: i64, now: DateTime<Utc>) -> QueryResult<Vec<SentMails>> {
    let rows: Vec<SentRow> = diesel::sql_query(
        "SELECT CASE WHEN started_at > $2 THEN started_at ELSE $3 END AS started_at,
                CASE WHEN finished_at IS NOT NULL THEN attempted
                     ELSE CASE WHEN started_at > $2 THEN attempted + deferred ELSE 0 END
                        + pending + CASE WHEN fanned_out_at IS NULL THEN greatest(0, planned - prepared) ELSE 0 END
                END AS mails
         FROM runs, LATERAL (
             SELECT coalesce(sum(accepted + rejected + uncertain), 0) AS attempted,
                    coalesce(sum(deferred), 0) AS deferred, coalesce(sum(pending), 0) AS pending,
                    coalesce(sum(pending + deferred + accepted + rejected + uncertain + expired + skipped), 0) AS prepared
             FROM chunks WHERE run_id = runs.id) AS counts
         WHERE owner_id = $1 AND (started_at > $2 OR status IN ('running', 'paused'))
         UNION ALL
         SELECT retried_at, retried FROM runs WHERE owner_id = $1 AND retried_at > $2 AND started_at <= $2
         ORDER BY 1",
    )
    .bind::<BigInt, _>(owner_id)
    .bind::<Timestamptz, _>(now - DAY)
    .bind::<Timestamptz, _>(now)
    .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| SentMails {
            since: row.started_at,
            mails: row.mails,
        })
        .collect())
}
