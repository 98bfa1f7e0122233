//! What a session of the database shows beside its tables: its clock, its time zones, and how many may be had.

use std::fs;

use chrono::{DateTime, Datelike, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Integer, Timestamptz};

use super::Findings;
use crate::config::Config;
use crate::core::clock::Clock;
use crate::core::zone;
use crate::delivery::mailings::zone_data;

/// Sign-ins and schedules follow the database's clock; the log and certificates do not.
const NOTABLE_S: i64 = 2;
const UNUSABLE_S: i64 = 300;

/// The engine's own connections beside the pool: claimer, recorder, keeper, and one to spare.
const OF_THE_ENGINE: i64 = 4;

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Room {
    #[diesel(sql_type = Integer)]
    most: i32,
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
    let database: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    let between = before + (clock.now() - before) / 2;
    let apart = (database.now - between).num_milliseconds();
    let words = match apart {
        0.. => format!("the database's is {apart} ms ahead of this machine's"),
        _ => format!("the database's is {} ms behind this machine's", -apart),
    };
    let advice = "let both follow a time server (systemd-timesyncd, chrony)";
    match apart.abs() / 1000 {
        UNUSABLE_S.. => findings.fail("clock", words, advice),
        NOTABLE_S.. => findings.warn("clock", words, advice),
        _ => findings.ok("clock", words),
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
    let advice = "install a newer release of this program: it brings the current rules";
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
        findings.warn("time-zones", format!("{message}: old"), advice);
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
    let room: Room = diesel::sql_query(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::int AS used",
    )
    .get_result(conn)?;
    let each = i64::from(config.database.pool_size) + OF_THE_ENGINE;
    let message = format!(
        "a process takes up to {each}; of {} that the database allows {} are in use",
        room.most, room.used
    );
    let advice = "lower DB_POOL_SIZE, or raise max_connections in PostgreSQL";
    if each > i64::from(room.most) {
        findings.fail("connections", message, advice);
    } else if i64::from(room.used) + each > i64::from(room.most) {
        let advice = format!("right where those in use are this service's own; otherwise {advice}");
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
    fn zone_data_are_old_from_the_middle_of_the_next_year_on() {
        let at = |text: &str| text.parse().unwrap();
        assert!(!is_outdated("2026f", at("2027-06-30T00:00:00Z")));
        assert!(is_outdated("2026f", at("2027-07-01T00:00:00Z")));
        assert!(is_outdated("2025b", at("2026-11-29T00:00:00Z")));
        assert!(is_outdated("", at("2026-11-29T00:00:00Z")));
    }
}
