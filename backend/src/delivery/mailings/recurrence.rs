//! When a mailing falls due: from its anchor, period, time zone and end to moments. Pure: no clock, no connection.
//!
//! Every occurrence is computed from the anchor, never from the one before it: 31 Jan, 28 Feb, 31 Mar. The wall clock
//! of the mailing's zone stays the same over clock changes, so the distance in hours does not.

use serde::{Deserialize, Serialize};
use std::ops::{Range, RangeInclusive};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;

use chrono::{
    DateTime, Datelike, Days, FixedOffset, MappedLocalTime, Months, NaiveDateTime, TimeZone, Utc,
};

use crate::core::text_enum::text_enum;
use crate::core::zone::Zone;

/// The range of occurrences: the years 1900 – 2100, UTC, in which all time zone data are defined (the last rule of a
/// zone applies indefinitely). The API accepts 2000 – 2100 of these (`http::field`).
pub const ACCEPTED: Range<DateTime<Utc>> = Range {
    start: DateTime::from_timestamp(-2_208_988_800, 0).unwrap(),
    end: DateTime::from_timestamp(4_133_980_800, 0).unwrap(),
};

/// How often a mailing repeats.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Recurrence {
    Once,
    Daily,
    Weekly,
    Monthly,
}

text_enum!(Recurrence);

impl Recurrence {
    /// Local time `periods` after `anchor`; a day the month does not have becomes its last.
    fn advance(self, anchor: NaiveDateTime, periods: u32) -> Option<NaiveDateTime> {
        match self {
            Self::Once => (periods == 0).then_some(anchor),
            Self::Daily => anchor.checked_add_days(Days::new(periods.into())),
            Self::Weekly => anchor.checked_add_days(Days::new(u64::from(periods) * 7)),
            Self::Monthly => anchor.checked_add_months(Months::new(periods)),
        }
    }
}

/// Why an occurrence is not simply the anchor's day and time. Where two apply, the clock change is named.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    ToSchema,
)]
#[schema(as = OccurrenceNote)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Note {
    /// The time does not exist that day; moved forward by the length of the gap.
    DstGap,
    /// The time exists twice that day; this is the first.
    DstOverlap,
    /// The month is too short; moved to its last day.
    MonthEnd,
    /// The window is open already: sent as soon as the mailing is saved.
    AtOnce,
}

text_enum!(Note);

/// A moment the recurrence falls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Periods since the anchor.
    pub index: u32,
    pub at: DateTime<Utc>,
    /// `at` as the clock on the wall shows it, with the zone's offset of that moment.
    pub local: DateTime<FixedOffset>,
    pub note: Option<Note>,
}

/// The schedule of a mailing. `ends_at`, if set, bounds the series and is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The first occurrence.
    pub starts_at: DateTime<Utc>,
    /// The local time given for the first occurrence, if no instant was given. On a day on which the clock skips it,
    /// the first occurrence is shifted; later ones are not.
    pub local_start: Option<NaiveDateTime>,
    pub ends_at: Option<DateTime<Utc>>,
    pub recurrence: Recurrence,
    pub time_zone: Zone,
}

impl Schedule {
    /// The local time of the first occurrence, and of all later ones.
    pub fn anchor(&self) -> NaiveDateTime {
        self.local_start
            .unwrap_or_else(|| self.starts_at.with_timezone(&self.time_zone).naive_local())
    }

    /// The occurrence `index` periods after the anchor; index 0 is exactly `starts_at`. None past the end, outside
    /// [`ACCEPTED`], and for a day the zone left out (Samoa, 30 Dec 2011): moved forward by that gap of 24 h, a daily
    /// occurrence meets the next one, which stands for both. So no two occurrences share a moment.
    pub fn occurrence(&self, index: u32) -> Option<Occurrence> {
        let occurrence = self.nominal(index)?;
        let met_by = |next: Occurrence| next.at <= occurrence.at;
        if occurrence.note == Some(Note::DstGap)
            && self.nominal(index.checked_add(1)?).is_some_and(met_by)
        {
            return None;
        }
        Some(occurrence)
    }

    pub fn newest_at_or_before(&self, now: DateTime<Utc>) -> Option<Occurrence> {
        self.around(now)
            .rev()
            .filter_map(|index| self.occurrence(index))
            .find(|occurrence| occurrence.at <= now)
    }

    pub fn first_after(&self, now: DateTime<Utc>) -> Option<Occurrence> {
        self.around(now)
            .filter_map(|index| self.occurrence(index))
            .find(|occurrence| occurrence.at > now)
    }

