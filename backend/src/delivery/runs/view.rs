//! Runs as the API shows them: with their counts and the reason for a pause.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};

use super::model::{Counts, Run, RunRow};
use super::status::{self, PauseReason};
use crate::accounts::identity::UserRef;
use crate::core::db::prepared::prepared;

#[derive(QueryableByName)]
struct RunFacts {
    #[diesel(sql_type = BigInt)]
    run_id: i64,
    #[diesel(sql_type = BigInt)]
    owner_id: i64,
    #[diesel(sql_type = Text)]
    owner_email: String,
    #[diesel(sql_type = Nullable<Text>)]
    mailing_pause: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    breaker: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    session_limit: Option<i32>,
    #[diesel(embed)]
    counts: Counts,
}

/// Reads a few chunks per run, whatever the number of recipients.
const FACTS: &str = "
    SELECT runs.id AS run_id, users.id AS owner_id, users.email AS owner_email, run_holds.reason AS mailing_pause,
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
pub(super) fn views(conn: &mut PgConnection, rows: Vec<RunRow>) -> QueryResult<Vec<Run>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let query = sql_query(FACTS).bind::<Array<BigInt>, _>(ids);
    let mut facts: HashMap<i64, RunFacts> = prepared(query)
        .load::<RunFacts>(conn)?
        .into_iter()
        .map(|facts| (facts.run_id, facts))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            // A run that was deleted meanwhile has no facts.
            let facts = facts.remove(&row.id)?;
            Some(row.view(facts))
        })
        .collect())
}

impl RunRow {
    fn view(self, facts: RunFacts) -> Run {
        let (mailing_pause, breaker) = (
            parse_reason(facts.mailing_pause.as_deref()),
            parse_reason(facts.breaker.as_deref()),
        );
        let (status, pause_reason) = status::effective(self.status, mailing_pause, breaker);
        Run {
            id: self.id,
            owner: UserRef {
                id: facts.owner_id,
                email: facts.owner_email,
            },
            mailing_id: self.mailing_id,
            scheduled_for: self.scheduled_for,
            trigger: self.trigger,
            status,
            pause_reason,
            session_limit: facts.session_limit,
            started_at: self.started_at,
            finished_at: self.finished_at,
            counts: facts.counts,
        }
    }
}

fn parse_reason(reason: Option<&str>) -> Option<PauseReason> {
    reason.and_then(|reason| reason.parse().ok())
}
