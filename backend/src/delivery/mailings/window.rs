//! The start and end of a mailing as given, and whether they are valid. Pure: no clock.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::recurrence::{ACCEPTED, resolve};
use crate::core::zone::Zone;

/// A start up to a day in the past opens the window at once; an earlier one is considered a typing error.
pub const MAX_START_AGE: TimeDelta = TimeDelta::days(1);

/// Why a window is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("One of starts_at, starts_at_local or start_now: true is required.")]
    StartMissing,
    #[error("Use either starts_at or starts_at_local, not both.")]
    StartTwice,
    #[error("Must be in the years 2000 to 2100.")]
    StartOutOfRange,
    #[error("With start_now the mailing starts now: omit a start in the future.")]
    StartsNowAndLater,
    #[error("The start is more than a day in the past.")]
    StartInPast,
    #[error("The start is more than a day in the past; start_now: true starts the mailing now.")]
    NewStartInPast,
    #[error("Use either ends_at or ends_at_local, not both.")]
    EndTwice,
    #[error("Must be in the years 2000 to 2100.")]
    EndOutOfRange,
    #[error("The end must be after the start.")]
    EndNotAfterStart,
    #[error("The end is in the past.")]
    EndInPast,
}

/// An instant, and the local time given for it, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    pub local: Option<NaiveDateTime>,
}

/// The two forms in which a time can be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    pub at: Option<DateTime<Utc>>,
    pub local: Option<NaiveDateTime>,
}

/// Why a given time is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FormsError {
    Both,
    OutOfRange,
}

impl Forms {
    /// The instant in this zone, to the microsecond and without leap seconds as in PostgreSQL; `None` if none is
    /// given.
    fn moment(self, zone: Zone) -> Result<Option<Moment>, FormsError> {
        let at = match (self.at, self.local) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(FormsError::Both),
            (Some(at), None) => DateTime::from_timestamp_micros(at.timestamp_micros()),
            (None, Some(local)) => resolve(zone, local).map(|(at, _)| at),
        };
        let at = at.filter(|at| ACCEPTED.contains(at));
        let at = at.ok_or(FormsError::OutOfRange)?;
        Ok(Some(Moment {
            at,
            local: self.local,
        }))
    }

    /// The given start, if any.
    pub fn start(self, zone: Zone) -> Result<Option<Moment>, WindowError> {
        self.moment(zone).map_err(|error| match error {
            FormsError::Both => WindowError::StartTwice,
            FormsError::OutOfRange => WindowError::StartOutOfRange,
        })
    }

    /// The given end, if any.
    pub fn end(self, zone: Zone) -> Result<Option<Moment>, WindowError> {
        self.moment(zone).map_err(|error| match error {
            FormsError::Both => WindowError::EndTwice,
            FormsError::OutOfRange => WindowError::EndOutOfRange,
        })
    }
}

/// The start of a new mailing: the given one, or `now` if requested explicitly.
pub fn first_start(
    given: Option<Moment>,
    start_now: bool,
    now: DateTime<Utc>,
) -> Result<Moment, WindowError> {
    match (given, start_now) {
        (Some(later), true) if later.at > now => Err(WindowError::StartsNowAndLater),
        (_, true) => Ok(Moment {
            at: now,
            local: None,
        }),
        (Some(start), false) => Ok(start),
        (None, false) => Err(WindowError::StartMissing),
    }
}

/// Fails unless the end is after the start and in the future.
pub fn check_end(
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), WindowError> {
    match ends_at {
        Some(end) if end <= starts_at => Err(WindowError::EndNotAfterStart),
        Some(end) if end <= now => Err(WindowError::EndInPast),
        _ => Ok(()),
    }
}

/// Fails if the start is more than [`MAX_START_AGE`] in the past.
pub fn check_start(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), WindowError> {
    if now - starts_at > MAX_START_AGE {
        return Err(WindowError::StartInPast);
    }
    Ok(())
}

/// As [`check_start`], where a request may ask for a start now.
pub fn check_new_start(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), WindowError> {
    check_start(starts_at, now).map_err(|_in_past| WindowError::NewStartInPast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_what_postgresql_keeps_of_it() {
        let moment = |text: &str| {
            let forms = Forms {
                at: Some(text.parse().unwrap()),
                local: None,
            };
            forms.start(Zone::utc()).unwrap().unwrap().at.to_rfc3339()
        };
        assert_eq!(
            moment("2027-01-01T00:00:00.1234567Z"),
            "2027-01-01T00:00:00.123456+00:00"
        );
        assert_eq!(moment("2026-12-31T23:59:60Z"), "2027-01-01T00:00:00+00:00");
    }
}
