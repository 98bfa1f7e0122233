//! Runs as the API shows them: with what their deliveries add up to, and what keeps them from being sent.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use super::model::{Counts, Run, RunRow};
use crate::accounts::users::user_ref::UserRef;
use crate::core::db::prepared::prepared;
use crate::delivery::mailings::status::{self, PauseReason};

#[derive(QueryableByName)]
struct Standing {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = Text)]
    owner_email: String,
    #[diesel(sql_type = Nullable<Text>)]
    hold: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    breaker: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    session_limit: Option<i32>,
    #[diesel(embed)]
    counts: Counts,
}

/// How these runs stand: a few chunks each, whatever the number of recipients.
const STANDINGS: &str = "
    SELECT runs.id AS run_id, users.id AS owner_id, users.email AS owner_email, run_holds.reason AS hold,
           mail_servers.cause AS breaker, session_limit,
           done.total + unprepared AS total, done.pending + unprepared AS pending,
           accepted, rejected, deferred, uncertain, expired, skipped
    FROM runs JOIN users ON users.id = runs.owner_id LEFT JOIN run_holds ON run_holds.run_id = runs.id
    LEFT JOIN mailings ON mailings.id = runs.mailing_id
    LEFT JOIN mail_servers ON finished_at IS NULL
        AND mail_servers.name = coalesce('smtp_server:' || mailings.smtp_server_id, 'installation'),
    LATERAL (SELECT coalesce(sum(pending), 0) AS pending, coalesce(sum(deferred), 0) AS deferred,
                    coalesce(sum(accepted), 0) AS accepted, coalesce(sum(rejected), 0) AS rejected,
                    coalesce(sum(uncertain), 0) AS uncertain, coalesce(sum(expired), 0) AS expired,
                    coalesce(sum(skipped), 0) AS skipped,
                    coalesce(sum(pending + deferred + accepted + rejected + uncertain + expired + skipped), 0) AS total
             FROM chunks WHERE chunks.run_id = runs.id) AS done,
    LATERAL (SELECT CASE WHEN fanned_out_at IS NULL AND finished_at IS NULL THEN greatest(coalesce(recipients_count, 0) - done.total, 0)
                         ELSE 0 END AS unprepared) AS rest
    WHERE runs.id = ANY($1)";

/// These runs, in one statement.
pub(super) fn shown(conn: &mut PgConnection, rows: Vec<RunRow>) -> QueryResult<Vec<Run>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let asked = sql_query(STANDINGS).bind::<Array<BigInt>, _>(ids);
    let mut standings: HashMap<i64, Standing> = prepared(asked)
        .load::<Standing>(conn)?
        .into_iter()
        .map(|standing| (standing.run_id, standing))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            // One that has just gone, with its owner, has no standing.
            let standing = standings.remove(&row.id)?;
            Some(row.shown(standing))
        })
        .collect())
}

impl RunRow {
    fn shown(self, standing: Standing) -> Run {
        let (hold, breaker) = (
            known(standing.hold.as_deref()),
            known(standing.breaker.as_deref()),
        );
        let (status, pause_reason) = status::of_run(self.status, hold, breaker);
        Run {
            id: self.id,
            owner: UserRef {
                id: standing.owner_id,
                email: standing.owner_email,
            },
            mailing_id: self.mailing_id,
            scheduled_for: self.scheduled_for,
            trigger: self.trigger,
            status,
            pause_reason,
            session_limit: standing.session_limit,
            started_at: self.started_at,
            finished_at: self.finished_at,
            counts: standing.counts,
        }
    }
}

fn known(reason: Option<&str>) -> Option<PauseReason> {
    reason.and_then(|reason| reason.parse().ok())
}