    /// The first `count` occurrences after a moment; fewer when the series ends.
    pub fn upcoming(&self, after: DateTime<Utc>, count: usize) -> Vec<Occurrence> {
        std::iter::successors(self.first_after(after), |occurrence| {
            self.first_after(occurrence.at)
        })
        .take(count)
        .collect()
    }

    /// The moment from which an occurrence may no longer be sent: the next one, or the end. None when unbounded.
    pub fn deadline_of(&self, index: u32) -> Option<DateTime<Utc>> {
        // A next occurrence always lies before the end.
        let next = index
            .checked_add(1)
            .and_then(|next| self.at_index_or_next(next));
        next.map(|occurrence| occurrence.at).or(self.ends_at)
    }

    /// The first moment that can hold no occurrence.
    pub(super) fn end(&self) -> DateTime<Utc> {
        self.ends_at
            .map_or(ACCEPTED.end, |end| end.min(ACCEPTED.end))
    }

    /// Skips the one index that a left-out day may have emptied.
    pub(super) fn at_index_or_next(&self, index: u32) -> Option<Occurrence> {
        self.occurrence(index)
            .or_else(|| self.occurrence(index.checked_add(1)?))
    }

    /// Indices sure to hold the occurrences on both sides of a moment: whole periods since the anchor ± 3, because
    /// offsets change by up to 26 h and the month in the zone may differ from the month in UTC at either end.
    fn around(&self, moment: DateTime<Utc>) -> RangeInclusive<u32> {
        let moment = moment.min(self.end());
        let days = (moment - self.starts_at).num_days();
        let periods = match self.recurrence {
            Recurrence::Once => 0,
            Recurrence::Daily => days,
            Recurrence::Weekly => days / 7,
            Recurrence::Monthly => months(moment) - months(self.starts_at),
        };
        let periods = u32::try_from(periods.max(0)).unwrap_or(u32::MAX);
        periods.saturating_sub(3)..=periods.saturating_add(3)
    }

    /// The occurrence as the calendar has it, even where it meets the next one.
    fn nominal(&self, index: u32) -> Option<Occurrence> {
        if !ACCEPTED.contains(&self.starts_at) {
            return None;
        }
        let anchor = self.anchor();
        let wanted = self.recurrence.advance(anchor, index)?;
        let (at, clock_change) = match resolve(self.time_zone, wanted)? {
            // An instant may be the second of two equal local times.
            (at, _) if index == 0 && self.local_start.is_none() && at != self.starts_at => {
                (self.starts_at, None)
            }
            resolved => resolved,
        };
        let clipped = self.recurrence == Recurrence::Monthly && wanted.day() != anchor.day();
        let occurrence = Occurrence {
            index,
            at,
            local: at.with_timezone(&self.time_zone).fixed_offset(),
            note: clock_change.or(clipped.then_some(Note::MonthEnd)),
        };
        (at < self.end()).then_some(occurrence)
    }
}

/// Months since the year 0.
fn months(moment: DateTime<Utc>) -> i64 {
    i64::from(moment.year()) * 12 + i64::from(moment.month())
}

/// The instant at which local time is `wanted`; if the clock skips it, as long after the gap as `wanted` is inside
/// it.
pub(super) fn resolve(zone: Zone, wanted: NaiveDateTime) -> Option<(DateTime<Utc>, Option<Note>)> {
    match zone.from_local_datetime(&wanted) {
        MappedLocalTime::Single(at) => Some((at.to_utc(), None)),
        MappedLocalTime::Ambiguous(first, _) => Some((first.to_utc(), Some(Note::DstOverlap))),
        MappedLocalTime::None => {
            // Read with the offset before the gap, the moment lies as far behind the gap as `wanted` lies inside it.
            let before = zone.offset_before_gap(&wanted)?;
            let at = wanted.checked_sub_offset(before)?.and_utc();
            Some((at, Some(Note::DstGap)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_json_text_and_parsing() {
        for recurrence in Recurrence::ALL.iter().copied() {
            assert_eq!(
                serde_json::to_value(recurrence).unwrap(),
                recurrence.as_str()
            );
            assert_eq!(recurrence.as_str().parse(), Ok(recurrence));
        }
        for note in Note::ALL.iter().copied() {
            assert_eq!(serde_json::to_value(note).unwrap(), note.as_str());
        }
        assert_eq!(
            "yearly".parse::<Recurrence>(),
            Err(strum::ParseError::VariantNotFound)
        );
    }
}
