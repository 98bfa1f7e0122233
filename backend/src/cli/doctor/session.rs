//! Checks the database's clock, time zones and connection limit.

use std::fs;

use chrono::{DateTime, Datelike, Utc};
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::findings::Findings;
use crate::config::Config;
use crate::core::clock::Clock;
use crate::core::zone;
use crate::delivery::deliveries::withdrawals::database_now;
use crate::delivery::mailings::zone_data;

/// Difference between the clocks to warn about, and to fail at. Sign-ins and schedules follow the database's clock; the
/// log and certificates follow this machine's.
const WARN_SECONDS: i64 = 2;
const FAIL_SECONDS: i64 = 300;

/// The engine's own connections: claimer, result writer, control loop, and a spare one.
const ENGINE_CONNECTIONS: i64 = 4;

#[derive(QueryableByName)]
struct ConnectionsRow {
    #[diesel(sql_type = Integer)]
    max: i32,
    #[diesel(sql_type = Integer)]
    used: i32,
}

pub(super) fn examine(
    config: &Config,
    conn: &mut PgConnection,
    findings: &Findings,
) -> QueryResult<()> {
    clock(conn, findings)?;
    zones(conn, findings);
    connections(config, conn, findings)
}

fn clock(conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let clock = Clock::system();
    let before = clock.now();
    let database_now = database_now(conn)?;
    let between = before + (clock.now() - before) / 2;
    let difference_ms = (database_now - between).num_milliseconds();
    let message = match difference_ms {
        0.. => format!("the database's clock is {difference_ms} ms ahead of this machine's"),
        _ => format!(
            "the database's clock is {} ms behind this machine's",
            -difference_ms
        ),
    };
    let advice = "synchronise both with a time server (systemd-timesyncd, chrony)";
    match difference_ms.abs() / 1000 {
        FAIL_SECONDS.. => findings.fail("clock", message, advice),
        WARN_SECONDS.. => findings.warn("clock", message, advice),
        _ => findings.ok("clock", message),
    }
    Ok(())
}

/// Schedules and statistics use the time zone data built into the program, never PostgreSQL's.
fn zones(conn: &mut PgConnection, findings: &Findings) {
    let ours = zone::data_version();
    let message = format!("IANA {ours}, built in; the last rules apply beyond 2100");
    // A database that is not migrated yet lacks this table; that is reported elsewhere.
    let computed_by = zone_data::version(conn).unwrap_or_default();
    let machine = machine_version();
    let advice = "install a newer release of this program, which has the current rules";
    if let Some(newer) = computed_by.filter(|computed_by| computed_by.as_str() > ours) {
        findings.warn(
            "time-zones",
            format!("{message}; mailings use IANA {newer}, which is built into another process"),
            advice,
        );
    } else if let Some(newer) = machine.filter(|machine| machine.as_str() > ours) {
        findings.warn(
            "time-zones",
            format!("{message}; this machine has IANA {newer}"),
            advice,
        );
    } else if is_outdated(ours, Clock::system().now()) {
        findings.warn("time-zones", format!("{message}: outdated"), advice);
    } else {
        findings.ok("time-zones", message);
    }
}

/// The release of the machine's own time zone files, if they contain it.
fn machine_version() -> Option<String> {
    let text = fs::read_to_string("/usr/share/zoneinfo/tzdata.zi").ok()?;
    let version = text.lines().next()?.strip_prefix("# version ")?;
    Some(version.trim().to_owned())
}

/// Whether the release is outdated: after the middle of the following year, by when several others have appeared.
fn is_outdated(version: &str, now: DateTime<Utc>) -> bool {
    let year = version.get(..4).and_then(|year| year.parse::<i32>().ok());
    year.is_none_or(|year| (now.year(), now.month()) >= (year + 1, 7))
}

fn connections(config: &Config, conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let connections: ConnectionsRow = diesel::sql_query(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS max,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::int AS used",
    )
    .get_result(conn)?;
    let each = i64::from(config.database.pool_size) + ENGINE_CONNECTIONS;
    let message = format!(
        "a process uses up to {each} connections; {} of the database's {} are in use",
        connections.used, connections.max
    );
    let advice = "lower DB_POOL_SIZE, or raise max_connections in PostgreSQL";
    if each > i64::from(connections.max) {
        findings.fail("connections", message, advice);
    } else if i64::from(connections.used) + each > i64::from(connections.max) {
        let advice = format!("expected if those in use belong to this service; otherwise {advice}");
        findings.warn("connections", message, advice);
    } else {
        findings.ok("connections", message);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_data_are_outdated_from_the_middle_of_the_next_year() {
        let at = |text: &str| text.parse().unwrap();
        assert!(!is_outdated("2026f", at("2027-06-30T00:00:00Z")));
        assert!(is_outdated("2026f", at("2027-07-01T00:00:00Z")));
        assert!(is_outdated("2025b", at("2026-11-29T00:00:00Z")));
        assert!(is_outdated("", at("2026-11-29T00:00:00Z")));
    }
}
