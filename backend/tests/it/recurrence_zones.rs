//! Every change of every zone's clock in the accepted years, met by every kind of recurrence.
#![cfg(test)]

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Months, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use dispatch::core::zone::Zone;
use dispatch::delivery::mailings::recurrence::{ACCEPTED, Note, Recurrence, Schedule};

use crate::recurrence_properties::{assert_calendar, moment};

/// The zone's offset changes, at this moment, from the one to the other, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Change {
    at: DateTime<Utc>,
    before: i32,
    after: i32,
}

fn offset(zone: Zone, at: DateTime<Utc>) -> i32 {
    let offset = zone.offset_from_utc_datetime(&at.naive_utc());
    offset.fix().local_minus_utc()
}

/// Found by asking for the offset of every day, and then for that of ever shorter parts of a day.
fn changes(zone: Zone) -> Vec<Change> {
    let (mut found, mut day, mut before) =
        (Vec::new(), ACCEPTED.start, offset(zone, ACCEPTED.start));
    while day < ACCEPTED.end {
        let next = day + TimeDelta::days(1);
        let after = offset(zone, next);
        if after != before {
            let at = first_with(zone, after, day..next);
            found.push(Change { at, before, after });
        }
        (day, before) = (next, after);
    }
    found
}

fn first_with(zone: Zone, wanted: i32, within: Range<DateTime<Utc>>) -> DateTime<Utc> {
    let (mut before, mut after) = (within.start, within.end);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if offset(zone, middle) == wanted {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

impl Change {
    /// Times on the wall that the change touches: the last before it, the first, one in the middle and the last that do
    /// not exist or exist twice, and the first after it.
    fn touched(self) -> [NaiveDateTime; 5] {
        let (first, end) = self.untold();
        let second = TimeDelta::seconds(1);
        [
            first - second,
            first,
            first + (end - first) / 2,
            end - second,
            end,
        ]
    }

    /// From when to when the wall's clock shows what does not exist or exists twice.
    fn untold(self) -> (NaiveDateTime, NaiveDateTime) {
        let local = |offset: i32| self.at.naive_utc() + TimeDelta::seconds(offset.into());
        let (one, other) = (local(self.before), local(self.after));
        (one.min(other), one.max(other))
    }

    /// When an occurrence is due that the calendar puts at `local`. What does not exist is read as if the clock had not
    /// changed yet, which moves it forward by the gap; of what exists twice, the first is before the change.
    fn due(self, local: NaiveDateTime) -> (DateTime<Utc>, Option<Note>) {
        let (first, end) = self.untold();
        let offset = if local < end { self.before } else { self.after };
        let note = if self.after > self.before {
            Note::DstGap
        } else {
            Note::DstOverlap
        };
        let at = (local - TimeDelta::seconds(offset.into())).and_utc();
        (at, (first..end).contains(&local).then_some(note))
    }
}

/// From where a series of this kind comes to `local`, and after how many periods.
fn anchors(recurrence: Recurrence, local: NaiveDateTime) -> Vec<(u32, NaiveDateTime)> {
    let days_before = |n: u32, days: u32| (n, local - TimeDelta::days((n * days).into()));
    match recurrence {
        Recurrence::Once => vec![(0, local)],
        Recurrence::Daily => vec![days_before(1, 1), days_before(200, 1)],
        Recurrence::Weekly => vec![days_before(1, 7), days_before(30, 7)],
        Recurrence::Monthly => {
            // The last of a month is also where the 31st of another one comes to.
            let is_last = (local + TimeDelta::days(1)).month() != local.month();
            let day = if is_last { 31 } else { local.day() };
            let months_before = |n| Some((n, (local - Months::new(n)).with_day(day)?));
            [1, 2, 12].into_iter().filter_map(months_before).collect()
        }
    }
}

/// Series of every kind meet the change where it hurts.
fn assert_followed(time_zone: Zone, change: Change) {
    for local in change.touched() {
        for recurrence in Recurrence::ALL.iter().copied() {
            for (index, anchor) in anchors(recurrence, local) {
                let (starts_at, note) = moment(time_zone, anchor);
                if !ACCEPTED.contains(&starts_at) {
                    continue;
                }
                let schedule = Schedule {
                    starts_at,
                    // A time that the clock skips can be given in local time.
                    local_start: (note == Some(Note::DstGap)).then_some(anchor),
                    ends_at: None,
                    recurrence,
                    time_zone,
                };
                assert_due(&schedule, index, change, local);
            }
        }
    }
}

fn assert_due(schedule: &Schedule, index: u32, change: Change, local: NaiveDateTime) {
    let (at, clock_change) = change.due(local);
    let found = schedule.occurrence(index);
    let Some(found) = found else {
        // A day that the zone left out: the next occurrence stands for it.
        let gap = change.after - change.before;
        let is_left_out = schedule.recurrence == Recurrence::Daily && gap >= 24 * 3600;
        assert!(
            is_left_out || !ACCEPTED.contains(&at),
            "{schedule:?} {change:?} {local}"
        );
        return;
    };
    let anchor = schedule.anchor();
    let is_clipped = schedule.recurrence == Recurrence::Monthly && anchor.day() != local.day();
    let note = clock_change.or(is_clipped.then_some(Note::MonthEnd));
    assert_eq!(
        (found.at, found.note),
        (at, note),
        "{schedule:?} {change:?} {local}"
    );
    let around =
        (index.saturating_sub(1)..index + 2).filter_map(|index| schedule.occurrence(index));
    let around: Vec<_> = around.map(|occurrence| occurrence.at).collect();
    assert!(
        around.is_sorted_by(|one, next| one < next),
        "{schedule:?} {around:?}"
    );
}

/// Zones that are the same but for their names are looked at once.
static ZONES: LazyLock<HashMap<Vec<Change>, Zone>> = LazyLock::new(|| {
    let zones = Zone::all().map(|zone| (changes(zone), zone));
    zones.collect()
});

#[test]
fn every_kind_follows_every_clock_change_of_every_zone() {
    let changes = ZONES.keys().map(Vec::len).sum::<usize>();
    assert!(changes > 10_000, "{changes} changes are too few to be all");
    for (changes, zone) in &*ZONES {
        for change in changes {
            assert_followed(*zone, *change);
        }
    }
}

/// Every month and every week, from an anchor in the small hours of a 31st.
#[test]
fn in_every_zone_two_centuries_follow_the_calendar() {
    let local = ACCEPTED.start.naive_utc() + TimeDelta::days(30) + TimeDelta::minutes(150);
    for time_zone in ZONES.values().copied() {
        for (recurrence, periods) in [(Recurrence::Weekly, 10_480), (Recurrence::Monthly, 2_410)] {
            let schedule = Schedule {
                starts_at: moment(time_zone, local).0,
                local_start: None,
                ends_at: None,
                recurrence,
                time_zone,
            };
            assert_calendar(&schedule, 0..periods);
        }
    }
}
