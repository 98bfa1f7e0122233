//! Recurrence in every zone and year, against a slow second opinion.
#![cfg(test)]

use std::ops::Range;

use chrono::{
    DateTime, Datelike, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone, Utc,
};
use dispatch::core::zone::Zone;
use dispatch::delivery::mailings::recurrence::{ACCEPTED, Note, Recurrence, Schedule};
use proptest::{prelude::*, sample::select};

/// Where the calendar, counted by hand, puts occurrence `index`.
fn wanted(schedule: &Schedule, index: u32) -> NaiveDateTime {
    let anchor = schedule
        .starts_at
        .with_timezone(&schedule.time_zone)
        .naive_local();
    let days = match schedule.recurrence {
        Recurrence::Once => 0,
        Recurrence::Daily => index,
        Recurrence::Weekly => 7 * index,
        Recurrence::Monthly => {
            let months = anchor.month0() + index;
            let year = anchor.year() + i32::try_from(months / 12).unwrap();
            let day_or_last = (1..=anchor.day())
                .rev()
                .find_map(|day| NaiveDate::from_ymd_opt(year, months % 12 + 1, day));
            return day_or_last.unwrap().and_time(anchor.time());
        }
    };
    anchor + TimeDelta::days(days.into())
}

/// The moment and the clock change behind it, the gap being found by walking to its edges.
pub(crate) fn moment(zone: Zone, wanted: NaiveDateTime) -> (DateTime<Utc>, Option<Note>) {
    match zone.from_local_datetime(&wanted) {
        MappedLocalTime::Single(at) => (at.to_utc(), None),
        MappedLocalTime::Ambiguous(first, _) => (first.to_utc(), Some(Note::DstOverlap)),
        MappedLocalTime::None => {
            let offset = |minutes| {
                let edge = zone.from_local_datetime(&(wanted + TimeDelta::minutes(minutes)));
                edge.latest()
                    .map(|at| i64::from(at.offset().fix().local_minus_utc()))
            };
            let before = (1..).find_map(|minutes| offset(-minutes)).unwrap();
            let after = (1..).find_map(offset).unwrap();
            let moved = wanted + TimeDelta::seconds(after - before);
            (
                zone.from_local_datetime(&moved).unwrap().to_utc(),
                Some(Note::DstGap),
            )
        }
    }
}

pub(crate) fn assert_calendar(schedule: &Schedule, indices: Range<u32>) {
    let anchor_day = wanted(schedule, 0).day();
    for index in indices {
        let local = wanted(schedule, index);
        let (at, clock_change) = moment(schedule.time_zone, local);
        let clipped = schedule.recurrence == Recurrence::Monthly && local.day() != anchor_day;
        match schedule.occurrence(index) {
            Some(found) => {
                assert_eq!(found.at, at, "{schedule:?} {index}");
                assert_eq!(found.local, at.with_timezone(&schedule.time_zone));
                assert_eq!(
                    found.note,
                    clock_change.or(clipped.then_some(Note::MonthEnd))
                );
            }
            None if ACCEPTED.contains(&at) => {
                let next = moment(schedule.time_zone, wanted(schedule, index + 1)).0;
                assert_eq!(
                    (at, clock_change),
                    (next, Some(Note::DstGap)),
                    "{schedule:?} {index}"
                );
            }
            None => {}
        }
    }
}

#[test]
fn in_every_zone_the_years_with_known_oddities_follow_the_calendar() {
    for time_zone in Zone::all() {
        for (year, quarters) in [(2011, 9), (2026, 2)] {
            let local = NaiveDate::from_ymd_opt(year, 1, 31)
                .unwrap()
                .and_time(NaiveTime::MIN)
                + TimeDelta::minutes(15 * quarters);
            let starts_at = time_zone.from_local_datetime(&local).unwrap().to_utc();
            let recurrence = Recurrence::Daily;
            assert_calendar(
                &Schedule {
                    starts_at,
                    local_start: None,
                    ends_at: None,
                    recurrence,
                    time_zone,
                },
                0..366,
            );
        }
    }
}

/// All zones in a stable order, so that failures are reproducible.
fn zones() -> Vec<Zone> {
    let mut zones: Vec<Zone> = Zone::all().collect();
    zones.sort_unstable_by_key(|zone| zone.name());
    zones
}

