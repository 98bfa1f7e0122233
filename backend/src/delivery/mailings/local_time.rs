//! A date and time without an offset, in the local time of a time zone.

use chrono::{NaiveDateTime, SubsecRound, Timelike};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A date and time without an offset in the mailing's time zone, with or without seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(
    value_type = String,
    example = "2027-03-14T02:30:00",
    pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"
)]
pub struct LocalTime(pub NaiveDateTime);

const FORMATS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).ok_or_else(|| {
            D::Error::custom(
                "expected a date and time without an offset, such as 2027-03-14T02:30:00",
            )
        })
    }
}

/// `chrono` would also accept blanks, signs, and numbers with fewer digits.
fn has_shape(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        separator => byte == *separator,
    };
    (text.len() == 16 || text.len() >= SHAPE.len()) && text.bytes().zip(SHAPE).all(fits)
}

/// To the microsecond, as PostgreSQL keeps it. Leap seconds are no times of a schedule.
fn parse(text: &str) -> Option<NaiveDateTime> {
    let mut read = FORMATS
        .iter()
        .filter(|_| has_shape(text))
        .filter_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    read.next()
        .filter(|local| local.nanosecond() < 1_000_000_000)
        .map(|local| local.trunc_subsecs(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_seconds_and_never_with_an_offset() {
        let read = |text: &str| parse(text).map(|local| local.to_string());
        assert_eq!(
            read("2027-03-14T02:30").as_deref(),
            Some("2027-03-14 02:30:00")
        );
        assert_eq!(
            read("2027-03-14T02:30:15.1234567").as_deref(),
            Some("2027-03-14 02:30:15.123456")
        );
        for text in [
            "2027-03-14T02:30:00Z",
            "2027-03-14T02:30:00-05:00",
            "2027-03-14",
            "2027-02-29T02:30",
            "2027-03-14T24:00",
            "2026-12-31T23:59:60",
            " 2027-03-14T02:30",
            "2027-03-14T 2:30",
            "2027-3-14T02:30",
            "2027-03-14T02:30:5",
            "+2027-03-14T02:30",
            "2027-03-14T02:30:00.",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
