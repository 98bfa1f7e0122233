//! Recurrence over clock changes and month ends that people know, in the words of a calendar.
#![cfg(test)]

use chrono::{DateTime, Datelike, TimeZone, Utc};
use dispatch::core::zone::Zone;
use dispatch::delivery::mailings::recurrence::{Occurrence, Recurrence, Schedule};

/// Checks lines of `zone | anchor | next | next …`, each occurrence as a user reads it.
fn assert_series(recurrence: Recurrence, table: &str) {
    for line in table.trim().lines() {
        let mut cells = line.split('|').map(str::trim);
        let time_zone = cells.next().unwrap().parse().unwrap();
        let expected: Vec<&str> = cells.collect();
        let starts_at = DateTime::parse_from_str(expected[0], "%F %R %:z")
            .unwrap()
            .to_utc();
        let schedule = Schedule {
            starts_at,
            local_start: None,
            ends_at: None,
            recurrence,
            time_zone,
        };

        let later = schedule.upcoming(starts_at, expected.len() - 1);
        let series: Vec<String> = schedule
            .occurrence(0)
            .into_iter()
            .chain(later)
            .map(read)
            .collect();
        assert_eq!(series, expected, "{time_zone}");
    }
}

fn read(occurrence: Occurrence) -> String {
    let note = occurrence
        .note
        .map_or(String::new(), |note| format!(" {}", note.as_str()));
    format!("{}{note}", occurrence.local.format("%F %R %:z"))
}

#[test]
fn a_time_that_does_not_exist_moves_forward_by_the_gap() {
    let table = "
Europe/Berlin       | 2026-03-28 02:30 +01:00 | 2026-03-29 03:30 +02:00 dst_gap | 2026-03-30 02:30 +02:00
America/New_York    | 2026-03-07 02:30 -05:00 | 2026-03-08 03:30 -04:00 dst_gap | 2026-03-09 02:30 -04:00
Australia/Lord_Howe | 2026-10-03 02:15 +10:30 | 2026-10-04 02:45 +11:00 dst_gap | 2026-10-05 02:15 +11:00
Africa/Casablanca   | 2026-03-21 02:30 +00:00 | 2026-03-22 03:30 +01:00 dst_gap | 2026-03-23 02:30 +01:00
Europe/Moscow       | 2011-03-26 02:30 +03:00 | 2011-03-27 03:30 +04:00 dst_gap | 2011-03-28 02:30 +04:00";
    assert_series(Recurrence::Daily, table);
}

#[test]
fn a_time_that_exists_twice_fires_once_the_first_time() {
    let table = "
Europe/Berlin       | 2026-10-24 02:30 +02:00 | 2026-10-25 02:30 +02:00 dst_overlap | 2026-10-26 02:30 +01:00
America/New_York    | 2026-10-31 01:30 -04:00 | 2026-11-01 01:30 -04:00 dst_overlap | 2026-11-02 01:30 -05:00
Australia/Lord_Howe | 2026-04-04 01:45 +11:00 | 2026-04-05 01:45 +11:00 dst_overlap | 2026-04-06 01:45 +10:30
Africa/Casablanca   | 2026-02-14 02:30 +01:00 | 2026-02-15 02:30 +01:00 dst_overlap | 2026-02-16 02:30 +00:00
Europe/Moscow       | 2014-10-25 01:30 +04:00 | 2014-10-26 01:30 +04:00 dst_overlap | 2014-10-27 01:30 +03:00";
    assert_series(Recurrence::Daily, table);
}

#[test]
fn an_anchor_in_the_second_of_two_equal_hours_stays_there() {
    let table = "Europe/Berlin | 2026-10-25 02:30 +01:00 | 2026-10-26 02:30 +01:00";
    assert_series(Recurrence::Daily, table);
}

#[test]
fn local_time_stays_the_same_over_clock_changes() {
    let weekly = "
Europe/Berlin | 2026-03-26 09:00 +01:00 | 2026-04-02 09:00 +02:00 | 2026-04-09 09:00 +02:00
Europe/Moscow | 2014-10-20 09:00 +04:00 | 2014-10-27 09:00 +03:00 | 2014-11-03 09:00 +03:00";
    assert_series(Recurrence::Weekly, weekly);
    let monthly = "Europe/Berlin | 2026-10-05 09:00 +02:00 | 2026-11-05 09:00 +01:00";
    assert_series(Recurrence::Monthly, monthly);
}

#[test]
fn a_day_that_a_month_lacks_is_its_last_and_comes_back_after_it() {
    let table = "
UTC          | 2026-01-31 12:00 +00:00 | 2026-02-28 12:00 +00:00 month_end | 2026-03-31 12:00 +00:00
UTC          | 2028-01-30 12:00 +00:00 | 2028-02-29 12:00 +00:00 month_end | 2028-03-30 12:00 +00:00
Africa/Cairo | 2027-03-31 00:30 +02:00 | 2027-04-30 01:30 +03:00 dst_gap   | 2027-05-31 00:30 +03:00";
    assert_series(Recurrence::Monthly, &table.replace("gap  ", "gap"));
}

#[test]
fn the_29th_of_february_returns_in_leap_years_until_2100_ends() {
    let starts_at = Utc.with_ymd_and_hms(2028, 2, 29, 12, 0, 0).unwrap();
    let recurrence = Recurrence::Monthly;
    let schedule = Schedule {
        starts_at,
        local_start: None,
        ends_at: None,
        recurrence,
        time_zone: Zone::utc(),
    };
    let years_later = |years: u32| {
        schedule
            .occurrence(12 * years)
            .map(|found| found.local.day())
    };
    assert_eq!(
        [1, 4, 72, 73].map(years_later),
        [Some(28), Some(29), Some(28), None]
    );
}

#[test]
fn a_day_the_zone_left_out_adds_no_second_occurrence_to_the_next() {
    let daily = "Pacific/Apia | 2011-12-29 10:00 -10:00 | 2011-12-31 10:00 +14:00 | 2012-01-01 10:00 +14:00";
    assert_series(Recurrence::Daily, daily);
    let weekly = "Pacific/Apia | 2011-12-23 10:00 -10:00 | 2011-12-31 10:00 +14:00 dst_gap | 2012-01-06 10:00 +14:00";
    assert_series(Recurrence::Weekly, weekly);
}