/// Anchors in the small hours, where clocks change, in the accepted years.
fn schedules() -> impl Strategy<Value = Schedule> {
    let zones = select(zones());
    (
        zones,
        select(Recurrence::ALL),
        1..73_000_i64,
        0..20_i64,
        prop::option::of(0..1_500_i64),
    )
        .prop_map(|(time_zone, recurrence, day, quarters, length)| {
            let local = ACCEPTED.start.naive_utc()
                + TimeDelta::days(day)
                + TimeDelta::minutes(15 * quarters);
            let starts_at = moment(time_zone, local).0;
            let ends_at = length.map(|days| starts_at + TimeDelta::days(days));
            Schedule {
                starts_at,
                local_start: None,
                ends_at,
                recurrence,
                time_zone,
            }
        })
}

/// Any moment chrono can hold, with and without leap seconds.
fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    let seconds = prop_oneof![
        any::<i64>(),
        -9_000_000_000_000..9_000_000_000_000_i64,
        0..5_000_000_000_i64
    ];
    (seconds, 0..2_000_000_000_u32).prop_map(|(seconds, nanos)| {
        let limit = if seconds < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        };
        DateTime::from_timestamp(seconds, nanos).unwrap_or(limit)
    })
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn occurrences_follow_the_calendar_and_each_is_later_than_the_one_before(
        schedule in schedules(), from in 0..30_000_u32,
    ) {
        let schedule = Schedule { ends_at: None, ..schedule };
        let until = if schedule.recurrence == Recurrence::Once { 1 } else { from + 40 };
        assert_calendar(&schedule, from.min(until)..until);
        let found: Vec<_> = (from..from + 40).filter_map(|index| schedule.occurrence(index)).collect();
        prop_assert!(found.is_sorted_by(|one, next| one.at < next.at));
    }

    #[test]
    fn the_newest_and_the_first_after_are_those_that_counting_finds(
        schedule in schedules(), days in prop::collection::vec(-40..1_600_i64, 3), second in -1..=1_i64,
    ) {
        let all: Vec<_> = (0..1_700).filter_map(|index| schedule.occurrence(index)).collect();
        for day in days {
            let near = schedule.starts_at + TimeDelta::days(day);
            let local = wanted(&schedule, 0) + TimeDelta::days(day);
            for now in [near, moment(schedule.time_zone, local).0].map(|now| now + TimeDelta::seconds(second)) {
                let newest = all.iter().rfind(|found| found.at <= now).copied();
                let next = all.iter().find(|found| found.at > now).copied();
                prop_assert_eq!(schedule.newest_at_or_before(now), newest);
                prop_assert_eq!(schedule.first_after(now), next);
                prop_assert_eq!(newest.and_then(|newest| schedule.deadline_of(newest.index)),
                    newest.and(next.map(|next| next.at).or(schedule.ends_at)));
            }
        }
    }

    #[test]
    fn whenever_the_service_is_up_every_occurrence_is_decided_once(
        schedule in schedules(), pauses in prop::collection::vec(1..2_000_i64, 1..40),
    ) {
        let set_at = schedule.starts_at - TimeDelta::days(1);
        let (mut now, mut next_index, mut decided) = (set_at, Some(0), Vec::new());
        for hours in pauses {
            now += TimeDelta::hours(hours);
            let Some(next) = next_index else { break };
            let due = schedule.catch_up(next, set_at, now);
            prop_assert!(due.run.is_none_or(|run| schedule.ends_at.is_none_or(|end| now < end) && run.at <= now));
            decided.extend(due.missed.iter().chain(&due.run).map(|occurrence| occurrence.index));
            next_index = due.next.map(|next| next.index);
        }
        let come = (0..4_000).filter_map(|index| schedule.occurrence(index)).take_while(|found| found.at <= now);
        prop_assert_eq!(decided, come.map(|found| found.index).collect::<Vec<_>>());
    }

    #[test]
    fn no_input_panics_and_nothing_falls_outside_the_accepted_years(
        at in prop::array::uniform3(moments()), ends_at in prop::option::of(moments()), index: u32,
        time_zone in select(zones()), recurrence in select(Recurrence::ALL),
    ) {
        let [starts_at, set_at, now] = at;
        let schedule = Schedule { starts_at, local_start: None, ends_at, recurrence, time_zone };
        let due = schedule.catch_up(index, set_at, now);
        let _ = (schedule.deadline_of(index), schedule.catch_up(u32::MAX, set_at, now));
        let found = schedule.upcoming(now, 3).into_iter().chain(due.missed).chain(due.run).chain(due.next)
            .chain(schedule.newest_at_or_before(now)).chain(schedule.occurrence(index)).chain(schedule.occurrence(0));
        for occurrence in found {
            prop_assert!(ACCEPTED.contains(&occurrence.at) && ends_at.is_none_or(|end| occurrence.at < end));
        }
    }
}
