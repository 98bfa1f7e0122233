//! What a session of the database shows beside its tables: its clock, its time zones, and how many may be had.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{Integer, Text, Timestamp, Timestamptz};

use super::Findings;
use crate::clock::Clock;
use crate::config::Config;

/// Sign-ins and schedules follow the database's clock; the log and certificates do not.
const NOTABLE_S: i64 = 2;
const UNUSABLE_S: i64 = 300;

/// The engine's own connections beside the pool: claimer, recorder, keeper, and one to spare.
const OF_THE_ENGINE: i64 = 4;

/// Zones whose rules have changed in recent years, and moments that tell old data from new.
const ZONES: [(&str, &str); 5] = [
    ("Europe/Moscow", "2030-07-01T12:00:00Z"),
    ("America/New_York", "2030-07-01T12:00:00Z"),
    ("Asia/Almaty", "2030-07-01T12:00:00Z"),
    ("America/Mexico_City", "2030-07-01T12:00:00Z"),
    ("Africa/Cairo", "2030-07-01T12:00:00Z"),
];

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Local {
    #[diesel(sql_type = Timestamp)]
    local: NaiveDateTime,
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
    zones(conn, findings)?;
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

/// Mailings are reckoned with the zones compiled into the program, some statistics with those of PostgreSQL.
fn zones(conn: &mut PgConnection, findings: &Findings) -> QueryResult<()> {
    let advice = "update the time zones of the machine PostgreSQL runs on (tzdata), or the program: one of them has old rules";
    for (name, moment) in ZONES {
        let (Ok(zone), Ok(moment)) = (name.parse::<Tz>(), moment.parse::<DateTime<Utc>>()) else {
            continue;
        };
        let ours = moment.with_timezone(&zone).naive_local();
        let asked = diesel::sql_query("SELECT $1 AT TIME ZONE $2 AS local")
            .bind::<Timestamptz, _>(moment)
            .bind::<Text, _>(name)
            .get_result::<Local>(conn);
        match asked {
            Ok(theirs) if theirs.local == ours => {}
            Ok(theirs) => {
                let message = format!(
                    "{name}: PostgreSQL says {}, the program {ours}",
                    theirs.local
                );
                findings.warn("time-zones", message, advice);
                return Ok(());
            }
            Err(Error::DatabaseError(..)) => {
                findings.fail(
                    "time-zones",
                    format!("PostgreSQL does not know {name}"),
                    advice,
                );
                return Ok(());
            }
            Err(error) => return Err(error),
        }
    }
    findings.ok("time-zones", "PostgreSQL and the program agree");
    Ok(())
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
