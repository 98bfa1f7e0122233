//! Metrics read from the database: what is waiting, and for how long. Cheap: sums over open chunks, not over deliveries.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double};

/// Waiting deliveries.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Waiting {
    #[diesel(sql_type = BigInt)]
    pub pending: i64,
    #[diesel(sql_type = BigInt)]
    pub deferred: i64,
}

/// Work ahead of all engines of this database.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Backlog {
    #[diesel(sql_type = BigInt)]
    pub account_mails: i64,
    #[diesel(sql_type = Double)]
    pub scheduler_lag_s: f64,
    #[diesel(sql_type = Double)]
    pub run_lateness_s: f64,
    #[diesel(sql_type = BigInt)]
    pub installation_shut: i64,
    #[diesel(sql_type = BigInt)]
    pub own_servers: i64,
    #[diesel(sql_type = BigInt)]
    pub own_shut: i64,
}

/// Deliveries of all open runs without a final outcome.
pub fn waiting(conn: &mut PgConnection) -> QueryResult<Waiting> {
    diesel::sql_query(
        "SELECT coalesce(sum(pending), 0)::bigint AS pending, coalesce(sum(deferred), 0)::bigint AS deferred
         FROM chunks WHERE pending > 0 OR next_attempt_at IS NOT NULL",
    )
    .get_result(conn)
}

/// Work ahead of the engines. Paused, disabled and postponed mailings are not late; only the newest runs are read.
pub fn backlog(conn: &mut PgConnection) -> QueryResult<Backlog> {
    diesel::sql_query(
        "SELECT (SELECT count(*) FROM account_mails WHERE next_attempt_at IS NOT NULL) AS account_mails,
                (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_run_at)), 0)::float8 FROM mailings
                 WHERE next_run_at <= clock_timestamp() AND disabled_at IS NULL AND paused_at IS NULL
                   AND (put_off_until IS NULL OR put_off_until <= clock_timestamp())
                   AND EXISTS (SELECT FROM users WHERE users.id = owner_id AND blocked_at IS NULL)) AS scheduler_lag_s,
                (SELECT coalesce(max(extract(epoch FROM started_at - scheduled_for)), 0)::float8
                 FROM (SELECT started_at, scheduled_for, trigger FROM runs ORDER BY id DESC LIMIT 500) AS newest
                 WHERE trigger = 'schedule' AND started_at > clock_timestamp() - interval '5 minutes') AS run_lateness_s,
                count(*) FILTER (WHERE name = 'installation' AND opened_at IS NOT NULL) AS installation_shut,
                count(*) FILTER (WHERE name <> 'installation') AS own_servers,
                count(*) FILTER (WHERE name <> 'installation' AND opened_at IS NOT NULL) AS own_shut
         FROM mail_servers",
    )
    .get_result(conn)
}
