//! A period of the calendar and its days, which in a zone that changes its clocks have 23 or 25 hours. Pure.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};

use crate::core::zone::Zone;

/// Attempts are summed up by the quarter of an hour, on which the days of every zone begin.
const QUARTER_S: i64 = 900;
/// The default period is today and this number of days before.
const DAYS_BEFORE: u64 = 29;
/// The longest period; clocks may be set back within it.
const LONGEST: TimeDelta = TimeDelta::hours(366 * 24 + 1);

/// From one quarter of an hour to another, which is not counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub zone: Zone,
}

/// Why a period is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    #[error("The end must be after the beginning.")]
    Empty,
    #[error("A period may have at most 366 days.")]
    TooLong,
}

impl Period {
    /// The whole quarters between these moments; up to now and over the last thirty days where they are not given.
    pub fn new(
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        zone: Zone,
        now: DateTime<Utc>,
    ) -> Result<Self, PeriodError> {
        let to = to.map_or_else(
            || quarter(now) + TimeDelta::seconds(QUARTER_S),
            quarter_after,
        );
        let from = from.map_or_else(|| days_before(to, zone), quarter);
        if to <= from {
            Err(PeriodError::Empty)
        } else if to - from > LONGEST {
            Err(PeriodError::TooLong)
        } else {
            Ok(Self { from, to, zone })
        }
    }

    /// The same up to its end from this moment on, as far as a period reaches.
    #[must_use]
    pub fn since(self, first: DateTime<Utc>) -> Self {
        let from = quarter(first).max(self.to - LONGEST);
        Self {
            from: from.min(self.to - TimeDelta::seconds(QUARTER_S)),
            ..self
        }
    }

    /// Its days with the moments at which they begin, the first at the beginning of the period.
    pub fn days(&self) -> Vec<(NaiveDate, DateTime<Utc>)> {
        let last = local_day(self.to - TimeDelta::seconds(1), self.zone);
        let days = local_day(self.from, self.zone).iter_days();
        days.take_while(|day| *day <= last)
            .filter_map(|day| Some((day, beginning(day, self.zone)?.max(self.from))))
            .collect()
    }
}

fn quarter(at: DateTime<Utc>) -> DateTime<Utc> {
    let second = at.timestamp();
    DateTime::from_timestamp(second - second.rem_euclid(QUARTER_S), 0).unwrap_or(at)
}

fn quarter_after(at: DateTime<Utc>) -> DateTime<Utc> {
    let begun = quarter(at);
    if begun == at {
        at
    } else {
        begun + TimeDelta::seconds(QUARTER_S)
    }
}

fn local_day(at: DateTime<Utc>, zone: Zone) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

fn days_before(to: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
    let last = local_day(to - TimeDelta::seconds(1), zone);
    let first = last - Days::new(DAYS_BEFORE);
    beginning(first, zone).unwrap_or(to - TimeDelta::days(30))
}

/// When a day begins: at midnight, or after the gap where the clocks are set forward over it. A zone that changes sides of
/// the date line has no such day.
fn beginning(day: NaiveDate, zone: Zone) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    let quarters = (0..96).map(|n| midnight + TimeDelta::seconds(n * QUARTER_S));
    let mut moments = quarters.filter_map(|local| zone.from_local_datetime(&local).earliest());
    moments.next().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn period(from: &str, to: &str, zone: Zone) -> Period {
        Period::new(Some(at(from)), Some(at(to)), zone, at(to)).unwrap()
    }

    /// How many hours each day of the period has.
    fn hours(period: &Period) -> Vec<i64> {
        let mut begin: Vec<_> = period.days().into_iter().map(|(_, at)| at).collect();
        begin.push(period.to);
        begin
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).num_hours())
            .collect()
    }

    #[test]
    fn a_day_has_23_hours_in_spring_and_25_in_autumn() {
        let berlin = zone("Europe/Berlin");
        let spring = period("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", berlin);
        assert_eq!(hours(&spring), [24, 23, 24]);
        let autumn = period("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", berlin);
        assert_eq!(hours(&autumn), [24, 25, 24]);
    }

    #[test]
    fn where_midnight_is_skipped_the_day_begins_after_the_gap() {
        let beirut = period(
            "2026-03-27T22:00:00Z",
            "2026-03-29T21:00:00Z",
            zone("Asia/Beirut"),
        );
        let days: Vec<_> = beirut
            .days()
            .iter()
            .map(|(day, at)| format!("{day} {at}"))
            .collect();
        assert_eq!(
            days,
            [
                "2026-03-28 2026-03-27 22:00:00 UTC",
                "2026-03-29 2026-03-28 22:00:00 UTC"
            ]
        );
    }

    #[test]
    fn a_day_that_a_zone_never_had_is_left_out() {
        let apia = period(
            "2011-12-29T10:00:00Z",
            "2011-12-31T10:00:00Z",
            zone("Pacific/Apia"),
        );
        let days: Vec<_> = apia.days().iter().map(|(day, _)| day.to_string()).collect();
        assert_eq!(days, ["2011-12-29", "2011-12-31"]);
    }

    #[test]
    fn by_default_it_is_today_and_the_29_days_before() {
        let now = at("2026-05-01T10:07:00Z");
        let period = Period::new(None, None, zone("Asia/Kathmandu"), now).unwrap();
        let days = period.days();
        assert_eq!((days.len(), period.to), (30, at("2026-05-01T10:15:00Z")));
        assert_eq!(
            (days[0].0.to_string(), period.from),
            ("2026-04-02".to_owned(), at("2026-04-01T18:15:00Z"))
        );
    }

    #[test]
    fn a_period_longer_than_a_year_or_ending_before_its_start_is_invalid() {
        let of = |from, to| Period::new(Some(at(from)), Some(at(to)), Zone::utc(), at(to));
        let year = of("2026-01-01T00:00:00Z", "2027-01-02T00:00:00Z").unwrap();
        assert_eq!(year.days().len(), 366);
        assert_eq!(
            of("2026-01-01T00:00:00Z", "2027-01-03T00:00:00Z"),
            Err(PeriodError::TooLong)
        );
        assert_eq!(
            of("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            Err(PeriodError::Empty)
        );
        assert!(of("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z").is_ok());
    }
}
